"""``x-countersign-…`` beside an operation: what its author says of a tool, believed as far as the administrator does.

Making a tool stricter needs no trust: `categories`, `secret`, `recipients`, a deeper `tier`, and `scope`, which says of
arguments the kind of thing that they name, ``{argument: kind}``. Everything else counts only where the administrator
trusts the document's extensions:

* `idempotency`: ``read``, ``keyed`` (with `key-seconds`), ``queryable`` (with `probe`) or ``neither``;
* `key-header`: the header that carries our key, where it is not called Idempotency-Key. A queryable operation with a
  single header parameter needs no such word;
* `probe`: ``{"operation": id, "key": argument}``, a GET of the same document that says what became of a key: 404 for
  nothing, or an answer whose boolean field `happened` says so;
* `inverse`: the operation that takes it back, ``{"operation": id, "arguments": {argument: field of the answer}}``;
* `amount`, the argument that says how much money moves, with `currency` or `currency-field`;
* `preview` and `lookups`: what can be asked before the call, and `verify`: what after it (`tools.openapi.previews`);
* `tier`, `summary`, `consent`, `timeout`, `trusted-output`.

Words that nobody knows leave an operation out. Pure.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tools.contract import Category, Contract, Idempotency, IdempotencyClass, Tier
from tools.openapi.document import Document, Unsupported, clean
from tools.openapi.naming import slug
from tools.openapi.previews import asked_beforehand

AT = "x-countersign-"
READ_KEY_SECONDS = 30 * 86_400
"""For how long a read may be asked again."""
_STRICTER = ("categories", "secret", "recipients", "scope")
_FREER = (
    *("tier", "inverse", "summary", "consent", "timeout", "trusted-output"),
    *("amount", "currency", "currency-field"),
)
_REPEATING = ("idempotency", "key-seconds", "key-header", "probe")
_BEFOREHAND = ("preview", "lookups", "verify")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def said_of(operation: Mapping[str, Any]) -> dict[str, Any]:
    """What an operation's extensions say, by their last word. Raises Unsupported for words nobody knows."""
    said = {key.removeprefix(AT): value for key, value in operation.items() if key.startswith(AT)}
    for word in said:
        if word not in _STRICTER + _FREER + _REPEATING + _BEFOREHAND:
            raise Unsupported(f"{AT}{clean(word, 40)}", "is not known here")
    return said


def key_header(document: Document, operation: Mapping[str, Any], said: Mapping[str, Any], *, trusted: bool) -> str:
    """The header that a trusted document says carries the key; empty where it says none."""
    if not trusted:
        return ""
    if "key-header" in said:
        return str(said["key-header"]).lower()
    headers = [
        parameter["name"]
        for parameter in (document.follow(value, "parameters") for value in operation.get("parameters", ()))
        if parameter.get("in") == "header"
    ]
    return str(headers[0]).lower() if said.get("idempotency") == "queryable" and len(headers) == 1 else ""


def extended(document: Document, contract: Contract, said: Mapping[str, Any], *, trusted: bool) -> Contract:
    """The contract with what its document says about it. Raises Unsupported, KeyError, TypeError or ValueError."""
    for word in _STRICTER:
        if word in said:
            contract = _APPLY[word](contract, said[word])
    if not trusted:
        deeper = "tier" in said and Tier(said["tier"]) > contract.tier
        return _tier(contract, said["tier"]) if deeper else contract
    for word in _FREER:
        if word in said:
            contract = _APPLY[word](contract, said[word])
    return _repeatable(document, asked_beforehand(document, contract, said), said)


