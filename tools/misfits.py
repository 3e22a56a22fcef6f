"""Where a value does not fit a JSON Schema (draft 2020-12), in our own words and with our paths. Pure."""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from jsonschema import Draft202012Validator, FormatChecker, ValidationError, validators

from tools.pattern_words import in_words
from tools.schemas import Problem, Schema
from traces.canonical import JSON, at_key

_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\\\]]{1,64}@[^@\s\"(),:;<>\[\\\]]{1,250}\Z")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_CLOCK = re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")


def misfits(schema: Schema, value: JSON, at: str = "") -> Iterator[Problem]:
    """Every place where `value` does not fit; `schema` holds no references."""
    validator = _Validator(schema, format_checker=FORMAT_CHECKER)
    for error in sorted(validator.iter_errors(value), key=lambda error: list(map(str, error.absolute_path))):
        yield from _told(error, at)


def fits(schema: Schema, value: JSON) -> bool:
    """Whether `value` fits `schema`, which holds no references."""
    return bool(_Validator(schema, format_checker=FORMAT_CHECKER).is_valid(value))


def _told(error: ValidationError, at: str) -> Iterator[Problem]:
    path = at
    for part in error.absolute_path:
        path = f"{path}[{part}]" if isinstance(part, int) else at_key(path, part)
    keyword, wanted, value = error.validator, error.validator_value, error.instance
    if keyword == "required":
        # The library names one missing key an error, quoted at the start of its message.
        yield from (Problem(at_key(path, key), "is missing") for key in wanted if error.message.startswith(repr(key)))
    elif keyword in {"anyOf", "oneOf"}:
        yield from _told_choice(error, at, path)
    elif keyword == "additionalProperties":
        known = error.schema.get("properties", {})
        yield from (Problem(at_key(path, key), "is not a field here") for key in value if key not in known)
    elif keyword in _WORDS:
        yield Problem(path, _WORDS[keyword](wanted, value))
    else:
        yield Problem(path, f"does not fit the schema ({keyword})")


def _told_choice(error: ValidationError, at: str, path: str) -> Iterator[Problem]:
    """Why no alternative fits: the one of the value's own type in detail, or else what would have fitted."""
    if not error.context:
        yield Problem(path, "fits more than one of the allowed forms")
        return
    depth = len(error.absolute_path)
    by_branch: dict[int, list[ValidationError]] = {}
    for inner in error.context:
        by_branch.setdefault(inner.relative_schema_path[0], []).append(inner)
    close = [
        errors
        for errors in by_branch.values()
        if not any(inner.validator == "type" and len(inner.absolute_path) == depth for inner in errors)
    ]
    if len(close) == 1:
        for inner in close[0]:
            yield from _told(inner, at)
        return
    kinds = [_kinds(branch["type"]) for branch in error.validator_value if "type" in branch]
    yield Problem(path, f"must be {' or '.join(kinds)}" if kinds and not close else "fits none of the allowed forms")


def _kinds(wanted: str | list[str]) -> str:
    names = {
        "integer": "a whole number",
        "number": "a number",
        "string": "text",
        "boolean": "true or false",
        "array": "a list",
        "object": "an object",
        "null": "null",
    }
    return " or ".join(names[kind] for kind in ([wanted] if isinstance(wanted, str) else wanted))


def _listed(wanted: list[JSON]) -> str:
    shown = ", ".join(map(str, wanted[:12]))
    return f"must be one of {shown}" + (f" and {len(wanted) - 12} more" if len(wanted) > 12 else "")


_WORDS: dict[str, Callable[[Any, Any], str]] = {
    "type": lambda wanted, _: f"must be {_kinds(wanted)}",
    "enum": lambda wanted, _: _listed(wanted),
    "const": lambda wanted, _: f"must be {wanted}",
    "minLength": lambda wanted, value: (
        f"has {len(value)} characters; at least {wanted} are needed" if value or wanted > 1 else "is empty"
    ),
    "maxLength": lambda wanted, value: f"has {len(value)} characters; the limit is {wanted}",
    "pattern": lambda wanted, _: in_words(wanted),
    "format": lambda wanted, _: f"is not a valid {wanted}",
    "minimum": lambda wanted, value: f"is {value}; the least is {wanted}",
    "maximum": lambda wanted, value: f"is {value}; the most is {wanted}",
    "exclusiveMinimum": lambda wanted, value: f"is {value}; must be more than {wanted}",
    "exclusiveMaximum": lambda wanted, value: f"is {value}; must be less than {wanted}",
    "multipleOf": lambda wanted, value: f"is {value}; must be a multiple of {wanted}",
    "minItems": lambda wanted, value: f"has {len(value)} items; at least {wanted} are needed",
    "maxItems": lambda wanted, value: f"has {len(value)} items; the limit is {wanted}",
    "uniqueItems": lambda _, __: "holds an item twice",
    "minProperties": lambda wanted, value: f"has {len(value)} fields; at least {wanted} are needed",
    "maxProperties": lambda wanted, value: f"has {len(value)} fields; the limit is {wanted}",
}


def _pattern(_validator: object, wanted: str, value: object, schema: Schema) -> Iterator[ValidationError]:
    """Like JSON Schema and unlike Python, `$` is the very end: a line break after it does not pass."""
    if isinstance(value, str) and (value or not schema.get("minLength")):  # where it says more, "is empty" is enough
        end = wanted.endswith("$") and not wanted.endswith("\\$")
        if not re.search(f"{wanted[:-1]}\\Z" if end else wanted, value):
            yield ValidationError("pattern")


def _multiple_of(_validator: object, wanted: float, value: object, _schema: Schema) -> Iterator[ValidationError]:
    """In decimal: 19.99 is a multiple of 0.01, which the doubles deny."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and Decimal(str(value)) % Decimal(str(wanted)):
        yield ValidationError("multipleOf")


_Validator = validators.extend(Draft202012Validator, {"pattern": _pattern, "multipleOf": _multiple_of})

FORMAT_CHECKER = FormatChecker(formats=())
"""Only the formats that `tools.schemas` knows; the library's own set depends on what else is installed."""


def _format(name: str) -> Callable[[Callable[[str], object]], Callable[[str], object]]:
    def keep(check: Callable[[str], object]) -> Callable[[str], object]:
        def judge(value: object) -> bool:
            return not isinstance(value, str) or bool(check(value))

        FORMAT_CHECKER.checks(name, raises=ValueError)(judge)
        return check

    return keep


@_format("email")
def _email(value: str) -> object:
    return _EMAIL.match(value)


@_format("hostname")
def _hostname(value: str) -> object:
    return len(value) <= 253 and all(_LABEL.match(label) for label in value.split("."))


@_format("date")
def _date(value: str) -> object:
    return _DATE.match(value) and date.fromisoformat(value)


@_format("time")
def _time(value: str) -> object:
    return _CLOCK.match(value) and time.fromisoformat(value) is not None


@_format("date-time")
def _date_time(value: str) -> object:
    day, separator, clock = value[:10], value[10:11], value[11:]
    return separator in {"T", "t"} and _DATE.match(day) and _CLOCK.match(clock) and datetime.fromisoformat(value)


@_format("uuid")
def _uuid(value: str) -> object:
    return _UUID.match(value) and UUID(value)


@_format("ipv4")
def _ipv4(value: str) -> object:
    return IPv4Address(value)


@_format("ipv6")
def _ipv6(value: str) -> object:
    return IPv6Address(value)


@_format("uri")
def _uri(value: str) -> object:
    parts = urlsplit(value)
    return parts.scheme in {"http", "https", "mailto", "urn"} and (parts.netloc or parts.path)
