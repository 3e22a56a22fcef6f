"""What a run has done already, and what it has spent, as the loop check is told it."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals import binding
from approvals.facts import gather
from approvals.facts.usage import wants
from approvals.models import Action
from approvals.policy import History
from approvals.services.propose import propose
from approvals.services.reject import reject
from approvals.tasks import execute_permitted, sign_permits
from lam_app import loop
from lam_app.models import Run
from lam_app.tasks import advance_runs
from tests.support.model import Script, finish, fresh, note, only_notes, said
from tests.support.paying import calls, decree, set_free
from tests.support.sql import speaking_as, without_guards
from tests.support.tools import ORDERS, reset
from tests.support.world import World
from traces.ids import uuid7
from traces.models import Trace


@pytest.fixture
def free(world: World) -> World:
    reset()
    set_free(world, "put_odd")
    return world


def history(world: World, run: Any, thing: str, step: int = 9) -> History:
    return gather(world.proposal("put_odd", {"thing": thing}, run=run, step=step)).facts.history


def done(world: World, run: Any, step: int, thing: str) -> Action:
    action = propose(world.proposal("put_odd", {"thing": thing}, run=run, step=step))
    sign_permits()
    execute_permitted()
    return action


def test_the_very_call_is_what_is_counted_at_earlier_steps_of_this_run(free: World) -> None:
    run, other = uuid7(), uuid7()
    done(free, run, 1, "a")
    done(free, run, 2, "b")
    done(free, run, 3, "a")
    done(free, other, 1, "a")
    ORDERS.append("refuse")
    done(free, run, 4, "b")
    waits = propose(free.proposal("take_odd", {"receipt": "a"}, run=run, step=5))
    assert [action.status for action in Action.objects.filter(run=run).order_by("step")] == [
        "done", "done", "done", "failed", waits.status
    ]  # fmt: skip
    assert history(free, run, "a") == History(repeated=2)
    assert history(free, run, "b") == History(failed=1, repeated=1)
    assert history(free, run, "c") == History()
    assert history(free, run, "a", step=3) == History(repeated=1)
    assert history(free, other, "a") == History(repeated=1)


def test_the_third_same_success_and_what_failed_once_are_denied(free: World) -> None:
    run = uuid7()
    assert [done(free, run, step, "a").status for step in (1, 2, 3)] == ["permitted", "permitted", "denied"]
    ORDERS.append("refuse")
    assert [done(free, run, step, "b").status for step in (4, 5)] == ["permitted", "denied"]
    assert done(free, run, 6, "c").status == "permitted"


def test_what_a_person_rejected_in_this_run_is_not_asked_again(world: World) -> None:
    run = uuid7()
    first = world.staged(run=run, step=1)
    organization = world.organization.id
    reject(actor=world.reviewer, organization=organization, action_id=first.id, digest=first.digest, reason="No.")
    assert world.staged(run=run, step=2).status == "denied"
    assert world.staged(run=uuid7(), step=2).status == "in_review"


def test_the_first_step_asks_nothing_and_a_later_one_asks_once(free: World) -> None:
    def statements(step: int) -> int:
        with CaptureQueriesContext(connection) as seen:
            gather(free.proposal("put_odd", {"thing": "a"}, step=step))
        return len(seen)

    statements(1)
    assert statements(7) == statements(1) + 1


def test_what_the_model_calls_of_a_run_came_to_is_told_to_the_gate(world: World, script: Script) -> None:
    only_notes(world)
    decree(world, most_tokens=299)
    answers = iter([said(note("a")), said(note("b")), said(finish())])
    script.say = lambda _: (200, {**next(answers), "usage": {"prompt_tokens": 100, "completion_tokens": 50}})
    run = world.run("Write it down")
    advance_runs()
    first = Action.objects.get()
    facts = binding.parsed(first.revisions.get().facts)["history"]
    assert (first.status, facts["steps"], facts["tokens"]) == ("in_review", 0, 150)
    organization = world.organization.id
    reject(actor=world.reviewer, organization=organization, action_id=first.id, digest=first.digest, reason="No.")
    advance_runs()
    second = Action.objects.get(step=2)
    facts = binding.parsed(second.revisions.get().facts)["history"]
    assert (second.status, facts["steps"], facts["tokens"]) == ("denied", 1, 300)
    assert sum(t.tokens_in + t.tokens_out for t in Trace.objects.filter(run=run.id, step__lte=2)) == 300


def test_a_call_that_cannot_be_counted_now_leaves_its_run_to_be_taken_up_again(world: World, script: Script) -> None:
    only_notes(world)
    decree(world, calls(5, "write_note"))
    script.say = lambda _: (200, said(note("a")))
    run = world.run("Write it down")
    (want,) = wants(gather(world.proposal("write_note", {"text": "a"})))
    with speaking_as("admin") as other, connection.cursor() as cursor:
        other.execute("SELECT pg_advisory_xact_lock(approvals_limit_lock(%s, %s))", [world.organization.id, want.key])
        cursor.execute("SET lock_timeout = '50ms'")
        try:
            advance_runs()
        finally:
            cursor.execute("RESET lock_timeout")
    found = fresh(run)
    assert (found.status, found.step, found.planner, Action.objects.count()) == ("planning", 0, None, 0)
    with without_guards() as admin:
        admin.execute("UPDATE lam_app_run SET planner_until = now()")
    assert list(loop.due()) == [run.id]
    advance_runs()
    assert (Run.objects.get(id=run.id).status, Action.objects.count()) == ("waiting", 1)