def _repeatable(document: Document, contract: Contract, said: Mapping[str, Any]) -> Contract:
    """What may be done about a lost answer, as a trusted document says it."""
    kind = said.get("idempotency")
    if kind in {"keyed", "queryable"} and "key_header" not in contract.binding:
        raise Unsupported(f"{AT}idempotency", f"says {kind}, but no header carries the key")
    if kind == "keyed":
        return replace(contract, idempotency=Idempotency.keyed(said["key-seconds"]))
    if kind == "queryable":
        binding = {**contract.binding, "probe": _probe(document, said["probe"])}
        return replace(contract, idempotency=Idempotency.queryable(), binding=binding)
    if kind == "read":
        return replace(contract, idempotency=Idempotency.keyed(READ_KEY_SECONDS), tier=Tier.READ)
    if kind not in {None, "neither"}:
        raise Unsupported(f"{AT}idempotency", "must be read, keyed, queryable or neither")
    return contract if kind is None else replace(contract, idempotency=Idempotency.neither())


def _probe(document: Document, said: Mapping[str, Any]) -> dict[str, Any]:
    """Where to ask, from the operation that the document names."""
    for path, item in document.whole["paths"].items():
        operation = document.follow(item, "paths").get("get")
        if not isinstance(operation, dict) or operation.get("operationId") != said["operation"]:
            continue
        if _PLACEHOLDER.findall(path) != [said["key"]]:
            raise Unsupported(f"{AT}probe", "the key must be the one thing in the path of what is asked")
        found: dict[str, Any] = {"path": path.replace(f"{{{said['key']}}}", "{key}")}
        fields = _answer_fields(document, operation)
        if document.follow(fields.get("happened"), "probe") is not None:
            found["happened"] = "happened"
        if document.follow(fields.get("answer"), "probe") is not None:
            found["answer"] = "answer"
        return found
    raise Unsupported(f"{AT}probe", f"there is no GET called {clean(said['operation'], 60)}")


def _answer_fields(document: Document, operation: Mapping[str, Any]) -> Mapping[str, Any]:
    answer = document.follow((operation.get("responses") or {}).get("200", {}), "probe")
    content = (answer.get("content") or {}).get("application/json") or {}
    fields = document.follow(content.get("schema", {}), "probe").get("properties") or {}
    return fields if isinstance(fields, dict) else {}


def _tier(contract: Contract, value: Any) -> Contract:
    """A GET that turns out to change something is no longer repeated."""
    tier = Tier(value)
    read = contract.binding["method"] == "GET" and contract.idempotency.kind is IdempotencyClass.KEYED
    if read and tier > Tier.READ:
        return replace(contract, tier=tier, idempotency=Idempotency.neither())
    return replace(contract, tier=tier)


def _secret(contract: Contract, value: Any) -> Contract:
    return replace(contract, secret_fields=tuple(dict.fromkeys([*contract.secret_fields, *map(str, value)])))


def _inverse(contract: Contract, value: Any) -> Contract:
    """The inverse's name, and in the binding how its arguments come out of the answer."""
    derived = {word: value[word] for word in ("arguments", "body") if word in value}
    binding = {**contract.binding, "inverse": derived}
    return replace(contract, reversible=True, inverse=slug(str(value["operation"])), binding=binding)


def _words(value: Mapping[str, Any]) -> dict[str, str]:
    """Argument to kind, as text. Raises AttributeError, which is told like any other misfit."""
    return {str(path): str(kind) for path, kind in value.items()}


_APPLY: Mapping[str, Callable[[Contract, Any], Contract]] = {
    "categories": lambda c, value: replace(c, categories=c.categories | frozenset(map(Category, value))),
    "secret": _secret,
    "recipients": lambda c, value: replace(c, recipient_fields=tuple(map(str, value))),
    "scope": lambda c, value: replace(c, scope_fields={**_words(value), **c.scope_fields}),
    "tier": _tier,
    "inverse": _inverse,
    "summary": lambda c, value: replace(c, summary=clean(value, 300)),
    "consent": lambda c, value: replace(c, consent=clean(value, 120)),
    "timeout": lambda c, value: replace(c, timeout=float(value)),
    "trusted-output": lambda c, value: replace(c, trusted_output=value is True),
    "amount": lambda c, value: replace(c, amount_field=str(value)),
    "currency": lambda c, value: replace(c, currency=str(value)),
    "currency-field": lambda c, value: replace(c, currency_field=str(value)),
}
