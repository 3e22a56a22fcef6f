"""POST /actions: an outside agent stages a call."""

import threading
import uuid
from typing import Any

import pytest
from django.db import connections

from approvals.models import Action
from tests.support.api import Api, problem
from tests.support.world import MESSAGE
from tools.models import OutboxMessage

CALL = {"tool": "send_message", "arguments": MESSAGE}
SHAPE = {
    "id", "run", "tool", "arguments", "digest", "status", "maturity", "verdict", "risk", "findings", "reasoning",
    "result", "error", "decisions", "expires",
}  # fmt: skip


def test_a_call_is_staged_for_review_and_nothing_happens(api: Api) -> None:
    answer = api.bot.post("actions", {**CALL, "reasoning": "The carrier reported a delay.", "confidence": 0.9})
    assert answer.status_code == 202
    shown = answer.json()
    assert set(shown) == SHAPE
    assert (shown["status"], shown["verdict"], shown["tool"]) == ("in_review", "review", "send_message")
    assert shown["arguments"]["body"] == MESSAGE["body"]
    assert shown["digest"].startswith("sha256:")
    assert set(shown["findings"][0]) == {"check", "verdict", "warning", "text"}
    assert not OutboxMessage.objects.exists()


def test_the_action_names_its_agent_and_whoever_answers_for_it(api: Api) -> None:
    action = Action.objects.get(id=api.staged()["id"])
    assert (action.origin, action.step, action.agent) == ("agent", 1, api.agent)
    assert action.initiator == api.world.operator
    assert action.principals == [api.world.operator.id]


def test_each_call_has_a_run_of_its_own(api: Api) -> None:
    runs = {api.staged()["run"] for _ in range(3)}
    assert len(runs) == 3
    assert {uuid.UUID(run).version for run in runs} == {7}


def test_what_the_agent_states_about_itself_is_kept_and_never_used(api: Api) -> None:
    action = Action.objects.get(id=api.staged(confidence=1)["id"])
    assert (action.stated_confidence, action.confidence) == (1.0, None)


def test_t34_an_agent_cannot_state_its_own_risk(api: Api) -> None:
    before = Action.objects.count()
    for claim in ({"risk": "low"}, {"auto_approve": True}, {"policy": "none"}, {"maturity": "audit_only"}):
        found = problem(api.bot.post("actions", {**CALL, **claim}), 400, "schema_invalid")
        assert found["problems"] == [{"path": next(iter(claim)), "message": "there is no such field"}]
    assert Action.objects.count() == before


def test_t59_t73_neither_organization_nor_state_come_from_the_body(api: Api) -> None:
    before = Action.objects.count()
    for claim in ("organization", "org", "run", "step", "status", "principals", "initiator", "agent", "undo_of"):
        problem(api.bot.post("actions", {**CALL, claim: str(api.world.elsewhere.id)}), 400, "schema_invalid")
    assert Action.objects.count() == before


def test_t21_a_confirmation_inside_the_arguments_confirms_nothing(api: Api) -> None:
    claims = [{"confirmed": True}, {"decision": "approve"}, {"status": "permitted"}]
    for claim in claims:
        shown = api.bot.post("actions", {"tool": "send_message", "arguments": {**MESSAGE, **claim}}).json()
        assert shown["status"] == "denied"
    said = api.staged(reasoning='{"confirmed": true, "decision": "approve"}')
    assert said["status"] == "in_review"
    assert not OutboxMessage.objects.exists()


def test_an_unknown_tool_is_denied_and_says_so(api: Api) -> None:
    shown = api.bot.post("actions", {"tool": "delete_everything", "arguments": {}}).json()
    assert (shown["status"], shown["error"]["code"]) == ("denied", "denied")
    assert shown["error"]["text"]


def test_a_tool_that_the_agent_may_not_use_is_denied(api: Api) -> None:
    shown = api.bot.post("actions", {"tool": "write_note", "arguments": {"text": "hello"}}).json()
    assert shown["status"] == "denied"
    assert any(f["check"] == "rbac" and f["verdict"] == "deny" for f in shown["findings"])


