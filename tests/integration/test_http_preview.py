"""An HTTP tool is asked beforehand by a GET of its own service: what it says, refuses, and what is never sent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.integration.test_http_connector import opened  # noqa: F401
from tests.support.rude import Manner, Rude, closed_port, drips, hangs, resets, rude, says
from tools.connectors.http import HttpConnector
from tools.contract import Contract
from tools.openapi import Imported, Trust, imported, read
from tools.previews import Look, Preview, PreviewState
from traces.ids import uuid7

TEXT = {"type": "string"}
NUMBER = {"name": "id", "in": "path", "required": True, "schema": TEXT}
ORDER = {"status": "open", "address": "Old Lane 1", "version": 7, "lines": 2, "title": "Desk", "date": "3 December"}


def a_contract(url: str, preview: Any = None, lookups: Any = None) -> Contract:
    """A tool that ships an order elsewhere, and can say what that would change."""
    schema = {"type": "object", "properties": {"order": TEXT, "address": TEXT}, "required": ["order", "address"]}
    said = preview or {
        "operation": "get_order",
        "arguments": {"id": "order"},
        "effect": [
            {"label": "Ship to", "before": "/address", "after": {"argument": "address"}},
            {"label": "Status", "before": "/status", "after": {"value": "held"}},
            {"label": "Lines", "before": "/lines", "after": {"answer": "/lines"}},
        ],
        "preconditions": ["/version"],
        "affected": "/lines",
    }
    named = lookups or {
        "order": {"kind": "order", "operation": "get_order", "parameter": "id", "name": ["/title", "/date"]}
    }
    move = {
        "operationId": "move_order",
        "parameters": [{"name": "Idempotency-Key", "in": "header", "schema": TEXT}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "security": [{"bearer": []}],
        "x-countersign-preview": said,
        "x-countersign-lookups": named,
    }
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Orders"},
        "servers": [{"url": url}],
        "paths": {
            "/moves": {"post": move},
            "/orders/{id}": {"get": {"operationId": "get_order", "parameters": [NUMBER]}},
        },
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    }
    found = next(iter(imported(read(json.dumps(document)), trust=Trust(extensions=True))))
    assert isinstance(found, Imported), found
    return found.contract


def asked(contract: Contract, **arguments: Any) -> Preview:
    values = {"order": "A/1", "address": "New Road 2", **arguments}
    connector = HttpConnector(lambda organization, slot: "s3cret")
    values["order"] = values["order"].replace("/", "-")
    return connector.preview(contract, Look(uuid7(), uuid7(), uuid7(), values, connector.prepare(contract, values)))


def test_what_would_change_is_read_where_the_document_says(opened: Any) -> None:  # noqa: F811
    with rude(says(200, json.dumps(ORDER))) as server:
        found = asked(a_contract(opened(server)))
    assert found.state is PreviewState.DONE
    assert [tuple(row.values()) for row in found.effect] == [
        ("Ship to", "Old Lane 1", "New Road 2"),
        ("Status", "open", "held"),
        ("Lines", 2, 2),
    ]
    assert (found.preconditions, found.affected) == ({"/version": 7}, 2)
    assert found.records == {"order": "Desk, 3 December"}


def test_only_reading_requests_leave_and_no_key_with_them(opened: Any) -> None:  # noqa: F811
    with rude(says(200, json.dumps(ORDER))) as server:
        asked(a_contract(opened(server)))
        assert [request.split(b" HTTP")[0] for request in server.requests] == [b"GET /orders/A-1"] * 2
        for index in range(2):
            headers = server.headers(index)
            assert "idempotency-key" not in headers
            assert headers["authorization"] == "Bearer s3cret"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_an_operation_that_may_change_something_is_not_sent(method: str, opened: Any) -> None:  # noqa: F811
    with rude(says(200, json.dumps(ORDER))) as server:
        contract = a_contract(opened(server))
        for word in ("preview", "lookups"):
            part: Any = contract.binding[word]
            wrong = {"order": {**part["order"], "method": method}} if word == "lookups" else {**part, "method": method}
            found = asked(replace(contract, binding={**contract.binding, word: wrong}))
            assert found.state is PreviewState.FAILED
        assert all(request.startswith(b"GET ") for request in server.requests)


@pytest.mark.parametrize("status", [404, 409, 410, 422])
def test_what_the_service_refuses_the_call_would_fail_at(status: int, opened: Any) -> None:  # noqa: F811
    with rude(says(status, b'{"detail": "Sent already."}')) as server:
        found = asked(a_contract(opened(server)))
    assert (found.state, "Sent already." in found.text) == (PreviewState.REFUSED, True)


BROKEN: dict[str, Manner] = {
    **{str(status): says(status) for status in (302, 400, 401, 403, 408, 429, 500, 503)},
    "resets": resets,
    "hangs": hangs,
    "drips": drips,
    "not JSON": says(200, b"<html>"),
    "too large": says(200, b"[" + b"1," * 600_000 + b"1]"),
}


@pytest.mark.parametrize("manner", BROKEN)
def test_whatever_else_goes_wrong_is_a_question_that_could_not_be_asked(manner: str, opened: Any) -> None:  # noqa: F811
    with rude(BROKEN[manner]) as server:
        found = asked(replace(a_contract(opened(server)), timeout=0.3))
    if manner == "not JSON":  # an answer all the same, in which nothing is where it should be
        assert [row["before"] for row in found.effect] == [None, None, None]
    else:
        assert (found.state, bool(found.text)) == (PreviewState.FAILED, True)


def test_a_service_that_is_away_or_not_allowed_could_not_be_asked(settings: Any) -> None:
    place = f"127.0.0.1:{closed_port()}"
    settings.LAM_EGRESS_PRIVATE = frozenset({place})
    assert asked(a_contract(f"http://{place}")).state is PreviewState.FAILED
    settings.LAM_EGRESS_PRIVATE = frozenset()
    refused = asked(a_contract(f"http://{place}"))
    assert (refused.state, "loopback" in refused.text) == (PreviewState.FAILED, True)


def test_an_identifier_without_a_record_is_said_to_have_none(opened: Any) -> None:  # noqa: F811
    manners = [says(200, json.dumps(ORDER)), says(404)]

    def first_one_then_the_other(server: Rude, connection: Any) -> None:
        manners[min(len(server.requests), 1)](server, connection)

    with rude(first_one_then_the_other) as server:
        found = asked(a_contract(opened(server)))
    assert (found.state, found.records) == (PreviewState.DONE, {"order": None})


def test_what_is_left_out_of_a_call_is_no_change(opened: Any) -> None:  # noqa: F811
    with rude(says(200, json.dumps(ORDER))) as server:
        contract = a_contract(opened(server))
        look = Look(uuid7(), uuid7(), uuid7(), {"order": "A-1"}, {})
        found = HttpConnector().preview(contract, look)
    assert [row["label"] for row in found.effect] == ["Status", "Lines"]
