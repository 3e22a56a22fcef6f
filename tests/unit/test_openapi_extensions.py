"""What a document says about its own tools, and how far it is believed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.openapi import KEY, TEXT, TRUST, a_document, body, fields, one, refused, said
from tools.contract import Category, Contract, IdempotencyClass, Tier
from tools.openapi import Imported, imported, read

FREER = said(
    idempotency="keyed",
    key_seconds=86400,
    inverse={"operation": "undoThing", "arguments": {"thing": "thing_id"}},
    trusted_output=True,
    timeout=5,
    summary="Do it with {a}",
    tier="draft",
)


def test_what_a_document_says_makes_a_tool_freer_only_where_it_is_trusted() -> None:
    operation = {**body(fields(a=TEXT)), "parameters": [KEY]}
    assert one({**operation, **FREER}) == one(operation)
    trusted = one({**operation, **FREER}, trust=TRUST)
    assert trusted.idempotency.lifetime == 86400
    assert (trusted.inverse, trusted.reversible) == ("undo_thing", True)
    assert trusted.binding["inverse"] == {"arguments": {"thing": "thing_id"}}
    assert (trusted.trusted_output, trusted.timeout, trusted.tier) == (True, 5.0, Tier.DRAFT)
    assert trusted.summary == "Do it with {a}"


def test_what_a_document_says_may_always_make_a_tool_stricter() -> None:
    contract = one({**body(fields(a=TEXT)), **said(categories=["money"], secret=["a"], tier="admin")})
    assert contract.categories == {Category.MONEY}
    assert contract.secret_fields == ("a",)
    assert contract.tier is Tier.ADMIN
    read_ = one(said(tier="write"), method="get")
    assert (read_.tier, read_.idempotency.kind) == (Tier.WRITE, IdempotencyClass.NEITHER)


@pytest.mark.parametrize(
    "words",
    [
        said(nonsense=1),
        said(categories=["fun"]),
        said(categories=7),
        said(tier="god"),
        said(secret=["nobody"]),
        said(idempotency="keyed", key_seconds=5),
        said(idempotency="sometimes"),
        said(idempotency="queryable"),
        said(summary="Do {nothing}"),
        said(inverse="undo"),
    ],
    ids=str,
)
def test_an_extension_that_is_not_understood_leaves_its_operation_out(words: dict[str, Any]) -> None:
    assert refused({**body(fields(a=TEXT)), **words}, trust=TRUST)


def queryable(**more: Any) -> dict[str, Any]:
    reference = {"name": "Payment-Reference", "in": "header", "schema": TEXT}
    words = said(idempotency="queryable", probe={"operation": "find", "key": "reference"}, **more)
    return {"operationId": "pay", "parameters": [reference], **words}


def paid(find: dict[str, Any], path: str = "/effects/{reference}") -> Any:
    place = {"name": "reference", "in": "path", "required": True, "schema": TEXT}
    asked = {"operationId": "find", "parameters": [place], **find}
    document = read(a_document({"/payments": {"post": queryable()}, path: {"get": asked}}))
    return next(iter(imported(document, trust=TRUST)))


def test_a_queryable_tool_sends_its_key_and_knows_whom_to_ask() -> None:
    answer = fields(happened={"type": "boolean"}, answer={"type": "object"})
    found = paid({"responses": {"200": {"content": {"application/json": {"schema": answer}}}}})
    assert isinstance(found, Imported)
    contract: Contract = found.contract
    assert contract.idempotency.kind is IdempotencyClass.QUERYABLE
    assert contract.binding["key_header"] == "Payment-Reference"
    assert contract.arguments_schema["properties"] == {}, "the key is nobody's to choose"
    assert contract.binding["probe"] == {"path": "/effects/{key}", "happened": "happened", "answer": "answer"}
    plain = paid({})
    assert plain.contract.binding["probe"] == {"path": "/effects/{key}"}


def test_a_probe_that_cannot_be_asked_leaves_its_operation_out() -> None:
    assert "no GET called find" in paid({"operationId": "another"}).reason
    assert "one thing in the path" in paid({}, path="/effects/{reference}/{more}").reason
    assert json.dumps(paid({}).contract.to_json())
