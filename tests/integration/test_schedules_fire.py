"""A schedule's time comes: the sweep gives its goal once, as its person, with what that person may do then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from accounts.models import Membership, User
from approvals.models import Action
from lam_app.models import Firing, Run, Schedule
from lam_app.runs import cancel
from lam_app.schedules import fire_due, pause, schedule_goal
from lam_app.sweep import sweep
from lam_app.tasks import advance_runs
from tests.support.api import account
from tests.support.model import standin, standin_server  # noqa: F401 - fixtures
from tests.support.racing import race
from tests.support.sql import REFUSED, refusal
from tests.support.voting import signed_in
from tests.support.world import World
from traces.ids import uuid7
from traces.models import Event

GOAL = "Write a note about order 1009: call back"


def due(world: World, cron: str = "0 * * * *", *, ago: timedelta = timedelta(minutes=1)) -> Schedule:
    """A schedule of the operator whose time came so long ago."""
    row = schedule_goal(actor=world.operator, organization=world.organization.id, goal=GOAL, cron=cron)
    return came(row, ago)


def came(row: Schedule, ago: timedelta = timedelta(minutes=1)) -> Schedule:
    Schedule.objects.filter(pk=row.pk).update(next_at=datetime.now(UTC) - ago)
    row.refresh_from_db()
    return row


def test_when_its_time_comes_the_goal_is_given_as_its_person_and_the_run_names_it(world: World) -> None:
    row = due(world)
    at = row.next_at
    with account("worker"):
        sweep()
    run = Run.objects.get()
    assert (run.goal, run.initiator, run.agent, run.status) == (GOAL, world.operator, world.agent, "submitted")
    firing = Firing.objects.get()
    assert (firing.schedule, firing.run, firing.due_at, firing.missed) == (row, run, at, 0)
    row.refresh_from_db()
    assert row.next_at > datetime.now(UTC)
    event = Event.objects.get(subject=run.pk, verb="submitted")
    assert (event.actor_name, event.reason) == ("sweeper", "Scheduled: 0 * * * * (UTC).")
    page = signed_in(world, "operator").get(f"/runs/{run.pk}/").content.decode()
    assert "0 * * * *" in page


def test_it_is_given_once_a_time(world: World) -> None:
    due(world)
    assert [one.became for one in fire_due()] == ["fired"]
    assert fire_due() == []
    assert Run.objects.count() == 1


def test_of_two_sweepers_one_gives_it(world: World) -> None:
    for number in range(8):
        row = due(world)
        found = race(fire_due, fire_due)
        assert sorted(len(one) for one in found) == [0, 1], found
        assert Run.objects.count() == Firing.objects.count() == number + 1
        Schedule.objects.filter(pk=row.pk).update(ended_at=datetime.now(UTC))


def test_what_passed_while_nothing_ran_becomes_one_run_that_says_so(world: World) -> None:
    due(world, ago=timedelta(hours=5, minutes=1))
    fire_due()
    firing = Firing.objects.get()
    assert firing.missed == 5
    assert fire_due() == []
    page = signed_in(world, "operator").get(f"/runs/{firing.run_id}/").content.decode()
    assert "for 6 times that had passed" in page


@pytest.mark.parametrize("how", ["switched off", "no operator", "no member"])
def test_what_its_person_may_not_do_any_more_is_not_done_and_it_is_paused_and_told(world: World, how: str) -> None:
    row = due(world)
    if how == "switched off":
        User.objects.filter(pk=world.operator.pk).update(is_active=False)
    elif how == "no operator":
        Membership.objects.filter(user=world.operator).update(roles=["auditor"])
    else:
        Membership.objects.filter(user=world.operator).delete()
    with account("worker"):
        assert [one.became for one in fire_due()] == ["paused"]
        assert fire_due() == []
    assert not Run.objects.exists()
    row.refresh_from_db()
    assert row.paused_because == "Its person may not give goals here any more."
    assert Event.objects.get(subject=row.pk, verb="schedule_paused").actor_name == "sweeper"
    assert "may not give goals here any more" in (
        signed_in(world, "administrator").get("/runs/schedules/").content.decode()
    )


def test_while_the_run_before_has_not_ended_a_time_is_left_out(world: World) -> None:
    row = due(world)
    fire_due()
    came(row, timedelta(seconds=30))
    assert [one.became for one in fire_due()] == ["skipped"]
    assert Firing.objects.get(run=None).skipped == "The run before it had not ended."
    assert "Left out" in signed_in(world, "operator").get("/runs/schedules/").content.decode()
    cancel(actor=world.operator, organization=world.organization.id, run_id=Run.objects.get().pk)
    came(row, timedelta(seconds=10))
    assert [one.became for one in fire_due()] == ["fired"]


def test_what_is_paused_is_not_given(world: World) -> None:
    row = due(world)
    pause(actor=world.operator, organization=world.organization.id, schedule=row.pk)
    came(row)
    assert fire_due() == []
    assert not Run.objects.exists()


@pytest.mark.usefixtures("standin")
def test_its_run_waits_for_others_like_any_other(world: World) -> None:
    due(world)
    fire_due()
    advance_runs()
    action = Action.objects.get()
    assert (action.status, action.initiator) == ("in_review", world.operator)
    assert world.operator.pk in action.principals


def test_the_workers_account_writes_no_run_and_calls_no_time_before_it_comes(
    world: World, as_worker: psycopg.Connection[Any]
) -> None:
    row = schedule_goal(actor=world.operator, organization=world.organization.id, goal=GOAL, cron="0 * * * *")
    ahead = datetime.now(UTC) + timedelta(days=1)
    fire = "SELECT * FROM lam_app_fire(%s, %s, %s, 0)"
    assert as_worker.execute(fire, [row.pk, uuid7(), ahead]).fetchall() == []
    as_worker.rollback()
    came(row)
    assert as_worker.execute(fire, [row.pk, uuid7(), datetime.now(UTC)]).fetchall() == []
    as_worker.rollback()
    assert refusal(as_worker, fire, [row.pk, uuid7(), ahead])[0] == REFUSED  # no event tells of the run
    for sql in (
        "INSERT INTO lam_app_run (id) VALUES (gen_random_uuid())",
        "INSERT INTO lam_app_firing (id) VALUES (gen_random_uuid())",
        "UPDATE lam_app_schedule SET goal = 'Pay everybody'",
    ):
        assert refusal(as_worker, sql)[0] == "42501"


def test_the_webs_account_fires_nothing(world: World, as_web: psycopg.Connection[Any]) -> None:
    row = due(world)
    ahead = datetime.now(UTC) + timedelta(days=1)
    assert refusal(as_web, "SELECT * FROM lam_app_fire(%s, %s, %s, 0)", [row.pk, uuid7(), ahead])[0] == "42501"


def test_one_that_cannot_be_fired_stops_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, whole = due(world, ago=timedelta(minutes=2)), due(world)
    from lam_app import schedules

    fired = schedules._fire

    def fire(row: Schedule) -> Any:
        if row.pk == broken.pk:
            raise ValueError("a zone that is gone")
        return fired(row)

    monkeypatch.setattr(schedules, "_fire", fire)
    assert [one.schedule for one in fire_due()] == [whole.pk]
