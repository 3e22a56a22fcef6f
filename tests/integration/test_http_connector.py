"""The HTTP connector sends what was prepared, adds the key and credentials where they are declared, and asks by key."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest

from tests.support.rude import Rude, rude, says
from tests.support.world import World, approved
from tools.connecting import Call
from tools.connectors.http import HttpConnector
from tools.contract import Contract, Idempotency, Outcome, OutcomeStatus
from tools.openapi import Imported, imported, read
from traces.canonical import canonical
from traces.ids import uuid7

TEXT = {"type": "string"}
OURS, THEIRS = uuid7(), uuid7()


def a_contract(url: str, *, name: str = "make_thing", **more: Any) -> Contract:
    """A write with a body, a key header and a bearer slot."""
    schema = {"type": "object", "properties": {"text": TEXT, "count": {"type": "number"}}, "required": ["text"]}
    operation = {
        "operationId": name,
        "parameters": [{"name": "Idempotency-Key", "in": "header", "schema": TEXT}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "security": [{"bearer": []}],
    }
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Things"},
        "servers": [{"url": url}],
        "paths": {"/things": {"post": operation}},
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    }
    (found,) = imported(read(json.dumps(document)))
    assert isinstance(found, Imported)
    contract = found.contract
    return replace(contract, **{**more, "binding": {**contract.binding, **more.get("binding", {})}})


def a_call(contract: Contract, *, organization: uuid.UUID = OURS, attempt: int = 1, **arguments: Any) -> Call:
    request = HttpConnector().prepare(contract, {"text": "hé", **arguments})
    return Call(organization, uuid7(), uuid7(), "key/1", request, attempt)


@pytest.fixture
def opened(settings: Any) -> Any:
    def opens(server: Rude) -> str:
        settings.LAM_EGRESS_PRIVATE = frozenset({server.place})
        return server.url

    return opens


def test_exactly_the_prepared_request_is_sent_with_the_key(opened: Any) -> None:
    with rude(says(200)) as server:
        contract = a_contract(opened(server))
        call = a_call(contract, count=1.50)
        assert HttpConnector().call(contract, call).status is OutcomeStatus.DONE
        head, _, sent = server.requests[0].partition(b"\r\n\r\n")
        assert head.split(b"\r\n")[0] == b"POST /things HTTP/1.1"
        assert sent == canonical(call.request["body"]) == '{"count":1.5,"text":"hé"}'.encode()
        headers = server.headers()
        assert headers["idempotency-key"] == "key/1"
        assert headers["host"] == server.place
        assert "authorization" not in headers


def test_credentials_are_an_organizations_own_and_go_into_declared_slots_only(opened: Any) -> None:
    """T95, T96."""
    secrets = {(OURS, "bearer"): "s3cret"}
    connector = HttpConnector(lambda organization, slot: secrets.get((organization, slot)))
    with rude(says(200)) as server:
        contract = a_contract(opened(server))
        connector.call(contract, a_call(contract))
        assert server.headers()["authorization"] == "Bearer s3cret"
        connector.call(contract, a_call(contract, organization=THEIRS))
        assert "authorization" not in server.headers()
        undeclared = replace(contract, binding={**contract.binding, "credentials": []})
        connector.call(undeclared, a_call(undeclared, text="{{secret.bearer}}"))
        assert "authorization" not in server.headers()
        assert b"s3cret" not in server.requests[-1]
        assert b"{{secret.bearer}}" in server.requests[-1]


def test_a_secret_with_a_line_break_sends_nothing(opened: Any) -> None:
    connector = HttpConnector(lambda organization, slot: "s3cret\r\nX: y")
    with rude(says(200)) as server:
        contract = a_contract(opened(server))
        outcome = connector.call(contract, a_call(contract))
        assert (outcome.status, outcome.sent) == (OutcomeStatus.FAILED, False)
        assert "s3cret" not in str(outcome)
        assert server.connections == 0


def probed(opened: Any, manner: Any, **asked: str) -> tuple[Outcome | None, Rude]:
    with rude(manner) as server:
        contract = a_contract(opened(server), idempotency=Idempotency.queryable())
        contract = replace(contract, binding={**contract.binding, "probe": {"path": "/effects/{key}", **asked}})
        return HttpConnector().probe(contract, a_call(contract)), server


FIELDS = {"happened": "happened", "answer": "answer"}


def test_a_probe_asks_by_key_and_believes_only_a_plain_answer(opened: Any) -> None:
    outcome, server = probed(opened, says(200, '{"happened": true, "answer": {"id": 7}}'), **FIELDS)
    assert server.requests[0].startswith(b"GET /effects/key%2F1 HTTP/1.1")
    assert outcome is not None
    assert (outcome.status, outcome.result) == (OutcomeStatus.DONE, {"id": 7})
    assert probed(opened, says(200, '{"happened": false}'), **FIELDS)[0] is None
    assert probed(opened, says(404))[0] is None
    found = probed(opened, says(200, '{"id": 7}'))[0]
    assert found is not None
    assert found.result == {"id": 7}
    for unclear in (says(200, '{"happened": "no"}'), says(200, "[]"), says(500), says(403), says(200, "{", length=9)):
        outcome = probed(opened, unclear, **FIELDS)[0]
        assert outcome is not None
        assert outcome.status is OutcomeStatus.UNCERTAIN


def test_without_a_probe_the_tool_cannot_be_asked() -> None:
    contract = a_contract("https://things.example", idempotency=Idempotency.queryable())
    outcome = HttpConnector().probe(contract, a_call(contract))
    assert outcome is not None
    assert outcome.status is OutcomeStatus.UNCERTAIN


@pytest.mark.parametrize(
    ("answer", "status"),
    [(says(201, '{"id": 7}'), "done"), (says(422, '{"error": "Sold out"}'), "failed"), (says(500), "uncertain")],
    ids=["done", "refused", "fell over"],
)
def test_an_imported_tool_takes_the_whole_road(world: World, opened: Any, answer: Any, status: str) -> None:
    """Proposed, held, approved, signed, sent once with the key of its step, recorded."""
    from approvals.tasks import execute_permitted, sign_permits
    from tools.models import Execution
    from tools.offering import offer

    with rude(answer) as server:
        offer(world.organization, a_contract(opened(server)))
        action = world.staged("make_thing", {"text": "hello"})
        assert action.status == "in_review"
        assert server.connections == 0
        approved(world, action)
        sign_permits()
        execute_permitted()
        execute_permitted()
        action.refresh_from_db()
        assert action.status == status
        execution = Execution.objects.get(action=action.id)
        assert len(server.requests) == 1, "neither: never sent twice"
        assert server.headers()["idempotency-key"] == execution.key
        assert server.requests[0].endswith(b'{"text":"hello"}')


def test_a_value_that_would_reach_another_route_is_denied_with_its_field(world: World) -> None:
    from tools.offering import offer

    operation = {
        "operationId": "get_thing",
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": TEXT}],
    }
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Things"},
        "servers": [{"url": "https://things.example"}],
        "paths": {"/things/{id}": {"get": operation}},
    }
    (found,) = imported(read(json.dumps(document)))
    assert isinstance(found, Imported)
    offer(world.organization, found.contract)
    action = world.staged("get_thing", {"id": "7/../../users"})
    assert action.status == "denied"
