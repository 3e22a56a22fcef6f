"""Schedules as people keep them: made for oneself, at times that can be meant, paused, resumed, ended."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from lam_app.exceptions import GoalRefused, MayNotSubmit, ScheduleEnded, ScheduleNotFound, ScheduleRefused
from lam_app.models import Schedule
from lam_app.schedules import MOST, end, pause, resume, schedule_goal, times, upcoming
from tests.support.sql import REFUSED, refusal
from tests.support.voting import signed_in
from tests.support.world import World
from traces.models import Event

GOAL = "Write a note about order 1009: call back"


def made(world: World, cron: str = "0 9 * * 1-5", *, by: str = "operator", goal: str = GOAL) -> Schedule:
    """A schedule of the person of that name."""
    return schedule_goal(actor=world.people[by], organization=world.organization.id, goal=goal, cron=cron)


def asked(world: World, row: Schedule, *, by: str = "operator") -> dict[str, Any]:
    return {"actor": world.people[by], "organization": world.organization.id, "schedule": row.pk}


def test_a_schedule_is_in_the_name_and_the_time_zone_of_whoever_makes_it(world: World) -> None:
    type(world.operator).objects.filter(pk=world.operator.pk).update(time_zone="Europe/Berlin")
    world.operator.refresh_from_db()
    row = made(world)
    assert (row.person, row.time_zone, row.cron) == (world.operator, "Europe/Berlin", "0 9 * * 1-5")
    assert row.next_at > datetime.now(UTC)
    assert row.next_at.astimezone(UTC).hour in {7, 8}
    assert Event.objects.get(subject=row.pk).verb == "schedule_made"


@pytest.mark.parametrize("name", ["reviewer", "auditor", "administrator"])
def test_only_who_may_give_goals_may_schedule_them(world: World, name: str) -> None:
    with pytest.raises(MayNotSubmit):
        made(world, by=name)


@pytest.mark.parametrize(
    ("cron", "why"),
    [
        ("every day", "Five fields"),
        ("0 9 * *", "Five fields"),
        ("30 0 9 * * 1", "Five fields"),
        ("61 * * * *", "Bad minute"),
        ("0 9 31 2 *", "Bad day"),
        ("* * * * *", "most often"),
        ("*/5 * * * *", "most often"),
        ("0,5 9 * * 1", "most often"),
    ],
)
def test_a_time_that_is_none_or_comes_too_often_is_refused(world: World, cron: str, why: str) -> None:
    with pytest.raises(ScheduleRefused, match=why):
        made(world, cron)
    assert not Schedule.objects.exists()


def test_a_goal_that_says_nothing_is_refused_and_so_are_too_many(world: World) -> None:
    with pytest.raises(GoalRefused):
        made(world, goal=" ")
    for _ in range(MOST):
        made(world)
    with pytest.raises(ScheduleRefused, match="20 schedules are the most"):
        made(world)
    end(**asked(world, Schedule.objects.all()[0]))
    assert made(world)


def test_pausing_resuming_and_ending_are_remembered(world: World) -> None:
    row = made(world)
    assert pause(**asked(world, row)).paused_because == "Paused by operator."
    assert resume(**asked(world, row)).paused_at is None
    assert end(**asked(world, row)).ended_at is not None
    verbs = list(Event.objects.filter(subject=row.pk).order_by("id").values_list("verb", flat=True))
    assert verbs == ["schedule_made", "schedule_paused", "schedule_resumed", "schedule_ended"]
    for verb in (pause, resume, end):
        with pytest.raises(ScheduleEnded):
            verb(**asked(world, row))


def test_resuming_goes_on_with_what_lies_ahead(world: World) -> None:
    row = made(world, "0 * * * *")
    pause(**asked(world, row))
    Schedule.objects.filter(pk=row.pk).update(next_at=datetime.now(UTC) - timedelta(days=2))
    assert resume(**asked(world, row)).next_at > datetime.now(UTC)


def test_an_administrator_may_stop_anybodys_and_set_nobodys_going(world: World) -> None:
    row = made(world)
    pause(**asked(world, row, by="administrator"))
    with pytest.raises(MayNotSubmit, match="Only the person in whose name"):
        resume(**asked(world, row, by="administrator"))
    end(**asked(world, row, by="administrator"))


@pytest.mark.parametrize("name", ["reviewer", "outsider"])
def test_for_everybody_else_it_is_nowhere(world: World, name: str) -> None:
    row = made(world)
    organization = world.elsewhere.id if name == "outsider" else world.organization.id
    for verb in (pause, resume, end):
        with pytest.raises(ScheduleNotFound):
            verb(actor=world.people[name], organization=organization, schedule=row.pk)
    with pytest.raises(ScheduleNotFound):
        end(actor=world.operator, organization=world.organization.id, schedule=uuid.uuid4())


def test_a_time_that_the_clocks_skip_comes_after_the_change_and_one_that_comes_twice_comes_once() -> None:
    spring = upcoming("30 2 * * *", "Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC), 2)
    assert [one.isoformat() for one in spring] == ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]
    autumn = upcoming("30 2 * * *", "Europe/Berlin", datetime(2026, 10, 24, 12, tzinfo=UTC), 2)
    assert [one.isoformat() for one in autumn] == ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
    hours = times("0 * * * *", "Europe/Berlin", datetime(2026, 10, 24, 23, 30, tzinfo=UTC))
    assert [next(hours).isoformat() for _ in range(3)] == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T03:00:00+01:00",
    ]


def test_nine_in_the_morning_stays_nine_in_the_morning() -> None:
    days = upcoming("0 9 * * *", "America/New_York", datetime(2026, 10, 30, tzinfo=UTC), 4)
    assert {one.hour for one in days} == {9}
    assert {one.astimezone(UTC).hour for one in days} == {13, 14}


def test_the_page_shows_the_times_before_anything_is_kept(world: World) -> None:
    type(world.operator).objects.filter(pk=world.operator.pk).update(time_zone="Asia/Tokyo")
    operator = signed_in(world, "operator")
    looked = operator.post("/runs/schedules/", {"goal": GOAL, "cron": "0 9 * * 1", "then": "look"})
    assert "It would come" in looked.content.decode()
    assert looked.content.decode().count(", 09:00 JST") == 3
    often = operator.post("/runs/schedules/", {"goal": GOAL, "cron": "*/2 * * * *", "then": "look"})
    assert often.status_code == 422  # no times are promised that would be refused
    assert "It would come" not in often.content.decode()
    assert not Schedule.objects.exists()
    kept = operator.post("/runs/schedules/", {"goal": GOAL, "cron": "0 9 * * 1", "then": "keep"})
    assert kept.status_code == 302
    page = operator.get("/runs/schedules/").content.decode()
    assert GOAL in page
    assert "in the name of operator" in page
    row = Schedule.objects.get()
    assert operator.post(f"/runs/schedules/{row.pk}/", {"what": "pause"}).status_code == 302
    assert "Paused by operator." in operator.get("/runs/schedules/").content.decode()


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"goal": GOAL, "cron": "soon", "then": "keep"}, 422, "Five fields"),
        ({"goal": "", "cron": "0 9 * * 1", "then": "keep"}, 422, "Say what is wanted."),
        ({"goal": GOAL, "cron": "0 9 * * 1", "then": "run"}, 400, ""),
        ({"goal": GOAL, "cron": "0 9 * * 1", "then": "keep", "person": "administrator"}, 400, ""),
    ],
)
def test_what_does_not_fit_is_said_at_its_field(world: World, form: dict[str, str], status: int, said: str) -> None:
    answer = signed_in(world, "operator").post("/runs/schedules/", form)
    assert answer.status_code == status
    assert said in answer.content.decode()
    assert not Schedule.objects.exists()


def test_an_administrator_sees_everybodys_and_an_operator_the_own(world: World) -> None:
    made(world)
    assert GOAL in signed_in(world, "administrator").get("/runs/schedules/").content.decode()
    assert GOAL not in signed_in(world, "outsider").get("/runs/schedules/").content.decode()


def test_the_database_keeps_a_schedule_as_it_was_written(world: World, as_web: psycopg.Connection[Any]) -> None:
    row = made(world)
    for change in ("goal = 'Pay everybody'", "cron = '* * * * *'", f"person_id = '{world.reviewer.pk}'"):
        assert refusal(as_web, f"UPDATE lam_app_schedule SET {change}")[0] in {REFUSED, "42501"}
    end(**asked(world, row))
    assert refusal(as_web, "UPDATE lam_app_schedule SET ended_at = NULL")[0] == REFUSED
