"""Every operation of a document as a tool contract, or the reason why it is left out. Pure.

What a stranger's document says about itself is not evidence, so the defaults are the careful ones: output that is not
trusted, not reversible, and class *neither* for everything that may change something. PUT and DELETE are no exception:
HTTP calls them idempotent, but a PUT repeated after somebody else's change undoes that change, and the answer to a
repeated DELETE ("not there") cannot be told from a failure.

* A **GET is a read**, and reads are *keyed*: a key promises that the same call again has no second effect, and a GET
  has no first one. So lost answers are asked for again instead of being put before a person.
* An operation that declares an **Idempotency-Key** header is always *sent* our key, which can only help. It *counts* as
  keyed only once somebody says for how long keys are honoured, since declaring a header proves nothing and a wrong
  "keyed" is a second payment: the administrator (`Trust.keyed_for`), or the document's extensions where the
  administrator trusts them.
* Extensions (`tools.openapi.extensions`) may always make a tool *stricter*, and freer only where they are trusted.
* A `pattern` that cannot be checked in predictable time is left to the service, with a note: it only ever narrows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tools.contract import Category, Contract, Idempotency, Tier
from tools.openapi.document import Document, Unsupported, clean, inside, server_of
from tools.openapi.extensions import READ_KEY_SECONDS, extended, key_header, said_of
from tools.openapi.naming import by_route, phrase, secret, slug, templates
from tools.openapi.parameters import Arguments, credentials
from tools.openapi.schemas import Converter
from tools.schemas import Schema, lint
from tools.text import skeleton

METHODS = ("get", "post", "put", "patch", "delete")
_NO_TOOLS = ("head", "options", "trace")
_TIERS = {"get": Tier.READ, "delete": Tier.DELETE}


@dataclass(frozen=True, slots=True)
class Trust:
    """What the administrator vouches for."""

    extensions: bool = False
    """That ``x-countersign-…`` in this document tells the truth."""
    keyed_for: int | None = None
    """Seconds for which the service honours a key, wherever an operation declares the header."""


@dataclass(frozen=True, slots=True)
class Imported:
    """An operation that became a tool."""

    operation: str
    contract: Contract
    notes: tuple[str, ...] = ()
    """What the administrator should know about it."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """An operation that did not, and why."""

    operation: str
    reason: str


NO_TRUST = Trust()


def imported(document: Document, *, base: str = "", trust: Trust = NO_TRUST) -> Iterator[Imported | Skipped]:
    """Every operation, in the document's order. `base` is where the document came from, or the service's address."""
    taken: dict[str, str] = {}
    for path, value in document.whole.get("paths", {}).items():
        try:
            item = document.follow(value, inside("paths", path))
        except Unsupported as problem:
            yield Skipped(clean(path, 120), str(problem))
            continue
        if not isinstance(item, dict):
            yield Skipped(clean(path, 120), "is not an object")
            continue
        for method in (*METHODS, *_NO_TOOLS):
            if method in item:
                yield _operation(document, path, item, method, base=base, trust=trust, taken=taken)


def _operation(
    document: Document,
    path: str,
    item: Mapping[str, Any],
    method: str,
    *,
    base: str,
    trust: Trust,
    taken: dict[str, str],
) -> Imported | Skipped:
    route = f"{method.upper()} {clean(path, 120)}"
    try:
        operation = item[method]
        if method in _NO_TOOLS or not isinstance(operation, dict):
            raise Unsupported("", f"{method.upper()} operations are no tools")
        if operation.get("callbacks"):
            raise Unsupported("callbacks", "nobody here can be called back")
        name = _name(operation, method, path, taken)
        contract, notes = _contract(document, path, item, method, name, base=base, trust=trust)
    except Unsupported as problem:
        return Skipped(route, str(problem))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        # A stranger's document: what has an unexpected shape is left out, not guessed at.
        return Skipped(route, f"is not written as OpenAPI says ({type(error).__name__})")
    problems = contract.problems()
    if problems:
        return Skipped(route, "; ".join(map(str, problems[:3])))
    taken[skeleton(name)] = route
    return Imported(route, contract, notes)


def _name(operation: Mapping[str, Any], method: str, path: str, taken: Mapping[str, str]) -> str:
    """The slug of the operation's id, or of its route where it has none or shares it. Raises Unsupported."""
    wanted = slug(str(operation.get("operationId") or ""))
    for name in (wanted, by_route(method, path)):
        if name and skeleton(name) not in taken:
            return name
    if not (wanted or by_route(method, path)):
        raise Unsupported("operationId", "leaves no plain name")
    other = taken[skeleton(wanted or by_route(method, path))]
    raise Unsupported("operationId", f"{wanted or by_route(method, path)} may be taken for the tool of {other}")


