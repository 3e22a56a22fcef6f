"""Strict JSON in, canonical JSON and its digest out.

What was seen is what runs: a value enters through `parse`, which refuses whatever two readers could understand
differently, is written in exactly one way by `canonical` (RFC 8785), and is named by `digest`. For every value that
`parse` returns, `parse(canonical(value)) == value`, types included: `1`, `1.0` and `1e0` are all the integer 1 from the
moment they are read, and `-0` is 0.

Two decisions: numbers whose written digits differ from the double that they become are refused instead of rounded
(send money as a string), and every number from 2^53 on is refused, however it is written, because from there on
neighbouring integers share one double.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

import rfc8785

from traces.exceptions import DomainError

JSON: TypeAlias = Any
"""None, bool, int, float, str, list or dict with string keys, all the way down."""

LARGEST = 2**53 - 1
"""The largest integer that a double holds without also standing for a neighbour."""

LONGEST_NUMBER = 40
"""Characters in a number; a double never needs more than 25, and reading a million digits takes seconds."""

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}:,]', re.DOTALL)
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")


class BadJSON(DomainError):
    """This is not JSON that can be understood in exactly one way."""

    http_status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_json"

    def __init__(self, path: str, message: str) -> None:
        """`path` is where, such as `arguments.items[2].name`, empty for the whole; `message` is what is wrong there."""
        self.path = path
        self.reason = message
        super().__init__(f"{path}: {message}" if path else message, path=path)


class _Refused:
    """Stands in the parsed value for what was refused, until the walk that knows the paths meets it."""

    __slots__ = ("key", "message")

    def __init__(self, message: str, key: str | None = None) -> None:
        self.message = message
        self.key = key


def at_key(path: str, key: str) -> str:
    """The path of a field inside the object at `path`."""
    if _PLAIN_KEY.match(key):
        return f"{path}.{key}" if path else key
    shown = json.dumps(key if len(key) <= 60 else f"{key[:57]}...")
    return f"{path}[{shown}]"


def parse(
    text: str | bytes,
    *,
    at: str = "",
    max_bytes: int = 1_000_000,
    max_depth: int = 64,
    max_keys: int = 5_000,
    max_values: int = 50_000,
) -> JSON:
    """Read JSON strictly, or raise BadJSON with the path of the first thing that is wrong.

    Size (in UTF-8 bytes), nesting, number of keys and number of list items are counted before anything is built.
    `at` is the path of the whole, for a value that arrived inside another.
    """
    if len(text) > max_bytes:
        raise BadJSON(at, f"longer than {max_bytes} bytes")
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        elif not text.isascii() and len(text.encode("utf-8")) > max_bytes:
            raise BadJSON(at, f"longer than {max_bytes} bytes")
    except UnicodeError:
        raise BadJSON(at, "not valid UTF-8") from None
    _measure(text, at, max_depth, max_keys, max_values)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise BadJSON(at, f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    _check(value, at)
    return value


def canonical(value: JSON) -> bytes:
    """The one way to write `value` (RFC 8785), or BadJSON when there is none: NaN, big integers, other types."""
    try:
        return rfc8785.dumps(value)
    except (ValueError, TypeError, RecursionError) as error:
        _explain(value, "", 0)
        raise BadJSON("", "has no canonical form") from error


def digest(kind: str, value: JSON) -> str:
    """`sha256:` and the hash of `value` as a `kind` of thing.

    The kind goes into the hash, so that equal content of two kinds never has one name; the 1 is this format's version.
    """
    if not _PLAIN_KEY.match(kind):
        raise ValueError(f"a kind is one plain word, not {kind!r}")
    named = b"countersign:%s:1\n%s" % (kind.encode(), canonical(value))
    return f"sha256:{hashlib.sha256(named).hexdigest()}"


def _measure(text: str, at: str, max_depth: int, max_keys: int, max_values: int) -> None:
    """Count brackets, colons and commas outside strings; linear, stops at the first limit, builds nothing."""
    depth = keys = values = texts = 0
    for match in _TOKEN.finditer(text):
        mark = text[match.start()]
        if mark in "[{":
            depth += 1
            if depth > max_depth:
                raise BadJSON(at, f"nested deeper than {max_depth} levels")
        elif mark in "]}":
            depth -= 1
        elif mark == ":":
            keys += 1
            if keys > max_keys:
                raise BadJSON(at, f"more than {max_keys} keys")
        elif mark == ",":
            values += 1
            if values > max_values:
                raise BadJSON(at, f"more than {max_values} values")
        elif mark == '"':
            # Texts are keys or values, so they need no limit of their own; this ends a flood that is not JSON at all.
            texts += 1
            if texts > max_keys + max_values + 1:
                raise BadJSON(at, f"more than {max_values} values")


def _integer(digits: str) -> int | _Refused:
    if len(digits) > LONGEST_NUMBER:
        return _Refused(f"a number of {len(digits)} characters; the limit is {LONGEST_NUMBER}")
    number = int(digits)
    if abs(number) > LARGEST:
        return _Refused(f"{number} is beyond 2^53; send it as a string")
    return number


def _real(digits: str) -> int | float | _Refused:
    if len(digits) > LONGEST_NUMBER:
        return _Refused(f"a number of {len(digits)} characters; the limit is {LONGEST_NUMBER}")
    number = float(digits)
    if abs(number) > LARGEST:
        return _Refused(f"{digits} is beyond 2^53; send it as a string")
    if _normal(digits) != _normal(repr(number)):
        return _Refused(f"{digits} does not survive as a double; send it as a string")
    return int(number) if number.is_integer() else number


def _normal(written: str) -> tuple[str, int]:
    """The significant digits and the power of ten of the last of them: equal for equal magnitudes, however written."""
    mantissa, _, power = written.lower().partition("e")
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    figures = (whole + fraction).lstrip("0")
    short = figures.rstrip("0")
    return (short, int(power or "0") - len(fraction) + len(figures) - len(short)) if short else ("", 0)


def _object(pairs: list[tuple[str, JSON]]) -> dict[str, JSON] | _Refused:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return _Refused("this key is there twice", key)
        seen.add(key)
    raise AssertionError("fewer keys than pairs, yet none is repeated")


def _constant(name: str) -> _Refused:
    return _Refused(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_real, parse_constant=_constant, object_pairs_hook=_object)


def _check(value: JSON, path: str) -> None:
    """Raise BadJSON for the first refused number, doubled key or unstorable text, in reading order."""
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key, path, "a key here")
            if isinstance(inner, (str, dict, list, _Refused)):
                _check(inner, at_key(path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if isinstance(inner, (str, dict, list, _Refused)):
                _check(inner, f"{path}[{index}]")
    elif isinstance(value, _Refused):
        raise BadJSON(path if value.key is None else at_key(path, value.key), value.message)


def _check_text(text: str, path: str, what: str = "text") -> None:
    if text.isascii():
        if "\0" in text:
            raise BadJSON(path, f"{what} holds a NUL character")
    elif "\0" in text or _SURROGATE.search(text):
        raise BadJSON(path, f"{what} holds a NUL character or half of a surrogate pair")


def _explain(value: JSON, path: str, depth: int) -> None:
    """Raise BadJSON for the first part of `value` that has no canonical form; only called once there is one."""
    if depth > 200:
        raise BadJSON(path, "nested too deep")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise BadJSON(path, f"a key is {type(key).__name__}, not text")
            _check_text(key, path, "a key here")
            _explain(inner, at_key(path, key), depth + 1)
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            _explain(inner, f"{path}[{index}]", depth + 1)
    elif isinstance(value, str):
        _check_text(value, path)
    elif not (value is None or isinstance(value, (int, float))):
        raise BadJSON(path, f"{type(value).__name__} is not a JSON type")
    else:
        try:
            rfc8785.dumps(value)
        except ValueError:
            raise BadJSON(path, "this number has no exact double") from None
