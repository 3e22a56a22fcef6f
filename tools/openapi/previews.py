"""What a trusted document says of asking beforehand: `preview` and `lookups`, answered by a GET of the same document.

    "x-countersign-preview": {"operation": "get_order", "arguments": {"id": "order"},
        "effect": [{"label": "Status", "before": "/status", "after": {"value": "cancelled"}},
                   {"label": "Ship to", "before": "/address", "after": {"argument": "address"}}],
        "preconditions": ["/version"], "text": "/headline", "affected": "/lines"}
    "x-countersign-lookups": {"order": {"kind": "order", "operation": "get_order", "parameter": "id",
                                        "name": ["/title", "/date"]}}

    "x-countersign-verify": {"operation": "get_order", "arguments": {"id": {"answer": "/id"}},
        "holds": [{"at": "/status", "is": {"value": "cancelled"}}]}            or "gone": true in the place of holds

`arguments` says which argument of the call goes into which parameter of the GET; everything else are JSON pointers into
its answer, beside `after`, which is an argument of the call, a fixed value, or a pointer (`answer`). A lookup that is a
word alone says the kind of record and names nothing. A check after the call is told the same way; what it looks for may
be named by the call's own answer. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tools.contract import Contract
from tools.openapi.document import Document, Unsupported, clean
from tools.verifying import FROM_ANSWER
from traces.canonical import JSON

AT = "x-countersign-"
MOST_ROWS = 30
LONGEST_POINTER = 200
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def asked_beforehand(document: Document, contract: Contract, said: Mapping[str, Any]) -> Contract:
    """The contract with what can be asked before a call. Raises Unsupported, KeyError, TypeError or ValueError."""
    if "preview" in said:
        part = _preview(document, contract, said["preview"])
        contract = replace(contract, preview=True, binding={**contract.binding, "preview": part})
    if "lookups" in said:
        kinds = {str(path): str(one["kind"] if isinstance(one, dict) else one) for path, one in said["lookups"].items()}
        parts = {
            str(path): _lookup(document, str(path), one)
            for path, one in said["lookups"].items()
            if isinstance(one, dict)
        }
        contract = replace(contract, lookups=kinds)
        if parts:
            contract = replace(contract, binding={**contract.binding, "lookups": parts})
    if "verify" in said:
        part = _verify(document, contract, said["verify"])
        contract = replace(contract, verify=True, binding={**contract.binding, "verify": part})
    return contract


def _verify(document: Document, contract: Contract, said: Mapping[str, Any]) -> dict[str, Any]:
    at, known = f"{AT}verify", _arguments(contract)
    _only(at, said, {"operation", "arguments", "holds", "gone"})
    taken = {
        str(theirs): FROM_ANSWER + _pointer(at, ours["answer"]) if isinstance(ours, dict) else str(ours)
        for theirs, ours in said.get("arguments", {}).items()
    }
    _known(at, [one for one in taken.values() if not one.startswith(FROM_ANSWER)], known)
    found = _reading(document, at, str(said["operation"]), taken)
    if said.get("gone") is True and "holds" not in said:
        return {**found, "gone": True}
    rows = said["holds"]
    if "gone" in said or not 1 <= len(rows) <= MOST_ROWS:
        raise Unsupported(at, f"says either what holds, in 1 to {MOST_ROWS} rows, or that it is gone")
    return {**found, "holds": [{"at": _pointer(at, row["at"]), "is": _after(at, row["is"], known)} for row in rows]}


def _arguments(contract: Contract) -> set[str]:
    """What the call's arguments are called."""
    given = contract.arguments_schema.get("properties")
    return set(given) if isinstance(given, dict) else set()


