"""Rows that an account of the product could write past the product's code: none of them becomes an effect."""

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from accounts.models import Agent, User
from approvals.facts import gather, judged
from approvals.models import Action, Permit
from approvals.policy import rule
from approvals.services.propose import revise
from approvals.tasks import execute_permitted, sign_permits
from tests.integration.test_take_over import gone
from tests.support.forging import ACCOUNTS, decision_by, write
from tests.support.permits import signed
from tests.support.sql import EVENT, REFUSED, copied, refusal, without_guards
from tests.support.world import World, approved
from tools.kinds import Maturity
from tools.models import AgentTool, Execution, OutboxMessage, Tool
from traces.ids import uuid7


def forged(world: World, speaking: psycopg.Connection[Any], **changes: Any) -> Action:
    """An action whose stored facts say that nobody need be asked, brought to PERMITTED by plain SQL."""
    made = judged(gather(world.proposal()), ())
    assert made.facts.tool is not None
    tool = replace(made.facts.tool, maturity=Maturity.AUDIT_ONLY, categories=frozenset())
    facts = replace(made.facts, tool=tool, confidence=1.0)
    ruling = rule(facts)
    assert ruling.verdict.value == "allow"
    made = replace(made, facts=facts, ruling=ruling)
    run = uuid7()
    values: dict[str, Any] = {
        "organization": world.organization, "run": run, "step": 1, "origin": "planner", "initiator": world.operator,
        "agent": world.agent, "principals": [world.operator.pk], "tool": made.tool, "tool_name": "send_message",
        "scopes": [*(s for s in made.scopes if not s.startswith("run:")), f"run:{run}"], "verdict": "allow",
        "risk": str(made.ruling.risk), "maturity": "audit_only", "summary": made.summary,
        "expires_at": "2099-01-01T00:00:00Z", **changes,
    }  # fmt: skip
    action = Action(**values)
    revision = revise(action, made, number=1)
    action.digest = revision.digest
    write(speaking, action)
    write(speaking, revision)
    for status in ("proposed", "permitted"):
        speaking.execute(EVENT, {"subject": action.id, "target": status})
    speaking.execute("UPDATE approvals_action SET status = 'permitted' WHERE id = %s", [action.id])
    speaking.commit()
    return action


@ACCOUNTS
def test_t22_facts_that_somebody_made_up_permit_nothing(
    account: str, world: World, request: pytest.FixtureRequest
) -> None:
    action = forged(world, request.getfixturevalue(account))
    assert sign_permits() == execute_permitted() == 0
    action.refresh_from_db()
    assert (action.status, action.verdict) == ("in_review", "review")
    assert not OutboxMessage.objects.exists()


@ACCOUNTS
def test_an_action_is_born_within_reach_of_every_stop_and_with_all_its_principals(
    account: str, world: World, request: pytest.FixtureRequest
) -> None:
    speaking = request.getfixturevalue(account)
    stranger = Agent.objects.get(organization=world.elsewhere, builtin=True)
    other = Tool.objects.get(organization=world.elsewhere, name="send_message")
    wrong: tuple[dict[str, Any], ...] = (
        {"scopes": []},
        {"principals": [world.reviewer2.pk]},
        {"agent": stranger},
        {"tool": other},
        {"tool_name": "write_note"},
    )
    for changes in wrong:
        with pytest.raises(psycopg.Error) as caught:
            forged(world, speaking, **changes)
        assert caught.value.sqlstate == REFUSED, changes
        speaking.rollback()


@ACCOUNTS
@pytest.mark.parametrize(
    "change",
    [
        "summary = 'Read one file'",
        "risk = 'low'",
        "verdict = 'allow'",
        "quorum = 3",
        "expires_at = '2099-01-01'",
        "revision = 9",
        "digest = 'another'",
        "due_at = clock_timestamp()",
    ],
)
def test_t02_what_is_shown_cannot_be_rewritten_under_a_reviewers_eyes(
    account: str, change: str, world: World, request: pytest.FixtureRequest
) -> None:
    action = world.staged()
    speaking = request.getfixturevalue(account)
    code, _ = refusal(speaking, f"UPDATE approvals_action SET {change} WHERE id = %s", [action.id])
    assert code == REFUSED


