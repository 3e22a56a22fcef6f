"""What a tool said is written once, by those who may ask it: nobody makes up a preview, and none is taken on trust."""

import json
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from approvals.exceptions import PreviewAwaited
from approvals.facts import gather, judged
from approvals.models import Action, Permit, PreviewRow
from approvals.policy import DryRun, DryRunState, rule
from approvals.reading.card import card
from approvals.services.edit import edit
from approvals.services.propose import revise
from approvals.tasks import execute_permitted, rule_previewed, run_previews, sign_permits
from tests.integration.test_preview import THING, _shelf, answered, dry_run, freely, staged  # noqa: F401
from tests.support import seeing
from tests.support.forging import ACCOUNTS, write
from tests.support.sql import EVENT, NO_RIGHT, REFUSED, copied, refusal, without_guards
from tests.support.world import World, approved
from tools.previews import LONGEST_LABEL, LONGEST_TEXT, LONGEST_VALUE, MOST_CHANGES
from traces.ids import uuid7
from traces.models import Event


def forged(world: World, speaking: psycopg.Connection[Any]) -> Action:
    """A call whose stored facts say that its tool was asked and is content, brought to PERMITTED by plain SQL."""
    made = judged(gather(world.proposal("shut_thing", THING)), ())
    facts = replace(made.facts, dry_run=DryRun(DryRunState.DONE, "Does nothing much", 0))
    made = replace(made, facts=facts, ruling=rule(facts))
    assert made.ruling.verdict.value == "allow"
    run = uuid7()
    action = Action(
        organization=world.organization, run=run, step=1, origin="planner", initiator=world.operator,
        agent=world.agent, principals=[world.operator.pk], tool=made.tool, tool_name="shut_thing", verdict="allow",
        scopes=[*(s for s in made.scopes if not s.startswith("run:")), f"run:{run}"], risk=str(made.ruling.risk),
        maturity="audit_only", summary=made.summary, expires_at="2099-01-01T00:00:00Z",
    )  # fmt: skip
    revision = revise(action, made, number=1)
    action.digest = revision.digest
    action.teams = "[]"
    write(speaking, action)
    write(speaking, revision)
    for status in ("proposed", "permitted"):
        speaking.execute(EVENT, {"subject": action.id, "target": status})
    speaking.execute("UPDATE approvals_action SET status = 'permitted' WHERE id = %s", [action.id])
    speaking.commit()
    return action


def test_t22_a_preview_that_nobody_gave_permits_nothing(world: World, as_worker: psycopg.Connection[Any]) -> None:
    freely()
    action = forged(world, as_worker)
    assert sign_permits() == execute_permitted() == 0
    action.refresh_from_db()
    assert (action.status, seeing.CALLS) == ("in_review", [])
    assert answered() == 1  # the tool itself is asked now
    assert dry_run(action).text == "Shuts Blue kettle"
    approved(world, action)
    assert sign_permits() == 1


def test_a_preview_that_the_stored_facts_tell_otherwise_permits_nothing(world: World) -> None:
    action = staged(world)
    answered()
    action.refresh_from_db()
    approved(world, action)
    with without_guards() as admin:
        admin.execute("UPDATE approvals_revision SET facts = replace(facts, 'Shuts Blue', 'Dusts Blue')")
    assert sign_permits() == 0
    action.refresh_from_db()
    assert (action.status, action.revision) == ("in_review", 3)
    assert "what the tool said" in Event.objects.get(subject=action.id, verb="permit_void").reason


def test_what_was_in_review_once_needs_people_also_when_its_preview_made_the_second_revision(world: World) -> None:
    action = staged(world)
    answered()
    freely()  # by now it would run by itself
    action.refresh_from_db()
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET status = 'permitted', verdict = 'allow'")
        admin.execute("UPDATE approvals_revision SET facts = replace(facts, 'in_the_loop', 'audit_only')")
    assert sign_permits() == 0
    assert not Permit.objects.exists()


ANSWER = "state = 'done', answered_at = clock_timestamp(), content = '{\"text\": \"All is well\"}'"


