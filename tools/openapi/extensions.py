"""``x-countersign`` beside an operation: what its author says about a tool, believed as far as the administrator does.

Making a tool stricter needs no trust. Pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tools.contract import Category, Contract, Idempotency, Tier
from tools.openapi.document import Unsupported, clean
from tools.openapi.naming import slug

AT = "x-countersign"


def extended(contract: Contract, said: Any, *, trusted: bool) -> Contract:
    """The contract with what its document says about it. Raises Unsupported for words nobody knows."""
    if said is None:
        return contract
    if not isinstance(said, dict):
        raise Unsupported(AT, "must be an object")
    for word, value in said.items():
        if word in _STRICTER:
            contract = _STRICTER[word](contract, value)
        elif word not in _FREER:
            raise Unsupported(AT, f"does not know {clean(word, 40)}")
    for word, value in said.items():
        if trusted and word in _FREER:
            contract = _FREER[word](contract, value)
        elif word == "tier" and Tier(value) > contract.tier:
            contract = _tier(contract, value)
    return contract


def _tier(contract: Contract, value: Any) -> Contract:
    """A GET that turns out to change something is no longer repeated."""
    tier = Tier(value)
    if contract.binding["method"] == "GET" and tier > Tier.READ:
        return replace(contract, tier=tier, idempotency=Idempotency.neither())
    return replace(contract, tier=tier)


def _categories(contract: Contract, value: Any) -> Contract:
    return replace(contract, categories=contract.categories | frozenset(map(Category, value)))


def _secret(contract: Contract, value: Any) -> Contract:
    return replace(contract, secret_fields=tuple(dict.fromkeys([*contract.secret_fields, *map(str, value)])))


def _recipients(contract: Contract, value: Any) -> Contract:
    return replace(contract, recipient_fields=tuple(map(str, value)))


def _idempotency(contract: Contract, value: Any) -> Contract:
    kind = value["class"]
    if kind == "keyed":
        if "key_header" not in contract.binding:
            raise Unsupported(AT, "says keyed, but the operation declares no Idempotency-Key header")
        return replace(contract, idempotency=Idempotency.keyed(value["lifetime"]))
    if kind == "queryable":
        return replace(contract, idempotency=Idempotency.queryable())
    if kind == "neither":
        return replace(contract, idempotency=Idempotency.neither())
    raise Unsupported(AT, "idempotency.class must be keyed, queryable or neither")


def _inverse(contract: Contract, value: Any) -> Contract:
    return replace(contract, reversible=True, inverse=slug(str(value)))


def _probe(contract: Contract, value: Any) -> Contract:
    path = value["path"]
    if not isinstance(path, str) or not path.startswith("/") or path.count("{") != 1 or "{key}" not in path:
        raise Unsupported(AT, "probe.path must begin with / and hold {key} once")
    return replace(contract, binding={**contract.binding, "probe": {"path": path}})


_STRICTER: Mapping[str, Callable[[Contract, Any], Contract]] = {
    "categories": _categories,
    "secret": _secret,
    "recipients": _recipients,
}
_FREER: Mapping[str, Callable[[Contract, Any], Contract]] = {
    "tier": _tier,
    "idempotency": _idempotency,
    "inverse": _inverse,
    "probe": _probe,
    "summary": lambda contract, value: replace(contract, summary=clean(value, 300)),
    "consent": lambda contract, value: replace(contract, consent=clean(value, 120)),
    "timeout": lambda contract, value: replace(contract, timeout=float(value)),
    "trusted_output": lambda contract, value: replace(contract, trusted_output=value is True),
}
