"""An OpenAPI document as a whole: how it is read, where its service is, and what its operations are called."""

from typing import Any

import pytest

from tests.support.openapi import one, refused, results
from tools.connectors.http import HttpConnector
from tools.openapi import DocumentRefused, Imported, Skipped, imported, read

PREPARE = HttpConnector().prepare


def test_a_relative_server_stands_behind_the_documents_own_address() -> None:
    for servers, expected in (
        ([], "https://shop.example/things"),
        ([{"url": "/api"}], "https://shop.example/api/things"),
    ):
        contract = one({}, base="https://shop.example/docs/openapi.json", servers=servers)
        assert PREPARE(contract, {})["url"] == expected
    assert "servers" in refused({}, servers=[])


def test_a_servers_variables_have_their_defaults() -> None:
    servers = [{"url": "https://{region}.shop.example:8443/v1", "variables": {"region": {"default": "eu"}}}]
    contract = one({}, servers=servers)
    assert contract.network == ("eu.shop.example:8443",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"openapi": "3.1.0", "openapi": "3.1.0"}',
        '{"openapi": "3.1.0", "x": NaN}',
        '{"swagger": "2.0"}',
        '{"openapi": "4.0.0"}',
        '{"openapi": 3.1}',
        '{"openapi": "3.1.0", "paths": []}',
        "[" * 100_000,
        '{"a":' * 500 + "1" + "}" * 500,
        "a: &a [x]\nb: [*a, *a]",
        "openapi: !!python/object/apply:os.system [id]",
    ],
)
def test_what_is_no_openapi_document_is_refused(text: str) -> None:
    with pytest.raises(DocumentRefused):
        read(text)


def test_yaml_is_read_as_well() -> None:
    text = """
openapi: 3.0.3
info: {title: Shop, version: 2026-11-20}
servers: [{url: "https://shop.example"}]
paths:
  /orders:
    get:
      operationId: listOrders
      responses: {200: {description: fine}}
"""
    (found,) = imported(read(text))
    assert isinstance(found, Imported)
    assert found.contract.name == "list_orders"


@pytest.mark.parametrize(
    ("operation_id", "name"),
    [
        ("cancelOrder", "cancel_order"),
        ("cancel_order", "cancel_order"),
        ("Orders.Cancel", "orders_cancel"),
        ("getHTTPStatus", "get_http_status"),
        ("123go", "go"),
        ("стоп", "post_things"),
        ("", "post_things"),
        (None, "post_things"),
    ],
)
def test_an_operations_id_becomes_a_slug(operation_id: Any, name: str) -> None:
    assert one({"operationId": operation_id}).name == name


def test_long_names_are_cut_and_stay_apart() -> None:
    names = {one({"operationId": "x" * 80 + end}).name for end in "ab"}
    assert len(names) == 2
    assert all(len(name) <= 64 for name in names)


def test_names_that_people_may_take_for_each_other_are_not_both_imported() -> None:
    paths = {
        "/a": {"post": {"operationId": "send_email"}},
        "/b": {"post": {"operationId": "send_emai1"}},
        "/c": {"post": {"operationId": "sendEmail"}},
    }
    first, second, third = results(paths)
    assert first.contract.name == "send_email"
    assert second.contract.name == "post_b", "named after its route instead"
    assert third.contract.name == "post_c"


def test_two_operations_on_one_route_name_are_not_both_imported() -> None:
    found = results({"/a/b": {"post": {}}, "/a_b": {"post": {}}})
    assert isinstance(found[1], Skipped)
    assert "may be taken for" in found[1].reason