def _preview(document: Document, contract: Contract, said: Mapping[str, Any]) -> dict[str, Any]:
    at, known = f"{AT}preview", _arguments(contract)
    taken = {str(theirs): str(ours) for theirs, ours in said.get("arguments", {}).items()}
    _only(at, said, {"operation", "arguments", "effect", "preconditions", "text", "affected"})
    _known(at, taken.values(), known)
    found = _reading(document, at, str(said["operation"]), taken)
    rows = said.get("effect", [])
    if len(rows) > MOST_ROWS:
        raise Unsupported(at, f"has {len(rows)} rows; the limit is {MOST_ROWS}")
    found["effect"] = [
        {
            "label": clean(row["label"], 80),
            "before": _pointer(at, row["before"]),
            "after": _after(at, row["after"], known),
        }
        for row in rows
    ]
    if said.get("preconditions"):
        found["preconditions"] = [_pointer(at, one) for one in said["preconditions"]]
    return {**found, **{word: _pointer(at, said[word]) for word in ("text", "affected") if word in said}}


def _lookup(document: Document, path: str, said: Mapping[str, Any]) -> dict[str, Any]:
    at = f"{AT}lookups"
    _only(at, said, {"kind", "operation", "parameter", "name"})
    names = said["name"] if isinstance(said["name"], list) else [said["name"]]
    found = _reading(document, at, str(said["operation"]), {str(said["parameter"]): path})
    return {**found, "name": [_pointer(at, one) for one in names]}


def _reading(document: Document, at: str, wanted: str, taken: Mapping[str, str]) -> dict[str, Any]:
    """The GET of that name, with where each argument goes. Everything it needs has to be given."""
    for path, value in document.whole["paths"].items():
        item = document.follow(value, at)
        operation = item.get("get")
        if not isinstance(operation, dict) or operation.get("operationId") != wanted:
            continue
        declared = [document.follow(one, at) for one in (*item.get("parameters", ()), *operation.get("parameters", ()))]
        places = {one["name"]: one for one in declared}
        for name, one in places.items():
            if name in taken and one["in"] not in {"path", "query"}:
                raise Unsupported(
                    at, f"{clean(name, 40)} of {clean(wanted, 60)} is neither in its path nor in its query"
                )
            if name not in taken and one.get("required") is True:
                raise Unsupported(at, f"{clean(wanted, 60)} needs {clean(name, 40)}, which no argument gives")
        for name in [*_PLACEHOLDER.findall(path), *taken]:
            if name not in taken:
                raise Unsupported(at, f"{clean(wanted, 60)} needs {clean(name, 40)}, which no argument gives")
            if name not in places:
                raise Unsupported(at, f"{clean(wanted, 60)} has no parameter {clean(name, 40)}")
        return {
            "operation": clean(wanted, 200),
            "method": "GET",
            "path": path,
            "parameters": [{"argument": ours, "name": name, "in": places[name]["in"]} for name, ours in taken.items()],
        }
    raise Unsupported(at, f"there is no GET called {clean(wanted, 60)}")


def _after(at: str, said: Mapping[str, Any], known: set[str]) -> dict[str, JSON]:
    ((word, value),) = said.items()
    if word == "argument":
        _known(at, [str(value)], known)
        return {"argument": str(value)}
    if word == "answer":
        return {"answer": _pointer(at, value)}
    if word == "value" and not isinstance(value, dict | list):
        return {"value": value}
    raise Unsupported(at, "what comes after is an argument, a plain value or a part of the answer")


def _pointer(at: str, value: Any) -> str:
    if not isinstance(value, str) or not value.startswith("/") or len(value) > LONGEST_POINTER:
        raise Unsupported(at, "says where in an answer by a JSON pointer")
    return value


def _known(at: str, names: Any, known: set[str]) -> None:
    for name in names:
        if name not in known:
            raise Unsupported(at, f"names the argument {clean(name, 40)}, which the call does not have")


def _only(at: str, said: Mapping[str, Any], words: set[str]) -> None:
    for word in said:
        if word not in words:
            raise Unsupported(at, f"says {clean(word, 40)}, which is not known here")
