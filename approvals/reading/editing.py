"""The edit form: one field an argument, filled in from a revision, read back into arguments. Reads only.

A scalar has a field of its own kind, everything else a text area of JSON. What a person wrote stays as it was written
until it is taken: a misfit is told at its field, and nothing is lost.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from approvals.models import Revision
from approvals.reading.differences import masked
from approvals.reading.shown import label
from tools.contract import Contract
from tools.listing import declared_schema
from tools.models import ToolVersion
from tools.schemas import Problem, plain
from traces.canonical import BadJSON, at_key, canonical, parse

PREFIX: Final = "argument:"
ABSENT: Final = ""
"""What a field holds where the argument is not given."""
LONG: Final = 80
"""Characters from which a text has a field of several lines."""
_SCALARS: Final = {"string": "text", "integer": "number", "number": "number", "boolean": "choice"}
_NOTHING: Final = object()


@dataclass(frozen=True)
class Field:
    """One argument on the form."""

    name: str
    label: str
    kind: str
    """text, lines, number, choice, json or secret."""
    written: str
    """What stands in the field."""
    current: str
    """What the argument is in the revision that would run, as text."""
    given: bool
    """Whether that revision has the argument at all."""
    note: str = ""
    needed: bool = False
    nullable: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    """Value and word of each choice."""
    error: str = ""
    moved: str | None = None
    """What it was when the person began, where somebody has changed it since."""

    @property
    def key(self) -> str:
        """The field's name in the form."""
        return PREFIX + self.name

    @property
    def edited(self) -> bool:
        """Whether what stands in the field is not what would run."""
        return self.kind != "secret" and self.written != self.current

    @property
    def rows(self) -> int:
        """How high a text area is."""
        return min(16, max(3, self.written.count("\n") + len(self.written) // LONG + 1))


def fields_of(revision: Revision, other: ToolVersion | None = None) -> list[Field]:
    """The form of a revision, filled in with its arguments in the order of the tool's schema.

    With another tool's version it is that tool's form: what both call the same and mean the same kind of is carried
    over, and no secret is.
    """
    before = Contract.from_json(revision.tool_version.contract) if revision.tool_version else None
    contract = Contract.from_json(other.contract) if other else before
    declared: Mapping[str, Any] = (declared_schema(contract) if contract else {}).get("properties") or {}
    schema = plain(contract.arguments_schema) if contract else {}
    values = parse(revision.arguments)
    if other:
        values = _carried(values, before, contract)
    described: Mapping[str, Any] = schema.get("properties") or {}
    needed = frozenset(schema.get("required") or ())
    secrets = frozenset(contract.secret_fields) if contract else frozenset()
    names = [*declared, *(name for name in values if name not in declared)]
    return [
        _field(name, values.get(name, _NOTHING), described.get(name) or {}, secrets, needed=name in needed)
        for name in names
    ]


def _carried(values: Mapping[str, Any], before: Contract | None, contract: Contract | None) -> dict[str, Any]:
    """The values that another tool takes under the same name and of the same kind."""
    if before is None or contract is None:
        return {}
    was, now = (plain(one.arguments_schema).get("properties") or {} for one in (before, contract))
    hidden = {*before.secret_fields, *contract.secret_fields}
    return {
        name: value
        for name, value in values.items()
        if name in now and name not in hidden and _kind(value, was.get(name) or {}) == _kind(value, now[name] or {})
    }


def _field(name: str, value: Any, schema: Mapping[str, Any], secrets: frozenset[str], *, needed: bool) -> Field:
    given = value is not _NOTHING
    field = Field(
        name=name,
        label=label(name, schema),
        kind="json",
        written="",
        current="",
        given=given,
        note=str(schema.get("description") or ""),
        needed=needed,
    )
    if name in secrets:
        return replace(field, kind="secret", needed=needed and not given)
    kind, nullable, choices = _kind(value, schema)
    if choices and (not needed or nullable):
        choices = ((ABSENT, "Nothing" if nullable else "Not given"), *choices)
    text = _text(masked(value, name, secrets), kind) if given else ABSENT
    if kind == "text" and (len(text) > LONG or "\n" in text or schema.get("maxLength", LONG + 1) > 5 * LONG):
        kind = "lines"
    return replace(field, kind=kind, nullable=nullable, choices=choices, written=text, current=text)


def _kind(value: Any, schema: Mapping[str, Any]) -> tuple[str, bool, tuple[tuple[str, str], ...]]:
    """What kind of field fits a value: by its schema, and where that leaves a choice of scalars by the value itself."""
    branches = [branch for key in ("anyOf", "oneOf") for branch in schema.get(key, ())] or [schema]
    nullable = any(branch.get("type") == "null" for branch in branches)
    real = [branch for branch in branches if branch.get("type") != "null"]
    if len(real) == 1 and "enum" in real[0]:
        return "choice", nullable, tuple((canonical(word).decode(), str(word)) for word in real[0]["enum"])
    kinds = {_SCALARS.get(branch.get("type", "")) for branch in real}
    if None in kinds or not kinds or "allOf" in schema:
        return "json", nullable, ()
    if kinds == {"choice"}:
        return "choice", nullable, (("true", "Yes"), ("false", "No"))
    if len(kinds) > 1:
        return ("text" if isinstance(value, str) else "json"), nullable, ()
    return str(kinds.pop()), nullable, ()


def _text(value: Any, kind: str) -> str:
    if kind in {"text", "lines"}:
        return "" if value is None else str(value)
    if kind == "choice":
        return ABSENT if value is None else canonical(value).decode()
    if kind == "number":
        return ABSENT if value is None else json.dumps(value)
    return json.dumps(value, indent=2, ensure_ascii=False)


def written(fields: list[Field], form: Mapping[str, str]) -> list[Field]:
    """The fields with what a person wrote into them; the line ends of a form are those of the text."""
    return [replace(field, written=form.get(field.key, "").replace("\r\n", "\n")) for field in fields]


def read(fields: list[Field]) -> tuple[dict[str, Any], list[Problem]]:
    """The arguments that the fields hold, and what of it cannot be read. Whether they fit is the tool's schema to say.

    An empty field leaves its argument out, or makes it nothing where that is allowed and was so; an empty text that was
    there stays an empty text. A secret that nobody wrote is left out, which keeps it.
    """
    arguments: dict[str, Any] = {}
    problems: list[Problem] = []
    for field in fields:
        value = field.written
        if value == ABSENT:
            if field.kind in {"text", "lines"} and field.given and not field.nullable:
                arguments[field.name] = ""
            elif field.nullable and field.given:
                arguments[field.name] = None
        elif field.kind in {"json", "choice"}:
            try:
                arguments[field.name] = parse(value)
            except BadJSON as wrong:
                problems.append(Problem(at_key("arguments", field.name), f"is not JSON: {wrong.reason}"))
        else:
            arguments[field.name] = value.strip() if field.kind == "number" else value
    return arguments, problems


def told(fields: list[Field], problems: list[Problem]) -> tuple[list[Field], list[str]]:
    """The fields with what is wrong at each, and what belongs to none of them."""
    left = list(problems)
    marked = []
    for field in fields:
        at = at_key("arguments", field.name)
        mine = [p for p in left if p.path == at or p.path.startswith((f"{at}.", f"{at}["))]
        left = [p for p in left if p not in mine]
        said = "; ".join(p.message if p.path == at else f"{p.path.removeprefix(at)} {p.message}" for p in mine)
        marked.append(replace(field, error=said))
    return marked, [str(p) for p in left]


def moved_since(fields: list[Field], began: list[Field]) -> list[Field]:
    """The fields of the current revision with what the person wrote for an older one, and where the two differ."""
    old = {field.name: field for field in began}
    found = []
    for field in fields:
        mine = old.get(field.name)
        if mine is None or field.kind == "secret":
            found.append(field)
            continue
        changed = mine.current != field.current or mine.given != field.given
        mark = mine.current if changed else None
        # What the person left alone follows the newer revision; what they wrote stays.
        found.append(replace(field, written=mine.written if mine.edited else field.written, moved=mark))
    return found
