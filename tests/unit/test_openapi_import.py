"""OpenAPI documents in, tool contracts out: names, arguments, promises, and what is left out with its reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.openapi import KEY, TEXT, body, fields, one, results
from tools.arguments import normalise
from tools.connectors.http import HttpConnector
from tools.contract import Category, IdempotencyClass, Tier
from tools.openapi import Imported, Skipped, Trust

PREPARE = HttpConnector().prepare


CANCEL = {
    "operationId": "cancelPendingOrder",
    "summary": "Cancel pending order.",
    "parameters": [
        {"name": "order_id", "in": "path", "required": True, "schema": TEXT},
        {"name": "notify", "in": "query", "schema": {"type": "boolean", "default": False}},
        {"name": "X-Channel", "in": "header", "schema": TEXT},
        KEY,
    ],
    **body(fields(reason={"type": "string", "enum": ["late", "broken"]}, items={"type": "array", "items": TEXT})),
    "responses": {"200": {"content": {"application/json": {"schema": fields(status=TEXT)}}}},
}


def test_an_operation_becomes_a_tool_with_one_flat_list_of_arguments() -> None:
    (found,) = results({"/orders/{order_id}/cancel": {"post": CANCEL}})
    contract = found.contract
    assert contract.name == "cancel_pending_order"
    assert contract.title == "Cancel pending order"
    assert contract.summary == "Cancel pending order {order_id} (reason {reason}, items {items})"
    assert contract.consent == "Cancel pending order {order_id}"
    assert contract.network == ("shop.example",)
    assert set(contract.arguments_schema["properties"]) == {"order_id", "notify", "x_channel", "reason", "items"}
    assert contract.arguments_schema["required"] == ["order_id", "reason", "items"]
    assert contract.arguments_schema["additionalProperties"] is False
    assert contract.result_schema is not None
    arguments = normalise(
        contract.arguments_schema,
        {"order_id": "#W1", "reason": "late", "items": ["a"], "x_channel": "web"},
    ).arguments
    assert PREPARE(contract, arguments) == {
        "method": "POST",
        "url": "https://shop.example/v1/orders/%23W1/cancel?notify=false",
        "headers": {"Accept": "application/json", "Content-Type": "application/json", "X-Channel": "web"},
        "body": {"reason": "late", "items": ["a"]},
    }


def test_the_defaults_are_the_careful_ones() -> None:
    contract = one(body(fields(a=TEXT)))
    assert contract.tier is Tier.WRITE
    assert contract.idempotency.kind is IdempotencyClass.NEITHER
    assert not contract.reversible
    assert not contract.trusted_output


@pytest.mark.parametrize(
    ("method", "tier", "kind"),
    [
        ("get", Tier.READ, "keyed"),
        ("post", Tier.WRITE, "neither"),
        ("put", Tier.WRITE, "neither"),
        ("patch", Tier.WRITE, "neither"),
        ("delete", Tier.DELETE, "neither"),
    ],
)
def test_the_method_says_how_deep_a_tool_reaches_and_only_reads_are_repeated(
    method: str, tier: Tier, kind: str
) -> None:
    contract = one({}, method=method)
    assert (contract.tier, contract.idempotency.kind.value) == (tier, kind)
    assert (Category.DELETION in contract.categories) == (method == "delete")


def test_a_declared_key_header_is_sent_and_no_argument_but_proves_nothing_by_itself() -> None:
    contract = one({"parameters": [KEY]})
    assert contract.binding["key_header"] == "Idempotency-Key"
    assert contract.arguments_schema["properties"] == {}
    assert contract.idempotency.kind is IdempotencyClass.NEITHER
    vouched = one({"parameters": [KEY]}, trust=Trust(keyed_for=3600))
    assert (vouched.idempotency.kind, vouched.idempotency.lifetime) == (IdempotencyClass.KEYED, 3600)
    assert one({}, trust=Trust(keyed_for=3600)).idempotency.kind is IdempotencyClass.NEITHER, "declares no header"


def test_references_and_all_of_become_one_schema() -> None:
    components = {
        "schemas": {
            "Base": {"type": "object", "properties": {"id": TEXT}, "required": ["id"]},
            "Money": {"type": "string", "pattern": "^[0-9]+$", "maxLength": 10},
            "Refund": {
                "allOf": [
                    {"$ref": "#/components/schemas/Base"},
                    {"type": "object", "properties": {"amount": {"$ref": "#/components/schemas/Money"}}},
                    {"required": ["amount"]},
                ]
            },
        },
        "requestBodies": {"R": body({"$ref": "#/components/schemas/Refund"})["requestBody"]},
        "parameters": {"P": {"name": "p~q", "in": "query", "schema": {"type": "integer", "minimum": 1}}},
    }
    operation = {
        "requestBody": {"$ref": "#/components/requestBodies/R"},
        "parameters": [{"$ref": "#/components/parameters/P"}],
    }
    contract = one(operation, components=components)
    properties = contract.arguments_schema["properties"]
    assert properties["amount"] == {"type": "string", "pattern": "^[0-9]+$", "maxLength": 10}
    assert properties["p_q"] == {"type": "integer", "minimum": 1}
    assert sorted(contract.arguments_schema["required"]) == ["amount", "id"]
    assert PREPARE(contract, {"id": "1", "amount": "5", "p_q": 2})["url"].endswith("/things?p~q=2")


def test_one_name_in_several_places_stays_several_arguments() -> None:
    operation = {
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": TEXT},
            {"name": "id", "in": "query", "schema": TEXT},
        ],
        **body(fields(id={"type": "integer"})),
    }
    contract = one(operation, path="/things/{id}")
    assert set(contract.arguments_schema["properties"]) == {"id", "query_id", "body_id"}
    request = PREPARE(contract, {"id": "a", "query_id": "b", "body_id": 3})
    assert (request["url"], request["body"]) == ("https://shop.example/v1/things/a?id=b", {"id": 3})


def test_a_body_that_is_no_plain_object_is_one_argument() -> None:
    contract = one(body({"type": "array", "items": {"type": "integer"}}))
    assert PREPARE(contract, {"body": [1, 2]})["body"] == [1, 2]
    choice = one(body({"oneOf": [fields(a=TEXT), fields(b=TEXT)]}))
    assert PREPARE(choice, {"body": {"b": "x"}})["body"] == {"b": "x"}


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        ({"parameters": [{"name": "c", "in": "cookie", "schema": TEXT}]}, "cookies"),
        ({"parameters": [{"name": "q", "in": "query", "schema": {"type": "object"}}]}, "plain values"),
        ({"parameters": [{"name": "q", "in": "query", "style": "spaceDelimited", "schema": TEXT}]}, "style"),
        ({"parameters": [{"name": "q", "in": "query", "content": {"application/json": {}}}]}, "no schema"),
        ({"parameters": [{"name": "Host", "in": "header", "required": True, "schema": TEXT}]}, "not an argument's"),
        ({"parameters": [{"name": "p", "in": "path", "required": True, "schema": TEXT}]}, "placeholders"),
        ({"parameters": [{"$ref": "other.json#/P"}]}, "nothing is fetched"),
        ({"parameters": [{"$ref": "#/components/parameters/Nobody"}]}, "not there"),
        ({"parameters": "none"}, "not written as OpenAPI says"),
        ({"requestBody": {"content": {"multipart/form-data": {}}}}, "only application/json"),
        ({"requestBody": {"content": {"application/xml": {}}}}, "only application/json"),
        (body({"$ref": "https://evil.example/schema.json"}), "nothing is fetched"),
        (body(fields(f={"type": "string", "format": "binary"})), "file"),
        (body(fields(a={"not": {"type": "string"}})), "requestBody.a.not"),
        (body(fields(a={"type": "object", "patternProperties": {"^x": TEXT}})), "requestBody.a.patternProperties"),
        (body(fields(a={"if": TEXT})), "requestBody.a.if"),
        (body(fields(a={"allOf": [{"type": "string"}, {"type": "integer"}]})), "different things"),
        (body(fields(a=False)), "not a schema"),
        (body(fields(a={"type": "array", "items": [TEXT]})), "not a schema"),
        ({"callbacks": {"done": {}}}, "called back"),
        ({"security": [{"cookieAuth": []}]}, "headers"),
        ({"security": [{"queryAuth": []}]}, "headers"),
        ({"security": [{"unknown": []}]}, "signing in"),
        ({"servers": [{"url": "ftp://x.example"}]}, "servers"),
        ({"servers": [{"url": "https://user@x.example"}]}, "names a user"),
        ({"servers": [{"url": "http://0x7f.1/"}]}, "unusual"),
        ([], "no tools"),
    ],
    ids=str,
)
def test_what_cannot_be_said_is_left_out_with_its_reason(operation: Any, reason: str) -> None:
    schemes = {
        "cookieAuth": {"type": "apiKey", "in": "cookie", "name": "s"},
        "queryAuth": {"type": "apiKey", "in": "query", "name": "k"},
    }
    paths = {
        "/things": {"post": {"operationId": "a", **operation} if isinstance(operation, dict) else operation},
        "/others": {"get": {"operationId": "list_others"}},
    }
    first, second = results(paths, components={"securitySchemes": schemes})
    assert isinstance(first, Skipped)
    assert reason in first.reason
    assert isinstance(second, Imported), "the import goes on"


def test_a_result_that_cannot_be_described_keeps_no_operation_out() -> None:
    answer = {"200": {"content": {"application/json": {"schema": {"$ref": "http://elsewhere/x.json"}}}}}
    assert one({"responses": answer}).result_schema is None
    open_answer = {"200": {"content": {"application/json": {"schema": fields(status=TEXT)}}}}
    assert "additionalProperties" not in (one({"responses": open_answer}).result_schema or {})


def test_credentials_have_declared_slots_and_are_never_arguments() -> None:
    schemes = {
        "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
        "bearer": {"type": "http", "scheme": "bearer"},
    }
    operation = {
        "parameters": [{"name": "Authorization", "in": "header", "required": True, "schema": TEXT}],
        "security": [{"bearer": [], "key": []}],
    }
    contract = one(operation, components={"securitySchemes": schemes})
    assert contract.arguments_schema["properties"] == {}
    assert contract.binding["credentials"] == [
        {"header": "Authorization", "prefix": "Bearer ", "name": "bearer"},
        {"header": "X-Api-Key", "prefix": "", "name": "key"},
    ]


def test_the_same_document_gives_the_same_versions() -> None:
    paths = {"/orders/{order_id}/cancel": {"post": CANCEL}}
    (first,), (second,) = results(paths), results(json.loads(json.dumps(paths)))
    assert first.contract == second.contract
    assert first.contract.version_hash() == second.contract.version_hash()
