"""What an HTTP tool would do, from a reading operation of the same service: before-values, what they rest on, names.

The binding (written by the importer from a trusted document) says what to read and where in the answer things are:

    "preview": {"operation": "get_order", "method": "GET", "path": "/orders/{id}",
                "parameters": [{"argument": "order", "name": "id", "in": "path"}],
                "effect": [{"label": "Status", "before": "/status", "after": {"value": "cancelled"}},
                           {"label": "Address", "before": "/address", "after": {"argument": "address"}},
                           {"label": "Open tasks", "before": "/open", "after": {"answer": "/open_after"}}],
                "preconditions": ["/version"], "text": "/summary", "affected": "/count"},
    "lookups": {"order": {"operation": …, "method": "GET", "path": …, "parameters": […], "name": ["/title", "/date"]}}

Nothing is sent but GET and HEAD, without our key and without a body. What the service refuses as such, the call would
fail at: 404, 409, 410 and 422. Whatever else goes wrong is a question that could not be asked.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tools.contract import Outcome, OutcomeStatus
from tools.previews import Look, Preview, PreviewState, change, identifiers
from traces.canonical import JSON

Ask = Callable[[Mapping[str, Any], Mapping[str, JSON]], Outcome]
"""Send the reading operation that a part of the binding describes, with these arguments."""

SAFE = frozenset({"GET", "HEAD"})
REFUSING = frozenset({404, 409, 410, 422})
ABSENT = frozenset({404, 410})


class NotAsked(Exception):
    """The question could not be asked or was not answered; the message says why."""


def preview(binding: Mapping[str, Any], asked: Look, ask: Ask, *, seconds: Callable[[], float]) -> Preview:
    """Ask for the effect and for the names. ``seconds`` are those left of the contract's timeout, for all of it."""
    try:
        foreseen = _foreseen(binding["preview"], asked, ask) if "preview" in binding else Preview.done()
        if foreseen.state is not PreviewState.DONE:
            return foreseen
        return _named(foreseen, binding.get("lookups") or {}, asked, ask, seconds)
    except NotAsked as why:
        return Preview.failed(str(why))


def _foreseen(part: Mapping[str, Any], asked: Look, ask: Ask) -> Preview:
    found = _read(part, asked.arguments, ask)
    if found.status is not OutcomeStatus.DONE:
        if found.evidence.get("http_status") in REFUSING:
            return Preview.refused(found.error.text if found.error else "The tool refused.")
        raise NotAsked(_why(found))
    answer = found.result
    effect = tuple(
        change(row["label"], at(answer, row["before"]), _after(row["after"], answer, asked.arguments))
        for row in part.get("effect", ())
        if _given(row["after"], asked.arguments)
    )
    affected = at(answer, part["affected"]) if "affected" in part else None
    text = at(answer, part["text"]) if "text" in part else ""
    return Preview.done(
        text if isinstance(text, str) else "",
        *effect,
        affected=affected if isinstance(affected, int) and not isinstance(affected, bool) else None,
        preconditions={pointer: at(answer, pointer) for pointer in part.get("preconditions", ())} or None,
    )


def _named(
    foreseen: Preview, lookups: Mapping[str, Any], asked: Look, ask: Ask, seconds: Callable[[], float]
) -> Preview:
    records: dict[str, str | None] = {}
    for argument, path, one in identifiers(asked.arguments, lookups):
        if seconds() <= 0:
            raise NotAsked("The names behind the identifiers were not read in time.")
        found = _read(lookups[argument], {**asked.arguments, argument: one}, ask)
        if found.evidence.get("http_status") in ABSENT:
            records[path] = None
        elif found.status is OutcomeStatus.DONE:
            said = [at(found.result, pointer) for pointer in lookups[argument]["name"]]
            records[path] = ", ".join(str(name) for name in said if name not in (None, "")) or "(no name)"
        else:
            raise NotAsked(_why(found))
    return replace(foreseen, records=records)


def _read(part: Mapping[str, Any], arguments: Mapping[str, JSON], ask: Ask) -> Outcome:
    """One reading. Raises NotAsked for an operation that may change something: it is not sent at all."""
    if part["method"] not in SAFE or "body" in part:
        raise NotAsked(f"{part['operation']} may change something, so it is not asked.")
    return ask(part, arguments)


def _why(found: Outcome) -> str:
    return found.error.text if found.error else "The tool gave no answer."


def _given(said: Mapping[str, Any], arguments: Mapping[str, JSON]) -> bool:
    """What is left out of a call stays as it is, so that is no row."""
    return "argument" not in said or said["argument"] in arguments


def _after(said: Mapping[str, Any], answer: JSON, arguments: Mapping[str, JSON]) -> JSON:
    """The value afterwards: one of the call's own arguments, a fixed one, or a part of the answer."""
    if "argument" in said:
        return arguments.get(said["argument"])
    return said["value"] if "value" in said else at(answer, said["answer"])


def at(value: JSON, pointer: str) -> JSON:
    """What a JSON pointer (RFC 6901) finds; None where there is nothing."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isascii() and key.isdigit() and int(key[:9]) < len(value):
            value = value[int(key[:9])]
        else:
            return None
    return value