@ACCOUNTS
def test_t01_nobody_puts_a_revision_beside_or_in_front_of_the_current_one(
    account: str, world: World, request: pytest.FixtureRequest
) -> None:
    action = world.staged()
    speaking = request.getfixturevalue(account)
    code, _ = refusal(speaking, *copied("approvals_revision", action.revisions.get().id, number=2))
    assert code == REFUSED


def test_t28_a_decision_is_made_while_it_can_be_and_by_somebody_who_may(
    world: World, as_web: psycopg.Connection[Any]
) -> None:
    action = world.staged()
    for person in (world.auditor, world.outsider):
        assert refusal(as_web, *decision_by(person, action))[0] == REFUSED
    assert refusal(as_web, *decision_by(world.reviewer, action, verb="happened"))[0] == REFUSED
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET expires_at = clock_timestamp() - interval '1 s'")
    assert refusal(as_web, *decision_by(world.reviewer, action))[0] == REFUSED


def test_the_web_settles_in_the_ledger_only_what_nobody_knows(world: World, as_web: psycopg.Connection[Any]) -> None:
    action = signed(world)
    execute_permitted()
    with without_guards() as admin:
        admin.execute(
            "UPDATE tools_execution SET status = 'claimed', finished_at = NULL WHERE action = %s", [action.id]
        )
    code, words = refusal(as_web, "UPDATE tools_execution SET status = 'uncertain'")
    assert (code, "not for a person" in words) == (REFUSED, True)


def test_t99_a_ledger_row_without_a_genuine_permit_is_never_called_again(
    world: World, as_worker: psycopg.Connection[Any]
) -> None:
    action = forged(world, as_worker)
    revision = action.revisions.get()
    assert action.tool_id is not None
    ledger = Execution(
        organization=world.organization, action=action.id, run=action.run, permit=uuid7(), key="sha256:0",
        tool_id=action.tool_id, tool_version=revision.tool_version, arguments_digest=revision.arguments_digest,
        request_digest=revision.request_digest, claimer=gone(),
    )  # fmt: skip
    write(as_worker, ledger)
    for status in ("executing", "claimed"):
        as_worker.execute(EVENT, {"subject": action.id, "target": status})
    as_worker.execute("UPDATE approvals_action SET status = 'executing' WHERE id = %s", [action.id])
    as_worker.commit()
    assert execute_permitted() == 1
    action.refresh_from_db()
    assert action.status == "uncertain"
    assert Execution.objects.get().error_code == "permit_refused"
    assert not OutboxMessage.objects.exists()


def unlisted(world: World) -> None:
    AgentTool.objects.filter(agent=world.agent).delete()


LOST = {
    "the_initiator_is_switched_off": lambda world: User.objects.filter(pk=world.operator.pk).update(is_active=False),
    "the_initiator_lost_the_right": lambda world: world.operator.groups.clear(),
    "the_agent_is_switched_off": lambda world: Agent.objects.filter(pk=world.agent.pk).update(enabled=False),
    "the_agent_lost_the_tool": unlisted,
}


@pytest.mark.parametrize("when", ["before_the_signature", "before_the_claim"])
@pytest.mark.parametrize("what", LOST)
def test_t95_nothing_runs_for_somebody_who_may_no_longer_ask_for_it(what: str, when: str, world: World) -> None:
    if when == "before_the_claim":
        action = signed(world)
    else:
        action = world.staged()
        approved(world, action)
    LOST[what](world)
    sign_permits()
    execute_permitted()
    action.refresh_from_db()
    assert action.status == "denied"
    assert not OutboxMessage.objects.exists()


def test_t14_a_dial_turned_back_before_the_signature_brings_the_call_to_people(world: World) -> None:
    lifted = {"outside_message": {"reason": "a test"}}
    Tool.objects.filter(name="send_message").update(maturity="audit_only", lifted=lifted)
    action = world.staged(confidence=1.0)
    assert action.status == "permitted"
    Tool.objects.filter(name="send_message").update(maturity="in_the_loop", lifted={})
    assert sign_permits() == 0
    action.refresh_from_db()
    assert (action.status, action.revision) == ("in_review", 2)
    Tool.objects.filter(name="send_message").update(maturity="audit_only", lifted=lifted)
    approved(world, action)
    assert sign_permits() == 1
    # What was void once runs on a person's word, also where its ruling alone would let it.
    assert Permit.objects.get().deciders == [world.reviewer.pk]
