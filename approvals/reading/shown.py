"""Arguments as a reviewer is shown them: typed, labelled, in full, one row a leaf. Reads the canonical values only."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from approvals.reading import glyphs
from tools.contract import Contract
from tools.listing import declared_schema

MASK: Final = "••••••••"
PLACE: Final = re.compile(r"\[\d+\]")
"""The place in a list, as a path writes it."""
HEAD: Final = 100
"""Characters of a folded value that stand beside its length."""


@dataclass(frozen=True)
class Argument:
    """One argument as it is shown: in full, typed, with what a reader should know about it."""

    label: str
    path: str
    kind: str
    text: str
    note: str = ""
    remarks: list[str] = field(default_factory=list)
    masked: bool = False
    folded: bool = False

    @property
    def flagged(self) -> bool:
        """Whether to look at it twice."""
        return bool(self.remarks)

    @property
    def characters(self) -> int:
        """Length, stated where the value is folded."""
        return len(self.text)

    @property
    def head(self) -> str:
        """The beginning of a folded value, as far as one line goes."""
        return self.text[:HEAD].split("\n", 1)[0]

    @property
    def lines(self) -> int:
        """Number of lines, stated where the value is folded."""
        return self.text.count("\n") + 1


def arguments(values: Mapping[str, Any], contract: Contract | None) -> list[Argument]:
    """Every argument, in the contract's order and then the rest: nothing is left out because nobody described it."""
    schema = declared_schema(contract) if contract else {}
    described: Mapping[str, Any] = schema.get("properties") or {}
    secrets = set(contract.secret_fields) if contract else set()
    about = targets(contract)
    return _apart(
        [
            _warned(argument, about)
            for name in _ordered(values, schema)
            for argument in _flat(name, values[name], described.get(name) or {}, secrets)
        ]
    )


def _apart(rows: list[Argument]) -> list[Argument]:
    """The rows, no two at one path. Names may hold dots, so that ``a.b`` and the ``b`` of ``a`` are written alike: each
    is opened, compared and asked for by itself, or one of them could hide behind the other.
    """
    paths = [row.path for row in rows]
    taken = set(paths)
    if len(taken) == len(paths):
        return rows
    seen: set[str] = set()
    apart = []
    for row in rows:
        path, place = row.path, 1
        while path in seen or (place > 1 and path in taken):
            place += 1
            path = f"{row.path} ({place})"
        seen.add(path)
        apart.append(replace(row, path=path))
    return apart


def _warned(argument: Argument, about: Collection[str]) -> Argument:
    """The argument with what to know before trusting one's eyes."""
    if argument.kind != "text":
        return argument
    target = PLACE.sub("", argument.path) in about
    return replace(argument, remarks=glyphs.oddities(argument.text, target=target))


def _ordered(values: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """The names in the schema's order, then whatever it does not describe."""
    described: Mapping[str, Any] = schema.get("properties") or {}
    return [name for name in described if name in values] + [name for name in values if name not in described]


def _flat(path: str, value: object, schema: Mapping[str, Any], secrets: set[str]) -> list[Argument]:
    """One row a leaf, so that nothing hides inside collapsed JSON."""
    if is_secret(path, secrets):
        return [
            Argument(label(path, schema), path, "secret", MASK, "Secret: kept from people, sent as it is", masked=True)
        ]
    if isinstance(value, dict) and value:
        inner: Mapping[str, Any] = schema.get("properties") or {}
        return [
            row
            for key in _ordered(value, schema)
            for row in _flat(f"{path}.{key}", value[key], inner.get(key) or {}, secrets)
        ]
    if isinstance(value, list) and value:
        each = schema.get("items")
        item: Mapping[str, Any] = each if isinstance(each, dict) else {}
        return [row for i, one in enumerate(value) for row in _flat(f"{path}[{i}]", one, item, secrets)]
    kind, text = _said(value)
    note = str(schema.get("description") or "")
    folded = isinstance(value, str) and glyphs.needs_folding(text)
    return [Argument(label(path, schema), path, kind, text, note, folded=folded)]


def secret_texts(path: str, value: object, secrets: Collection[str], *, inside: bool = False) -> Iterator[str]:
    """What the secret arguments in a value say, as text: every leaf of a field that is secret."""
    inside = inside or is_secret(path, secrets)
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from secret_texts(f"{path}.{key}" if path else key, one, secrets, inside=inside)
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from secret_texts(f"{path}[{place}]", one, secrets, inside=inside)
    elif inside and value not in (None, "", True, False):
        yield str(value)


def is_secret(path: str, secrets: Collection[str]) -> bool:
    """Whether the value at a path is kept from people: the field that holds it, or the path itself, is secret. Which
    place in a list it has does not matter.
    """
    path = PLACE.sub("", path)
    return path.split(".", 1)[0] in secrets or path in secrets


def targets(contract: Contract | None) -> frozenset[str]:
    """The arguments that say whom or what a call is about, as paths without their places in lists."""
    if contract is None:
        return frozenset()
    found = {*contract.recipient_fields, *contract.lookups, *contract.scope_fields}
    return frozenset(path for path in found if not is_secret(path, contract.secret_fields))


def label(path: str, schema: Mapping[str, Any]) -> str:
    """The contract's own title, or the argument's name made readable."""
    return str(schema.get("title") or path.replace("_", " ").capitalize())


def _said(value: object) -> tuple[str, str]:
    """A value's kind and its text. Numbers keep their digits: no thousands separators, which differ by country."""
    if value is None:
        return "nothing", "nothing"
    if isinstance(value, bool):
        return "yes or no", "Yes" if value else "No"
    if isinstance(value, int | float):
        return "number", json.dumps(value)
    if isinstance(value, str):
        return "text", value
    return "list", "empty"
