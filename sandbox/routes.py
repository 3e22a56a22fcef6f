"""From a request to an operation and its arguments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.office import OPERATIONS
from sandbox.operations import Operation
from sandbox.shapes import JSON, Refused, invalid

EXACT: Final = 2**53
_WHOLE: Final = re.compile(r"-?(?:0|[1-9]\d{0,17})")


def route(method: str, target: str) -> tuple[Operation, dict[str, JSON]]:
    """The operation and its arguments from path and query. 404 for no such path, 405 for no such method there."""
    parts = urlsplit(target)
    segments = parts.path.split("/")
    methods = []
    for one in OPERATIONS.values():
        wanted = one.path.split("/")
        if len(wanted) != len(segments):
            continue
        named = {w[1:-1]: unquote(s) for w, s in zip(wanted, segments, strict=True) if w.startswith("{")}
        if [w for w in wanted if not w.startswith("{")] != [
            s for w, s in zip(wanted, segments, strict=True) if not w.startswith("{")
        ] or not all(named.values()):
            continue
        methods.append(one.method)
        if one.method == method:
            return one, {name: typed(one, name, text) for name, text in (named | _query(one, parts.query)).items()}
    if methods:
        text = f"{parts.path} takes {' and '.join(methods)}, not {method}."
        raise Refused(405, "method_not_allowed", text, headers={"Allow": ", ".join(methods)})
    raise Refused(404, "no_such_path", f"There is nothing at {parts.path}.")


def _query(operation: Operation, query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name in found:
            raise invalid(f"query.{name}", "It is given twice")
        if name not in operation.asked.model_fields or operation.place_of(name) != "query":
            raise invalid(f"query.{name}", "There is no such parameter")
        found[name] = text
    return found


def typed(operation: Operation, name: str, text: str) -> JSON:
    """Text of a path or query as the type of the argument: a whole number where one is wanted."""
    kind = operation.asked.model_fields[name].annotation
    if int in (kind, *get_args(kind)) and _WHOLE.fullmatch(text):
        return int(text)
    return text


def body(operation: Operation, raw: bytes, content_type: str) -> dict[str, JSON]:
    """The arguments that travel in the body."""
    if not operation.has_body:
        if raw.strip() not in (b"", b"{}"):
            raise invalid("body", f"{operation.name} takes no body")
        return {}
    given = read_json(raw, content_type)
    for name in given:
        if operation.place_of(name) != "body":
            raise invalid(f"body.{name}", "It belongs into the path")
    return given


def read_json(raw: bytes, content_type: str) -> dict[str, JSON]:
    """A JSON object, read strictly: no repeated names, no NaN."""
    if not raw.strip():
        return {}
    if content_type.split(";", maxsplit=1)[0].strip().lower() != "application/json":
        raise Refused(415, "not_json", "Send application/json.")
    try:
        given = json.loads(raw, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_number)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "not_understood", f"The body is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise invalid("body", "Send an object")
    return given


def _once(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _number(text: str) -> int | float:
    """A number with a point. 3.0 is a whole number, as JSON Schema has it."""
    found = float(text)
    return int(found) if found.is_integer() and abs(found) < EXACT else found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")
