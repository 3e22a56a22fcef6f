"""The time to object is counted from when people were told of it, whatever an action's own row says."""

import datetime as dt
from typing import Any

import psycopg
import pytest

from approvals.facts import gather, judged
from approvals.models import Action, Permit
from approvals.services.leave import leave
from approvals.services.propose import revise
from approvals.tasks import execute_permitted, sign_permits
from tests.support.forging import ACCOUNTS, write
from tests.support.sql import EVENT, without_guards
from tests.support.world import World
from tools.models import Note, Tool
from traces.clock import now
from traces.ids import uuid7
from traces.models import Event

HOUR = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def _on_the_loop(world: World) -> None:
    Tool.objects.filter(name="put_odd").update(maturity="on_the_loop", veto_seconds=3600)


def forged(world: World, speaking: psycopg.Connection[Any]) -> Action:
    """A call that says of itself that its window is long over, brought to PERMITTED by plain SQL."""
    made = judged(gather(world.proposal("put_odd", {"thing": "cup"})), ())
    assert made.ruling.verdict.value == "veto_window"
    run = uuid7()
    action = Action(
        organization=world.organization, run=run, step=1, origin="planner", initiator=world.operator,
        agent=world.agent, principals=[world.operator.pk], tool=made.tool, tool_name="put_odd", verdict="veto_window",
        scopes=[*(s for s in made.scopes if not s.startswith("run:")), f"run:{run}"], risk=str(made.ruling.risk),
        maturity="on_the_loop", summary=made.summary, expires_at="2099-01-01T00:00:00Z", created=now() - 2 * HOUR,
        due_at=now() - HOUR,
    )  # fmt: skip
    revision = revise(action, made, number=1)
    action.digest, action.teams = revision.digest, "[]"
    write(speaking, action)
    write(speaking, revision)
    for status in ("proposed", "scheduled", "permitted"):
        speaking.execute(EVENT, {"subject": action.id, "target": status})
    for status in ("scheduled", "permitted"):
        speaking.execute("UPDATE approvals_action SET status = %s WHERE id = %s", [status, action.id])
    speaking.commit()
    return action


@ACCOUNTS
def test_t22_a_window_that_is_over_before_anybody_was_told_permits_nothing(
    account: str, world: World, request: pytest.FixtureRequest
) -> None:
    action = forged(world, request.getfixturevalue(account))
    assert sign_permits() == execute_permitted() == 0
    action.refresh_from_db()
    assert action.status in {"permitted", "in_review"}  # people may still object, or decide
    assert not Permit.objects.exists()
    assert not Note.objects.exists()


def test_what_was_told_an_hour_ago_is_signed(world: World) -> None:
    action = world.staged("put_odd", {"thing": "cup"})
    assert action.status == "scheduled"
    with without_guards() as admin:
        admin.execute(
            "UPDATE approvals_action SET created = created - interval '1 h', due_at = due_at - interval '1 h'"
        )
        admin.execute("UPDATE traces_event SET at = at - interval '1 h'")
    assert leave() == sign_permits() == execute_permitted() == 1
    assert Event.objects.filter(subject=action.id, verb="permit_signed").exists()
