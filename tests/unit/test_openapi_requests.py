"""What arguments become on their way to an HTTP service: pure, deterministic, and never another request than shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.openapi import TEXT, body, fields, one
from tools.arguments import ArgumentsRefused
from tools.connectors.http import HttpConnector
from tools.egress import target

PREPARE = HttpConnector().prepare
GET_ONE = {"parameters": [{"name": "id", "in": "path", "required": True, "schema": TEXT}]}
SEARCH = {
    "parameters": [
        {"name": "q", "in": "query", "schema": TEXT},
        {"name": "tag", "in": "query", "schema": {"type": "array", "items": TEXT}},
        {"name": "ids", "in": "query", "explode": False, "schema": {"type": "array", "items": {"type": "integer"}}},
        {"name": "filter[state]", "in": "query", "schema": TEXT},
        {"name": "X-Note", "in": "header", "schema": TEXT},
    ]
}


def test_values_in_a_path_are_one_part_of_it() -> None:
    contract = one(GET_ONE, method="get", path="/orders/{id}")
    for value, written in (("#W 1", "%23W%201"), ("a?b=c&d", "a%3Fb%3Dc%26d"), ("é", "%C3%A9"), ("%2e", "%252e")):
        assert PREPARE(contract, {"id": value})["url"] == f"https://shop.example/v1/orders/{written}"


@pytest.mark.parametrize("value", ["", ".", "..", "1/refund", "..\\x", "a\nb", "a\x00b", "a\x7fb", None])
def test_a_value_that_could_reach_another_route_is_refused(value: Any) -> None:
    contract = one(GET_ONE, method="get", path="/orders/{id}")
    with pytest.raises(ArgumentsRefused) as refused:
        PREPARE(contract, {"id": value})
    assert refused.value.problems[0].path == "arguments.id"


@given(st.text())
@settings(deadline=None, database=None)
def test_no_value_of_a_path_or_query_changes_the_route(value: str) -> None:
    read = one(GET_ONE, method="get", path="/orders/{id}")
    search = one(SEARCH, method="get")
    try:
        url = PREPARE(read, {"id": value})["url"]
        assert target(url).rest.count("/") == 3
        assert "?" not in url
        assert not url.endswith(("/.", "/.."))
    except (ArgumentsRefused, UnicodeEncodeError):
        pass
    try:
        url = PREPARE(search, {"q": value})["url"]
        assert target(url).rest.startswith("/v1/things?q=")
        assert "&" not in url
        assert "#" not in url
    except UnicodeEncodeError:
        pass


def test_queries_are_written_as_declared_and_in_the_declared_order() -> None:
    contract = one(SEARCH, method="get")
    arguments = {"filter_state": "x y", "ids": [1, 2], "tag": ["a&b", "c"], "q": "1+1=2"}
    url = PREPARE(contract, arguments)["url"]
    assert url.endswith("/things?q=1%2B1%3D2&tag=a%26b&tag=c&ids=1%2C2&filter%5Bstate%5D=x%20y")
    assert PREPARE(contract, dict(reversed(arguments.items())))["url"] == url
    assert PREPARE(contract, {"q": None})["url"].endswith("/things")


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "\x00", "é", "", " a", "a "])
def test_a_header_is_plain_letters_on_one_line(value: str) -> None:
    with pytest.raises(ArgumentsRefused):
        PREPARE(one(SEARCH, method="get"), {"x_note": value})
    assert PREPARE(one(SEARCH, method="get"), {"x_note": "a b"})["headers"]["X-Note"] == "a b"


def test_what_looks_like_a_template_stays_text() -> None:
    """T96: arguments are never filled in, neither with secrets nor with each other."""
    operation = {**GET_ONE, **body(fields(note=TEXT))}
    contract = one(operation, path="/orders/{id}")
    request = PREPARE(contract, {"id": "{note}{{secret.x}}", "note": "{{secret.x}} ${TOKEN} {id}"})
    assert request["url"].endswith("/orders/%7Bnote%7D%7B%7Bsecret.x%7D%7D")
    assert request["body"] == {"note": "{{secret.x}} ${TOKEN} {id}"}


def test_a_request_shows_neither_key_nor_credentials() -> None:
    operation = {
        "parameters": [{"name": "Idempotency-Key", "in": "header", "schema": TEXT}],
        "security": [{"bearer": []}],
    }
    schemes = {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}}
    contract = one(operation, components=schemes)
    assert PREPARE(contract, {}) == {
        "method": "POST",
        "url": "https://shop.example/v1/things",
        "headers": {"Accept": "application/json"},
    }


def test_a_body_is_sent_where_there_is_something_to_say() -> None:
    needed = one(body({"type": "object", "properties": {"a": TEXT}}))
    assert PREPARE(needed, {})["body"] == {}
    optional = one(body({"type": "object", "properties": {"a": TEXT}}, required=False))
    assert "body" not in PREPARE(optional, {})
    assert PREPARE(optional, {"a": "x"})["body"] == {"a": "x"}