def test_the_web_asks_and_never_answers(world: World, as_web: psycopg.Connection[Any]) -> None:
    staged(world)
    row = PreviewRow.objects.get()
    assert refusal(as_web, f"UPDATE approvals_preview SET {ANSWER}")[0] == NO_RIGHT
    assert refusal(as_web, *copied("approvals_preview", row.id))[0] == NO_RIGHT


@pytest.mark.parametrize(
    "change",
    [
        "content = '{}'",
        "state = 'refused'",
        "state = 'asked', answered_at = NULL, content = '', preconditions = ''",
        "preconditions = 'sha256:0'",
        "drifted = true",
    ],
)
def test_an_answer_is_written_once(change: str, world: World, as_worker: psycopg.Connection[Any]) -> None:
    staged(world)
    run_previews()
    assert refusal(as_worker, f"UPDATE approvals_preview SET {change}")[0] == REFUSED


def test_an_answer_is_written_whole_and_belongs_to_its_question(
    world: World, as_worker: psycopg.Connection[Any]
) -> None:
    staged(world)
    for half in ("state = 'done'", "content = '{}'", "answered_at = clock_timestamp()", "drifted = true"):
        assert refusal(as_worker, f"UPDATE approvals_preview SET {half}")[0] == REFUSED, half
    for fixed in ("arguments_digest = 'another'", "revision = 2", "asked_at = now()", "action_id = gen_random_uuid()"):
        assert refusal(as_worker, f"UPDATE approvals_preview SET {fixed}")[0] == NO_RIGHT, fixed


@ACCOUNTS
def test_nobody_asks_about_another_call_than_the_one_that_stands(
    account: str, world: World, request: pytest.FixtureRequest
) -> None:
    action = staged(world)
    row = PreviewRow.objects.get()
    speaking = request.getfixturevalue(account)
    ask = (
        "INSERT INTO approvals_preview (id, organization_id, action_id, revision, tool_version_id, arguments_digest)"
        " VALUES (gen_random_uuid(), %s, %s, %s, %s, %s)"
    )
    fields = [action.organization_id, action.id, 1, row.tool_version_id, row.arguments_digest]
    wrong = {2: 7, 3: world.tool().version_id, 4: "sha256:0"}
    for place, value in wrong.items():
        assert refusal(speaking, ask, [*fields[:place], value, *fields[place + 1 :]])[0] in (REFUSED, NO_RIGHT)
    assert refusal(speaking, ask, fields)[0] in ("23505", NO_RIGHT)  # once a revision


def test_what_a_hostile_tool_says_is_bounded_and_stands_as_text(world: World) -> None:
    seeing.ORDERS.append("hostile")
    action = staged(world)
    answered()
    told = dry_run(action)
    assert isinstance(told.effect, dict)
    changes: Any = told.effect["changes"]
    assert (len(changes), told.effect["more"]) == (MOST_CHANGES, 100 - MOST_CHANGES)
    slack = len("… (99999 characters)")
    assert len(told.text) <= LONGEST_TEXT + slack
    for row in changes:
        assert len(row["label"]) <= LONGEST_LABEL + slack
        assert len(row["before"]) <= LONGEST_VALUE + slack
    kept = json.dumps(told.effect, ensure_ascii=False) + told.text
    assert "\u202e" not in kept
    assert "\u200b" not in kept
    assert len(PreviewRow.objects.get().content) < 60_000
    assert card(action).revision.number == 2


def test_an_edited_call_is_asked_about_anew_and_nobody_approves_it_before(world: World) -> None:
    seeing.SHELF["T-2"] = {"title": "Green jug", "state": "open", "version": 1}
    action = staged(world)
    answered()
    action.refresh_from_db()
    edit(
        actor=world.reviewer,
        organization=world.organization.id,
        action_id=action.id,
        digest=action.digest,
        arguments={"thing": "T-2"},
    )
    action.refresh_from_db()
    assert (action.status, dry_run(action).state) == ("in_review", DryRunState.AWAITED)
    with pytest.raises(PreviewAwaited):
        approved(world, action, by="reviewer2")
    assert run_previews() == rule_previewed() == 1
    told = dry_run(action)
    assert (action.status, action.revision, told.text) == ("in_review", 4, "Shuts Green jug")
    approved(world, action, by="reviewer2")
    assert sign_permits() == execute_permitted() == 1
    assert seeing.CALLS == ["T-2"]
