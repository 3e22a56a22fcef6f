"""A call's arguments made definite before anybody sees them: defaults filled, coerced where nothing is lost, checked.

What a person is shown is what runs, so nothing may be filled in, converted or cut afterwards. Every change that is made
here is listed; every problem is reported at once, each with its path. Pure.
"""

import re
import unicodedata
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, ClassVar, NamedTuple

from tools.misfits import fits, misfits
from tools.schemas import Problem, Schema, plain
from tools.text import control_characters, odd_characters
from traces.canonical import JSON, BadJSON, at_key, canonical, parse
from traces.exceptions import DomainError

__all__ = ["ArgumentsRefused", "Change", "Normalised", "Problem", "normalise"]

LARGEST = 256_000
"""Bytes of all arguments in canonical form."""
LONGEST_TEXT = 20_000
"""Characters of a text whose schema names no `maxLength`, after normalisation."""
LONGEST_LIST = 1_000
SHORT = 200
"""A text with a `maxLength` up to this is compared by people letter by letter, so it counts as an identifier."""
MOST_PROBLEMS = 100

_IDENTIFIER_NAMES = ("id", "email", "to", "address", "target")
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,15})\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{1,16})?\Z")


class ArgumentsRefused(DomainError):
    """These arguments do not fit the tool's schema."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(map(str, problems)), problems=[problem._asdict() for problem in problems])


class Change(NamedTuple):
    """One thing that normalising changed."""

    path: str
    what: str
    """Such as `default filled in` or `text read as a number`."""


class Normalised(NamedTuple):
    """Arguments as they will be shown, hashed and run."""

    arguments: dict[str, JSON]
    changes: tuple[Change, ...]


class _Notes:
    """What was found on the way through one value."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.changes: list[Change] = []

    def problem(self, path: str, message: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(path, message))

    def change(self, path: str, what: str) -> None:
        self.changes.append(Change(path, what))


def normalise(schema: Schema, arguments: JSON, *, at: str = "") -> Normalised:
    """The definite form of `arguments`, or ArgumentsRefused with every problem.

    `schema` has passed `tools.schemas.lint`; `at` is put before every path.
    """
    if not isinstance(arguments, dict):
        raise ArgumentsRefused((Problem(at, "must be an object"),))
    try:
        arguments = parse(canonical(arguments))
    except BadJSON as error:
        where = f"{at}.{error.path}" if at and error.path else at or error.path
        raise ArgumentsRefused((Problem(where, error.reason),)) from None
    notes = _Notes()
    whole = plain(schema)
    definite: dict[str, JSON] = _visit(whole, arguments, at, "", notes)
    seen = {problem.path for problem in notes.problems}
    for problem in misfits(whole, definite, at):
        # A field that was already refused above would only be named twice in other words.
        if problem.path not in seen:
            notes.problem(*problem)
    if not notes.problems and len(canonical(definite)) > LARGEST:
        notes.problem(at, f"larger than {LARGEST} bytes")
    if notes.problems:
        raise ArgumentsRefused(tuple(notes.problems))
    return Normalised(definite, tuple(notes.changes))


def _visit(schema: Schema, value: JSON, path: str, name: str, notes: _Notes) -> JSON:
    """The definite form of one value, with what was found noted."""
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return _visit_choice(schema, key, value, path, name, notes)
    value = _coerced(schema, value, path, notes)
    if isinstance(value, str):
        return _visit_text(schema, value, path, name, notes)
    if isinstance(value, dict):
        return _visit_object(schema, value, path, notes)
    if isinstance(value, list):
        return _visit_list(schema, value, path, name, notes)
    return value


def _visit_object(schema: Schema, value: Mapping[str, JSON], path: str, notes: _Notes) -> dict[str, JSON]:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    others = schema.get("additionalProperties", False)
    found: dict[str, JSON] = {}
    for key, inner in value.items():
        here = at_key(path, key)
        if key in properties:
            found[key] = _visit(properties[key], inner, here, key, notes)
        elif isinstance(others, dict):
            clean = _visit_text({"x-identifier": True}, key, here, "", notes)
            if clean in found:
                notes.problem(here, "is there twice in two spellings")
            found[clean] = _visit(others, inner, here, key, notes)
        else:
            notes.problem(here, "is not a field here")
    for key, inner_schema in properties.items():
        if key not in found and "default" in inner_schema:
            found[key] = _visit(inner_schema, deepcopy(inner_schema["default"]), at_key(path, key), key, notes)
            notes.change(at_key(path, key), "default filled in")
    return found


