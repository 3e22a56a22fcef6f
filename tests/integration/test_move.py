"""move: many rows along one edge, with their events, in one statement; whoever comes second moves nothing."""

import uuid
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from approvals.models import Action
from lam_app.models import Run
from tests.support.racing import race
from tests.support.world import World
from traces.clock import Moment, now
from traces.models import Event, EventDetail
from traces.services import Actor, Column, Guard, move

TESTS = Actor.system("tests")


def cancelled(ids: list[uuid.UUID], **more: object) -> list[uuid.UUID]:
    return move(Run, ids, "submitted", "cancelled", actor=TESTS, verb="cancelled", **more)


def test_it_moves_the_rows_that_are_in_the_source_status_and_says_which(world: World) -> None:
    runs = [world.run().id for _ in range(4)]
    assert cancelled(runs[:1]) == runs[:1]
    assert sorted(cancelled([*runs, uuid.uuid4()])) == runs[1:]
    assert cancelled(runs) == []
    assert set(Run.objects.values_list("status", flat=True)) == {"cancelled"}


def test_rows_and_events_of_all_take_one_statement(world: World) -> None:
    runs = [world.run().id for _ in range(5)]
    with CaptureQueriesContext(
        connection,
    ) as captured:
        cancelled(runs, reason="No longer wanted.", details={runs[0]: {"first": True}})
    assert len(captured) == 1
    told = Event.objects.filter(verb="cancelled").order_by("subject")
    assert [event.subject for event in told] == runs
    assert {(e.source, e.target, e.reason, e.actor_kind, e.actor_name, e.subject_kind) for e in told} == {
        ("submitted", "cancelled", "No longer wanted.", "system", "tests", "run")
    }
    details = dict(EventDetail.objects.filter(event__in=[e.id for e in told]).values_list("event", "detail"))
    assert [details[event.id] for event in told] == ['{"first":true}', "{}", "{}", "{}", "{}"]


def test_a_row_that_did_not_move_has_no_event(world: World) -> None:
    run = world.run()
    cancelled([run.id])
    cancelled([run.id])
    assert Event.objects.about(world.organization.id, run.id).filter(target="cancelled").count() == 1


def test_an_edge_that_the_machine_has_not_is_a_mistake_in_the_product(world: World) -> None:
    run = world.run()
    for source, target in (("submitted", "succeeded"), ("submitted", "submitted"), ("nowhere", "planning")):
        with CaptureQueriesContext(connection) as captured, pytest.raises(ValueError, match="run: no edge from"):
            move(Run, [run.id], source, target, actor=TESTS, verb="tried")
        assert not captured


def test_nothing_asked_is_nothing_done_without_a_question_to_the_database(world: World) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert cancelled([]) == []
    assert not captured


def test_a_row_asked_for_twice_moves_once(world: World) -> None:
    run = world.run()
    assert cancelled([run.id, run.id]) == [run.id]


def test_a_guard_narrows_which_rows_may_still_move(world: World) -> None:
    first, second = world.run("One goal"), world.run("Another goal")
    assert cancelled([first.id, second.id], guard=Guard("m.goal = %(goal)s", {"goal": "Another goal"})) == [second.id]


def test_columns_change_alike_or_row_by_row_and_reasons_too(world: World) -> None:
    first, second = world.run().id, world.run().id
    cancelled(
        [second, first],
        changes={"question": "the same"},
        each={"problem": Column("text", ["of the second", "of the first"])},
        reason="in common",
        reasons={first: "its own"},
    )
    assert dict(Run.objects.values_list("id", "problem")) == {first: "of the first", second: "of the second"}
    assert set(Run.objects.values_list("question", flat=True)) == {"the same"}
    told = dict(Event.objects.filter(target="cancelled").values_list("subject", "reason"))
    assert told == {first: "its own", second: "in common"}


def test_what_follows_in_the_same_statement_sees_only_what_moved(world: World) -> None:
    first, second = world.run().id, world.run().id
    cancelled([first])
    after = Guard(
        "noted AS (INSERT INTO tools_note (id, organization, about, text, written_at)"
        " SELECT gen_random_uuid(), moved.organization_id, moved.id::text, asked._word, clock_timestamp()"
        " FROM moved JOIN asked ON asked.id = moved.id)"
    )
    cancelled([first, second], each={"_word": Column("text", ["of the first", "of the second"])}, then=after)
    with connection.cursor() as cursor:
        cursor.execute("SELECT about, text FROM tools_note")
        assert cursor.fetchall() == [(str(second), "of the second")]


def test_rows_that_somebody_holds_are_waited_for_or_left_out(world: World) -> None:
    runs = [world.run().id for _ in range(2)]
    with transaction.atomic():
        Run.objects.select_for_update().get(id=runs[0])
        assert race(lambda: cancelled(runs, skip_locked=True)) == [[runs[1]]]
    assert cancelled(runs) == [runs[0]]


def test_of_many_movers_of_the_same_rows_in_any_order_each_row_has_one(world: World) -> None:
    runs = [world.run().id for _ in range(12)]
    orders = [runs, runs[::-1], runs[6:] + runs[:6], runs[::2] + runs[1::2]] * 2
    came = race(*(partial(cancelled, order) for order in orders))
    assert sorted(row for moved in came for row in moved) == runs
    assert Event.objects.filter(target="cancelled").count() == len(runs)


def test_two_edges_out_of_one_status_cannot_both_be_walked(world: World) -> None:
    def walk(action: Action, target: str) -> list[uuid.UUID]:
        return move(Action, [action.id], "in_review", target, actor=TESTS, verb="tried")

    for _ in range(10):
        action = world.staged()
        came = race(*(partial(walk, action, target) for target in ("rejected", "expired", "withdrawn", "denied")))
        assert sorted(map(len, came)) == [0, 0, 0, 1]


def test_a_moment_is_read_off_the_databases_clock_as_the_row_is_written(world: World) -> None:
    first, second = world.run(), world.run()
    began, ahead = now(), timedelta(seconds=90)
    with CaptureQueriesContext(connection) as captured:
        cancelled([first.id], changes={"finished_at": Moment(), "planner_until": Moment(90)})
    assert len(captured) == 1
    before = now()
    cancelled([second.id], changes={"finished_at": Moment(), "planner_until": Moment(-90)})
    first.refresh_from_db()
    second.refresh_from_db()
    assert began < first.finished_at < before < second.finished_at < now()
    assert began < first.planner_until - ahead < before < second.planner_until + ahead
