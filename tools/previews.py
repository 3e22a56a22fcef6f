"""What a tool says beforehand of a call: the effect it expects, what that rests on, the names behind identifiers. Pure.

A preview is asked for before anybody decides and once more right before the call, read-only both times. What comes back
is text of strangers: it is bounded and spelled out here, and its digest is over everything as it came, so that a
difference beyond the bounds is found as well.
"""

import itertools
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from tools.summaries import shown
from tools.text import display
from traces.canonical import JSON, BadJSON, canonical, digest

LONGEST_TEXT: Final = 500
LONGEST_LABEL: Final = 80
LONGEST_VALUE: Final = 300
LONGEST_NAME: Final = 120
MOST_CHANGES: Final = 30
MOST_RECORDS: Final = 20
MOST_RESTS: Final = 40
LARGEST: Final = 200_000
"""Bytes of a preview as a tool may give it, in canonical form."""
ELSE: Final = "Something else that it rests on"
"""What differs where none of the values that are kept does."""


class PreviewState(StrEnum):
    """How a preview ended."""

    DONE = "done"
    REFUSED = "refused"
    """The tool says that the call would fail."""
    FAILED = "failed"
    """The tool could not be asked."""


@dataclass(frozen=True)
class Look:
    """What a connector is told when it is asked beforehand. There is no key: nothing is being done."""

    organization: uuid.UUID
    run: uuid.UUID
    action: uuid.UUID
    arguments: Mapping[str, JSON]
    request: JSON


@dataclass(frozen=True)
class Preview:
    """What a tool answered, as it came."""

    state: PreviewState
    text: str = ""
    """The expected effect in one sentence, or why the call would fail, or why the tool could not be asked."""
    affected: int | None = None
    """How many records it would touch, where the tool tells."""
    effect: tuple[Mapping[str, JSON], ...] = ()
    """`label`, `before` and `after` of everything that would change."""
    preconditions: JSON = None
    """What the prediction rests on beside the values before."""
    records: Mapping[str, str | None] = field(default_factory=dict)
    """Path of an argument to the name of what it identifies; None where there is no such record."""

    @classmethod
    def done(cls, text: str = "", *effect: Mapping[str, JSON], **more: Any) -> "Preview":
        """The tool says what the call would do: each change as `change` makes it."""
        return cls(PreviewState.DONE, text, effect=effect, **more)

    @classmethod
    def refused(cls, text: str) -> "Preview":
        """The tool says that the call would fail, in its words."""
        return cls(PreviewState.REFUSED, text)

    @classmethod
    def failed(cls, text: str) -> "Preview":
        """The tool could not be asked."""
        return cls(PreviewState.FAILED, text)


def change(label: str, before: JSON, after: JSON) -> dict[str, JSON]:
    """One row of an expected effect."""
    return {"label": label, "before": before, "after": after}


def identifiers(arguments: Mapping[str, JSON], names: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Name, path and value of what these arguments identify; a list gives one for each of its members.

    A name may lead through objects and lists, `parts.sku`; a path says where it led, `parts[0].sku`.
    """
    found = (
        (name, path, str(one))
        for name in names
        for path, one in _led(dict(arguments), name.split("."), "")
        if isinstance(one, str | int) and not isinstance(one, bool)
    )
    yield from itertools.islice(found, MOST_RECORDS)


@dataclass(frozen=True)
class Told:
    """A preview as it is kept and shown: bounded, spelled out, with the digest of what came."""

    state: PreviewState
    content: Mapping[str, JSON]
    """`text`, `affected`, `changes`, `records` and `rests`: the values that the prediction rests on, by their path."""
    digest: str = ""
    """Of everything that would make this another preview; empty where nothing was told."""


def told(preview: Preview) -> Told:
    """A preview as it is kept. Never raises: what cannot be kept is a preview that failed."""
    try:
        return _told(preview)
    except (BadJSON, RecursionError, AttributeError, KeyError, TypeError, ValueError) as error:
        return _failed(f"What the tool answered is no preview ({type(error).__name__}).")


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[dict[str, str]]:
    """What is not as it was between two kept previews: label, then and now. Never empty: the digests differed."""
    was, is_ = dict(_values(then)), dict(_values(now))
    found = [
        {"label": label, "then": was.get(label, "(nothing)"), "now": is_.get(label, "(nothing)")}
        for label in dict.fromkeys([*was, *is_])
        if was.get(label) != is_.get(label)
    ]
    return found[:MOST_CHANGES] or [{"label": ELSE, "then": "as it was", "now": "changed"}]


def _told(preview: Preview) -> Told:
    text = display(str(preview.text), one_line=True, limit=LONGEST_TEXT).strip()
    if preview.state is not PreviewState.DONE:
        return Told(preview.state, {"text": text})
    effect = [change(str(row["label"]), row["before"], row["after"]) for row in preview.effect]
    count = preview.affected
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 0):
        raise ValueError("a number of records is a whole number")
    whole: JSON = {
        "effect": effect,
        "affected": count,
        "preconditions": preview.preconditions,
        "records": dict(preview.records),
    }
    if len(canonical(whole)) > LARGEST:
        return _failed(f"The tool's answer is larger than {LARGEST} bytes.")
    rests = list(_leaves(preview.preconditions))
    return Told(
        PreviewState.DONE,
        {
            "text": text,
            "affected": count,
            "changes": [
                {"label": _label(row["label"]), "before": _value(row["before"]), "after": _value(row["after"])}
                for row in effect[:MOST_CHANGES]
            ],
            "more": max(0, len(effect) - MOST_CHANGES),
            "records": [
                {"path": _label(path), "name": None if name is None else _name(name)}
                for path, name in list(preview.records.items())[:MOST_RECORDS]
            ],
            "rests": [[_label(path), _value(value)] for path, value in rests[:MOST_RESTS]],
        },
        digest("preconditions", whole),
    )


def _failed(text: str) -> Told:
    return Told(PreviewState.FAILED, {"text": text})


def _values(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Everything in a kept preview that may differ, by what a reader would call it."""
    for row in content.get("changes", ()):
        yield row["label"], row["before"]
        yield f"{row['label']}, afterwards", row["after"]
    for row in content.get("records", ()):
        yield f"{row['path']} names", row["name"] or "no record"
    yield from content.get("rests", ())
    if content.get("affected") is not None:
        yield "Records affected", str(content["affected"])


def _leaves(value: JSON, path: str = "") -> Iterator[tuple[str, JSON]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    elif path or value is not None:
        yield path or "value", value


def _led(value: JSON, names: list[str], path: str) -> Iterator[tuple[str, JSON]]:
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from _led(one, names, f"{path}[{index}]")
    elif not names:
        yield path, value
    elif isinstance(value, dict) and names[0] in value:
        yield from _led(value[names[0]], names[1:], f"{path}.{names[0]}" if path else names[0])


def _label(text: str) -> str:
    return display(text, one_line=True, limit=LONGEST_LABEL)


def _name(text: str) -> str:
    return display(str(text), one_line=True, limit=LONGEST_NAME)


def _value(value: JSON) -> str:
    return shown(value, LONGEST_VALUE)
