"""What a contract must hold before it may be registered: every problem at once, each with its path. Pure."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

from tools.kinds import Category, IdempotencyClass, Tier
from tools.schemas import Problem, lint, plain
from tools.summaries import fields, stray_braces
from tools.text import odd_characters
from traces.canonical import JSON, BadJSON, canonical

if TYPE_CHECKING:
    from tools.contract import Contract

NAME = re.compile(r"[a-z][a-z0-9_.]{0,63}\Z")
_CONNECTOR = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")
KIND = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")
"""What a kind of thing outside may be called: `mailbox`."""
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_HOST = re.compile(r"(?:\*\.)?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[0-9]{1,5})?\Z")
LONGEST_TIMEOUT = 600.0
LARGEST_BINDING = 32_000


def problems_of(contract: "Contract") -> list[Problem]:
    """Everything that keeps this contract from being registered."""
    found = list(_words(contract))
    found += lint(contract.arguments_schema, "arguments_schema")
    if contract.result_schema is not None:
        found += lint(contract.result_schema, "result_schema")
    found += _fields(contract)
    found += _money(contract)
    found += _things(contract)
    found += _promises(contract)
    found += _lost_answer(contract)
    found += _binding(contract)
    return found


def _words(contract: "Contract") -> Iterator[Problem]:
    if not isinstance(contract.name, str) or not NAME.match(contract.name):
        yield Problem("name", "must be 1 to 64 of a-z, 0-9, _ and ., beginning with a letter")
    if not _CONNECTOR.match(contract.connector):
        yield Problem("connector", "must be a plain lower-case word")
    for path, text, longest in (
        ("title", contract.title, 80),
        ("description", contract.description, 4_000),
        ("summary", contract.summary, 300),
        ("consent", contract.consent, 120),
        ("owner", contract.owner, 120),
    ):
        if path != "owner" and not text.strip():
            yield Problem(path, "must not be empty")
        if len(text) > longest:
            yield Problem(path, f"longer than {longest} characters")
        odd = next(odd_characters(text, long=path == "description"), None)
        if odd is not None:
            yield Problem(path, f"holds {odd.code} ({odd.name}) at character {odd.place + 1}")


def _fields(contract: "Contract") -> Iterator[Problem]:
    """Templates and field lists name fields that exist."""
    schema = contract.arguments_schema
    known = schema.get("properties", {}) if isinstance(schema, dict) else {}
    known = known if isinstance(known, dict) else {}
    for path, template in (("summary", contract.summary), ("consent", contract.consent)):
        if stray_braces(template):
            yield Problem(path, "braces may only hold the name of a field")
        for name in fields(template):
            if name.split(".")[0] not in known:
                yield Problem(path, f"names the field {name}, which the arguments do not have")
    for path, names in (("secret_fields", contract.secret_fields), ("recipient_fields", contract.recipient_fields)):
        for index, name in enumerate(names):
            if name.split(".")[0] not in known:
                yield Problem(f"{path}[{index}]", f"names the field {name}, which the arguments do not have")


def _money(contract: "Contract") -> Iterator[Problem]:
    """Where the amount stands, and in which currency it is: one of each, or none."""
    yield from _one_value(contract, "amount_field", "number", "integer", "string")
    yield from _one_value(contract, "currency_field", "string")
    if (contract.currency or contract.currency_field) and not contract.amount_field:
        yield Problem("currency", "without amount_field there is nothing to count in it")
    if contract.currency and contract.currency_field:
        yield Problem("currency", "is fixed or named by an argument, not both")
    if contract.currency and not _CURRENCY.match(contract.currency):
        yield Problem("currency", "must be three capital letters (ISO 4217)")


def _one_value(contract: "Contract", word: str, *types: str) -> Iterator[Problem]:
    """A declared path leads to one value of such a type, and to no secret."""
    path: str = getattr(contract, word)
    if not path:
        return
    found = _schemas_at(contract, path)
    if _is_secret(contract, path):
        yield Problem(word, "a secret cannot be judged")
    elif not found:
        yield Problem(word, _missing(path))
    elif any(listed for _, listed in found):
        yield Problem(word, "stands in a list, so there may be several")
    elif not any(_may_be(schema, *types) for schema, _ in found):
        yield Problem(word, f"must be {' or '.join(types)}")


def _things(contract: "Contract") -> Iterator[Problem]:
    """Which arguments name things outside, and of which kind."""
    said: list[tuple[str, object]] = [("scope_fields", contract.scope_fields), ("lookups", contract.lookups)]
    for word, named in said:
        if not isinstance(named, Mapping):  # Python does not hold a declaration to its types.
            yield Problem(word, "must say for each argument which kind of thing it names")
            continue
        for path, kind in named.items():
            at = f"{word}.{path}"
            if _is_secret(contract, path):
                yield Problem(at, "a secret cannot be judged or shown")
            elif not _schemas_at(contract, path):
                yield Problem(at, _missing(path))
            if not isinstance(kind, str) or not KIND.match(kind):
                yield Problem(at, "the kind must be 1 to 32 of a-z, 0-9 and _, beginning with a letter")


def _is_secret(contract: "Contract", path: str) -> bool:
    return any(path == secret or path.startswith(f"{secret}.") for secret in contract.secret_fields)


def _missing(path: str) -> str:
    return f"names the field {path}, which the arguments do not have"


def _may_be(schema: Mapping[str, JSON], *types: str) -> bool:
    said = schema.get("type")
    return said is None or bool({*types} & ({said} if isinstance(said, str) else set(cast("list[str]", said))))


def _schemas_at(contract: "Contract", path: str) -> list[tuple[Mapping[str, JSON], bool]]:
    """The schemas that a dotted path may lead to, and whether a list stands on the way; lists are gone through."""
    if lint(contract.arguments_schema):
        return [({}, False)]  # what is wrong is said elsewhere, once
    found: list[tuple[Mapping[str, JSON], bool]] = [(plain(contract.arguments_schema), False)]
    for name in path.split("."):
        found = [
            (inner, listed)
            for schema, listed in _opened(found)
            if isinstance(inner := cast("Mapping[str, JSON]", schema.get("properties", {})).get(name), Mapping)
        ]
    return list(_opened(found))


def _opened(found: Iterable[tuple[Mapping[str, JSON], bool]]) -> Iterator[tuple[Mapping[str, JSON], bool]]:
    """Every alternative of these schemas, and what stands in their lists."""
    for schema, listed in found:
        inner: list[tuple[JSON, bool]] = []
        for word in ("anyOf", "oneOf", "allOf"):
            inner += [(one, listed) for one in cast("list[JSON]", schema.get(word, []))]
        inner += [(one, True) for one in (schema.get("items"), *cast("list[JSON]", schema.get("prefixItems", [])))]
        deeper = [(one, many) for one, many in inner if isinstance(one, Mapping)]
        if deeper:
            yield from _opened(deeper)
        if not deeper or "properties" in schema:
            yield schema, listed


def _promises(contract: "Contract") -> Iterator[Problem]:
    tier: object = contract.tier  # Python does not hold a declaration to its types.
    categories: frozenset[object] = frozenset(contract.categories)
    if not isinstance(tier, Tier):
        yield Problem("tier", f"must be one of {', '.join(Tier)}")
    for category in categories:
        if not isinstance(category, Category):
            yield Problem("categories", f"{category!r} is not one of {', '.join(Category)}")
    if contract.inverse is not None and not NAME.match(contract.inverse):
        yield Problem("inverse", "must be the name of a tool")
    if contract.inverse is not None and not contract.reversible:
        yield Problem("inverse", "a tool that is not reversible has no inverse")
    if not (math.isfinite(contract.timeout) and 0 < contract.timeout <= LONGEST_TIMEOUT):
        yield Problem("timeout", f"must be more than 0 and at most {LONGEST_TIMEOUT:g} seconds")
    for index, host in enumerate(contract.network):
        if not _HOST.match(host):
            yield Problem(f"network[{index}]", "must be a lower-case host name or address, with a port if needed")


def _lost_answer(contract: "Contract") -> Iterator[Problem]:
    """What is known about a call whose answer was lost."""
    kind, lifetime = contract.idempotency.kind, contract.idempotency.lifetime
    if kind is IdempotencyClass.KEYED:
        if not isinstance(lifetime, int) or isinstance(lifetime, bool) or lifetime <= 0:
            yield Problem("idempotency.lifetime", "a keyed tool says for how many seconds it honours a key")
    elif lifetime is not None:
        yield Problem("idempotency.lifetime", "only a keyed tool has a key's lifetime")


def _binding(contract: "Contract") -> Iterator[Problem]:
    try:
        if len(canonical(contract.binding)) > LARGEST_BINDING:
            yield Problem("binding", f"larger than {LARGEST_BINDING} bytes")
    except BadJSON as error:
        yield Problem(f"binding.{error.path}", error.reason)