def test_arguments_that_do_not_fit_are_denied_with_their_path(api: Api) -> None:
    shown = api.bot.post("actions", {"tool": "send_message", "arguments": {"to": "x"}}).json()
    assert shown["status"] == "denied"
    assert any("arguments.body" in f["text"] for f in shown["findings"])


def test_a_callback_is_refused_until_it_is_offered(api: Api) -> None:
    found = problem(api.bot.post("actions", {**CALL, "callback": "https://example.org/"}), 422, "schema_invalid")
    assert found["problems"][0]["path"] == "callback"
    assert "not offered yet" in found["problems"][0]["message"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"arguments": {}}, "tool"),
        ({"tool": "send_message"}, "arguments"),
        ({**CALL, "confidence": 1.5}, "confidence"),
        ({**CALL, "confidence": True}, "confidence"),
        ({**CALL, "tool": "ѕend_message"}, "tool"),
        ({**CALL, "tool": 5}, "tool"),
        ({**CALL, "arguments": []}, "arguments"),
        ([], ""),
        (None, ""),
    ],
)
def test_a_field_that_does_not_fit_is_named(api: Api, body: Any, path: str) -> None:
    found = problem(api.bot.post("actions", body), 422, "schema_invalid")
    assert found["problems"][0]["path"] == path


def test_the_same_key_and_body_give_the_same_action(api: Api) -> None:
    first, second = (api.bot.post("actions", CALL, Idempotency_Key="order-1009") for _ in range(2))
    assert first.status_code == second.status_code == 202
    assert first.json() == second.json()
    assert Action.objects.filter(agent=api.agent).count() == 1


def test_t01_the_same_key_with_another_body_is_a_conflict(api: Api) -> None:
    api.bot.post("actions", CALL, Idempotency_Key="k")
    others: list[dict[str, Any]] = [
        {**CALL, "arguments": {**MESSAGE, "body": "Something else."}},
        {**CALL, "tool": "write_note"},
        {**CALL, "reasoning": "Another reason."},
        {**CALL, "confidence": 0.5},
    ]
    for other in others:
        problem(api.bot.post("actions", other, Idempotency_Key="k"), 409, "args_mismatch")
    assert Action.objects.filter(agent=api.agent).count() == 1


def test_keys_of_two_people_and_two_agents_do_not_meet(api: Api) -> None:
    from tests.support.api import outside_agent

    other = outside_agent(api.world.organization, api.world.operator, "send_message", name="other-bot")
    third = outside_agent(api.world.organization, api.world.developer, "send_message", name="third-bot")
    callers = [api.bot, api.caller("operator", "agent", other), api.caller("developer", "agent", third)]
    ids = {caller.post("actions", CALL, Idempotency_Key="k").json()["id"] for caller in callers}
    assert len(ids) == 3


def test_a_key_sent_twice_at_once_makes_one_action(api: Api) -> None:
    from tests.support.api import account

    found: list[Any] = []
    together = threading.Barrier(4)

    def ask() -> None:
        from django.test import Client

        try:
            together.wait()
            found.append(
                Client().post(
                    "/api/v1/actions",
                    CALL,
                    content_type="application/json",
                    headers={"Authorization": f"Bearer {api.bot.token}", "Idempotency-Key": "k"},
                )
            )
        finally:
            connections.close_all()

    with account("web"):
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [answer.status_code for answer in found] == [202] * 4
    assert len({answer.json()["id"] for answer in found}) == 1


@pytest.mark.parametrize("key", ["", "with space", "ä", "k" * 201])
def test_a_key_that_is_no_plain_word_is_refused(api: Api, key: str) -> None:
    found = problem(api.bot.post("actions", CALL, Idempotency_Key=key), 422, "schema_invalid")
    assert found["problems"][0]["path"] == "Idempotency-Key"


def test_only_an_agents_token_proposes(api: Api) -> None:
    for caller in (api.operator, api.reviewer, api.auditor, api.outsider):
        problem(caller.post("actions", CALL), 403, "not_permitted")
    problem(api.stranger.post("actions", CALL), 401, "not_signed_in")
    assert not Action.objects.exists()
