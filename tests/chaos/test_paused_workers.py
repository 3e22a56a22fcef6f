"""A worker that is paused in the middle of a call, and one that everybody had reason to believe dead (F13)."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from django.db import connection

from tests.chaos.killing import OUTSIDE, Kind, Road, send
from tests.support.sql import speaking_as
from tests.support.stage import EXECUTE, Stage
from tests.support.up import until
from tests.support.world import World
from tools.models import Execution, Worker
from traces.models import Event

ROLES = ("gatekeeper", "executor", "executor2", "sweeper")
LEASE = {"LAM_LEASE_SECONDS": "2"}
KEYED = OUTSIDE[0]


@contextmanager
def paused_in_a_call(stage: Stage, cast: World, kind: Kind) -> Iterator[tuple[Road, Worker]]:
    """The action whose call waits, and the paused process that makes it; goes on when the block ends."""
    stage.present("executor")
    stage.world.order("wait before")
    road = send(stage, cast, kind)
    until(lambda: stage.world.waiting() > 0, 30, "a call waits")
    pid = stage.world.waiting()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield road, Worker.objects.get(pid=pid, ended_at=None)
    finally:
        stage.world.release()
        with suppress(ProcessLookupError):  # it was ended
            os.kill(pid, signal.SIGCONT)


def silent(worker: Worker) -> bool:
    """Whether it has not been heard of for longer than its lease."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seen_at < clock_timestamp() - interval '3 seconds' FROM tools_worker WHERE id = %s", [worker.id]
        )
        return bool(cursor.fetchone()[0])


def lose_its_session(worker: Worker) -> None:
    """End the session whose lock says that the worker lives."""
    with speaking_as("worker") as session:
        session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) = %s",
            [worker.lock_key],
        )


@pytest.mark.parametrize("kind", OUTSIDE, ids=lambda kind: kind.idempotency)
def test_f13_nobody_takes_over_from_a_worker_that_is_only_paused(
    theatre: Stage, chaos_catalogue: None, world: World, kind: Kind
) -> None:
    with theatre.playing(*ROLES, **LEASE) as stage:
        with paused_in_a_call(stage, world, kind) as (road, worker):
            until(lambda: silent(worker), 30, "the paused worker was silent for longer than its lease")
            assert send(stage, world, KEYED).settled() == "done"  # the other one works, and has looked for the dead
            assert road.status() == "executing"
            assert stage.world.calls(road.key) == 1
        assert road.settled() == "done"
        assert (road.effects, stage.world.calls(road.key)) == (1, 1)


def test_f13_a_paused_worker_that_lost_its_session_is_not_dead_on_the_host_where_it_lives(
    theatre: Stage, chaos_catalogue: None, world: World
) -> None:
    """Its lock is free, but its pid is there: what it does when it wakes up cannot be known before."""
    kind = OUTSIDE[2]
    with theatre.playing(*ROLES, **LEASE) as stage:
        with paused_in_a_call(stage, world, kind) as (road, worker):
            lose_its_session(worker)
            until(lambda: silent(worker), 30, "the paused worker was silent for longer than its lease")
            assert send(stage, world, KEYED).settled() == "done"
            assert road.status() == "executing"
        status = road.settled()
        assert (status, road.effects) in {("done", 1), ("uncertain", 1), ("uncertain", 0)}


def test_f13_what_an_overtaken_worker_records_is_refused(theatre: Stage, chaos_catalogue: None, world: World) -> None:
    """On another host only silence can be seen. Should the worker wake up after all, the fence refuses its record."""
    with theatre.playing(*ROLES, **LEASE) as stage:
        with paused_in_a_call(stage, world, KEYED) as (road, worker):
            Worker.objects.filter(id=worker.id).update(host="elsewhere")
            lose_its_session(worker)
            until(lambda: silent(worker), 30, "the paused worker was silent for longer than its lease")
            stage.ring(EXECUTE)
            assert road.settled() == "done"
            assert Execution.objects.get(action=road.action.id).fence == 2
        until(lambda: worker.pid not in map(stage.pid, ROLES), 30, "it noticed that its session is gone, and ended")
        assert road.effects == 1
        assert Event.objects.filter(subject=road.action.id, target="done").count() == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", OUTSIDE, ids=lambda kind: kind.idempotency)
def test_f13_a_worker_that_stays_silent_is_ended_and_its_work_goes_on(
    theatre: Stage, chaos_catalogue: None, world: World, kind: Kind
) -> None:
    """Nobody wakes it: it holds its lock and its row for ever. Ended, it is known dead, and a fresh one works."""
    with theatre.playing("gatekeeper", "executor", "sweeper", LAM_SILENT_SECONDS="5") as stage:
        with paused_in_a_call(stage, world, kind) as (road, worker):
            until(lambda: stage.pid("executor") not in (0, worker.pid), 60, "it was ended and replaced")
            status = road.settled(30)
            assert status == ("uncertain" if kind.idempotency == "neither" else "done")
            assert (road.effects, stage.world.calls(road.key)) == ((0, 1) if status == "uncertain" else (1, 2))
        assert ("executor", -signal.SIGKILL) in stage.ended
        assert send(stage, world, KEYED).settled() == "done"