def _visit_list(schema: Schema, value: list[JSON], path: str, name: str, notes: _Notes) -> list[JSON]:
    longest = min(schema.get("maxItems", LONGEST_LIST), LONGEST_LIST)
    if len(value) > longest:
        notes.problem(path, f"has {len(value)} items; the limit is {longest}")
        return value
    first: list[Schema] = schema.get("prefixItems", [])
    rest: Schema = schema.get("items", {})
    return [
        _visit(first[index] if index < len(first) else rest, inner, f"{path}[{index}]", name, notes)
        for index, inner in enumerate(value)
    ]


def _visit_text(schema: Schema, value: str, path: str, name: str, notes: _Notes) -> str:
    if "enum" in schema or "const" in schema:
        return value
    longest = min(schema.get("maxLength", LONGEST_TEXT), LONGEST_TEXT)
    text = value
    if not value.isascii() and not unicodedata.is_normalized("NFC", value):
        text = unicodedata.normalize("NFC", value)
        notes.change(path, "letters and accents joined (Unicode NFC)")
    identifier = is_identifier(schema, name)
    if not identifier and "\r\n" in text:
        text = text.replace("\r\n", "\n")
        notes.change(path, "line ends made uniform")
    if len(text) > longest:
        notes.problem(path, f"has {len(text)} characters; the limit is {longest}")
        return text
    odd = next(odd_characters(text) if identifier else control_characters(text), None)
    if odd is not None:
        notes.problem(path, f"holds {odd.code} ({odd.name}) at character {odd.place + 1}")
    return text


def _visit_choice(schema: Schema, choice: str, value: JSON, path: str, name: str, notes: _Notes) -> JSON:  # noqa: PLR0917
    """The value in the first form that takes it as it is, or else in the first that takes it after coercion."""
    coerced: tuple[JSON, _Notes] | None = None
    likely: list[_Notes] = []
    for branch in schema[choice]:
        scratch = _Notes()
        found = _visit({**_without_choice(schema), **branch}, value, path, name, scratch)
        if fits(branch, found) and not scratch.problems:
            if not scratch.changes:
                return found
            coerced = coerced or (found, scratch)
        elif scratch.problems and _kind_fits(branch, value):
            likely.append(scratch)
    if coerced is not None:
        notes.changes += coerced[1].changes
        return coerced[0]
    if len(likely) == 1:
        for problem in likely[0].problems:
            notes.problem(*problem)
    return value


def _without_choice(schema: Schema) -> Schema:
    return {key: inner for key, inner in schema.items() if key not in {"anyOf", "oneOf", "default"}}


def _kind_fits(schema: Schema, value: JSON) -> bool:
    kinds = {"object": dict, "array": list, "string": str}
    return any(isinstance(value, kinds.get(kind, ())) for kind in _types(schema))


def _coerced(schema: Schema, value: JSON, path: str, notes: _Notes) -> JSON:
    """The value as the schema's type where that loses nothing; anything else is left for the schema to refuse.

    Where the schema lists several types and the value is of none, the first counts that it can be read as.
    """
    wanted = _types(schema)
    if isinstance(value, str) and "string" not in wanted:
        return _read(wanted, value, path, notes)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole and "string" in wanted and not {"integer", "number"} & set(wanted):
        notes.change(path, "number written as text")
        return str(value)
    return value


def _read(wanted: tuple[str, ...], text: str, path: str, notes: _Notes) -> JSON:
    """What a text says, where a number or a yes or no is wanted and it is one."""
    for kind in wanted:
        pattern = {"integer": _WHOLE, "number": _NUMBER}.get(kind)
        if pattern is not None and pattern.match(text):
            try:
                number = parse(text)
            except BadJSON:
                return text
            notes.change(path, "text read as a number")
            return number
        if kind == "boolean" and text in {"true", "false"}:
            notes.change(path, "text read as yes or no")
            return text == "true"
    return text


def _types(schema: Schema) -> tuple[str, ...]:
    """The types that a schema allows: it may name one or list several."""
    wanted = schema.get("type", ())
    return (wanted,) if isinstance(wanted, str) else tuple(wanted)


def is_identifier(schema: Mapping[str, Any], name: str) -> bool:
    """Whether a text names somebody or something, so that an invisible character in it would deceive."""
    if schema.get("x-identifier") or "format" in schema:
        return True
    if schema.get("maxLength", LONGEST_TEXT) <= SHORT:
        return True
    return name.lower().endswith(_IDENTIFIER_NAMES)
