"""An HTTP tool is asked after the call by a GET of its own service, as a trusted document says."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.integration.test_http_connector import opened  # noqa: F401
from tests.integration.test_http_preview import NUMBER, TEXT
from tests.support.rude import Manner, Rude, closed_port, hangs, resets, rude, says
from tools.connecting import Call
from tools.connectors.http import HttpConnector
from tools.contract import Contract
from tools.openapi import Imported, Trust, imported, read
from tools.verifying import Verified, VerifyState
from traces.ids import uuid7

HOLDS = [
    {"at": "/address", "is": {"argument": "address"}},
    {"at": "/status", "is": {"value": "moved"}},
    {"at": "/version", "is": {"answer": "/version"}},
]
VERIFY: dict[str, Any] = {"operation": "get_order", "arguments": {"id": {"answer": "/order"}}, "holds": HOLDS}
THERE = {"address": "New Lane 2", "status": "moved", "version": 8}
ANSWER = {"order": "O-9", "version": 8}


def found(url: str, verify: Any = VERIFY, trust: bool = True) -> Any:
    schema = {"type": "object", "properties": {"order": TEXT, "address": TEXT}, "required": ["order", "address"]}
    move = {
        "operationId": "move_order",
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "x-countersign-verify": verify,
    }
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Orders"},
        "servers": [{"url": url}],
        "paths": {
            "/moves": {"post": move},
            "/orders/{id}": {"get": {"operationId": "get_order", "parameters": [NUMBER]}},
        },
    }
    return next(iter(imported(read(json.dumps(document)), trust=Trust(extensions=trust))))


def a_contract(url: str, verify: Any = VERIFY) -> Contract:
    made = found(url, verify)
    assert isinstance(made, Imported), made
    return replace(made.contract, timeout=1.0)


def checked(opened: Any, manner: Manner, verify: Any = VERIFY, answer: Any = ANSWER) -> tuple[Verified, Rude]:  # noqa: F811
    arguments = {"order": "O-9", "address": "New Lane 2"}
    with rude(manner) as server:
        contract = a_contract(opened(server), verify)
        call = Call(uuid7(), uuid7(), uuid7(), key="secret-key", request={}, arguments=arguments)
        return HttpConnector().verify(contract, call, answer), server


def test_what_holds_is_found_by_a_get_without_our_key(opened: Any) -> None:  # noqa: F811
    said, server = checked(opened, says(200, json.dumps(THERE)))
    assert said == Verified.held()
    (request,) = server.requests
    assert request.startswith(b"GET /orders/O-9 HTTP/1.1")
    assert b"secret-key" not in request


@pytest.mark.parametrize("change", [{"address": "Old Lane 1"}, {"status": None}, {"version": 7}, {"version": "8"}])
def test_a_value_that_is_another_one_is_missing(opened: Any, change: dict[str, Any]) -> None:  # noqa: F811
    said, _ = checked(opened, says(200, json.dumps({**THERE, **change})))
    assert said.state is VerifyState.MISSING
    assert next(iter(change)) in said.text


def test_what_is_to_be_gone_is_looked_for_too(opened: Any) -> None:  # noqa: F811
    gone = {"operation": "get_order", "arguments": {"id": "order"}, "gone": True}
    assert checked(opened, says(404), gone)[0].state is VerifyState.HELD
    assert checked(opened, says(200, "{}"), gone)[0].state is VerifyState.MISSING
    assert checked(opened, says(500), gone)[0].state is VerifyState.NOT_ASKED
    assert checked(opened, says(404))[0].state is VerifyState.MISSING


@pytest.mark.parametrize("manner", [says(500), says(403), says(302), resets, hangs, says(200, "{", length=9)])
def test_whatever_else_comes_back_is_a_question_that_was_not_answered(opened: Any, manner: Any) -> None:  # noqa: F811
    assert checked(opened, manner)[0].state is VerifyState.NOT_ASKED


def test_an_answer_that_does_not_say_what_to_look_at_and_a_closed_door_are_not_asked(opened: Any) -> None:  # noqa: F811
    said, server = checked(opened, says(200, "{}"), answer={"order": None})
    assert (said.state, server.requests) == (VerifyState.NOT_ASKED, [])
    contract = a_contract(f"http://127.0.0.1:{closed_port()}")
    call = Call(uuid7(), uuid7(), uuid7(), key="k", request={})
    assert HttpConnector().verify(contract, call, ANSWER).state is VerifyState.NOT_ASKED


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"operation": "move_order"}, "no GET called move_order"),
        ({"arguments": {"id": "nobody"}}, "names the argument nobody"),
        ({"arguments": {"id": {"answer": "order"}}}, "JSON pointer"),
        ({"gone": True}, "either what holds"),
        ({"holds": []}, "either what holds"),
        ({"holds": [{"at": "status", "is": {"value": 1}}]}, "JSON pointer"),
        ({"holds": [{"at": "/status", "is": {"argument": "nobody"}}]}, "names the argument nobody"),
        ({"more": 1}, "says more"),
    ],
)
def test_a_check_that_makes_no_sense_leaves_the_operation_out(change: dict[str, Any], reason: str) -> None:
    made = found("https://orders.example", {**VERIFY, **change})
    assert not isinstance(made, Imported)
    assert reason in str(made)


def test_a_document_that_nobody_trusts_promises_no_check() -> None:
    made = found("https://orders.example", trust=False)
    assert isinstance(made, Imported)
    assert (made.contract.verify, "verify" in made.contract.binding) == (False, False)