def _contract(
    document: Document, path: str, item: Mapping[str, Any], method: str, name: str, *, base: str, trust: Trust
) -> tuple[Contract, tuple[str, ...]]:
    operation: Mapping[str, Any] = item[method]
    said = said_of(operation)
    server = server_of(document, (operation, item), base)
    converter = Converter(document)
    arguments = Arguments(key_header(document, operation, said, trusted=trust.extensions))
    arguments.parameters(document, converter, path, (*item.get("parameters", ()), *operation.get("parameters", ())))
    arguments.body(document, converter, operation, method)
    schema = arguments.schema()
    doing = phrase(operation, name)
    summary, consent = templates(doing, arguments.properties, arguments.required)
    tier = _TIERS.get(method, Tier.WRITE)
    binding: dict[str, Any] = {
        "document": document.title,
        "operation": clean(operation.get("operationId"), 200) or f"{method.upper()} {path}",
        "method": method.upper(),
        "server": server,
        "path": path,
        "parameters": arguments.placed,
        **arguments.extras,
    }
    slots = credentials(document, operation)
    if slots:
        binding["credentials"] = slots
    contract = Contract(
        name=name,
        title=doing[:80],
        description=_description(operation, doing),
        arguments_schema=schema,
        result_schema=_result(document, operation),
        tier=tier,
        idempotency=_idempotency(tier, arguments, trust),
        summary=summary,
        consent=consent,
        connector="http",
        binding=binding,
        categories=frozenset({Category.DELETION}) if tier is Tier.DELETE else frozenset(),
        secret_fields=_secrets(arguments, converter),
        network=(server.split("://", 1)[1].split("/", 1)[0].lower(),),
    )
    return extended(document, contract, said, trusted=trust.extensions), tuple(converter.notes)


def _idempotency(tier: Tier, arguments: Arguments, trust: Trust) -> Idempotency:
    if tier is Tier.READ:
        return Idempotency.keyed(READ_KEY_SECONDS)
    if trust.keyed_for and "key_header" in arguments.extras:
        return Idempotency.keyed(trust.keyed_for)
    return Idempotency.neither()


def _description(operation: Mapping[str, Any], doing: str) -> str:
    """What the model reads when it chooses."""
    said = clean(operation.get("description"), 3_500) or clean(operation.get("summary"), 3_500)
    return said or doing


def _secrets(arguments: Arguments, converter: Converter) -> tuple[str, ...]:
    named = [name for name in arguments.properties if secret(name)]
    declared = [arguments.argument_at(path) for path in converter.secrets]
    return tuple(dict.fromkeys(name for name in (*named, *declared) if name))


def _result(document: Document, operation: Mapping[str, Any]) -> Schema | None:
    """The schema of what comes back, where it is declared as an object that can be described; otherwise none.

    A result is text to be distrusted either way, so what cannot be said about it keeps no operation out.
    """
    try:
        responses = operation.get("responses") or {}
        code = next((code for code in sorted(map(str, responses)) if code.startswith("2")), None)
        answer = document.follow(responses[code], "responses") if code else {}
        content = answer.get("content") or {}
        media = next((kind for kind in content if kind.split(";")[0].strip().endswith(("/json", "+json"))), None)
        if media is None or "schema" not in content[media]:
            return None
        schema = Converter(document, result=True).convert(content[media]["schema"], "responses")
    except (Unsupported, AttributeError, TypeError):
        return None
    return None if lint(schema, "result_schema") else schema
