"""A process whose heart beats and whose work stands still is noticed, ended and replaced (F13), whatever its role."""

from __future__ import annotations

import os
import signal

import pytest

from tests.chaos.killing import KEYED, OUTSIDE, Kind, send
from tests.support.stage import SIGN, Stage
from tests.support.up import Up, status_of, until
from tests.support.world import World, approved
from tools.models import Worker

pytestmark = pytest.mark.slow
ROLES = ("gatekeeper", "executor", "sweeper")
SOON = {"LAM_SILENT_SECONDS": "5"}


@pytest.mark.parametrize("kind", OUTSIDE[1:], ids=lambda kind: kind.idempotency)
def test_f13_a_call_that_never_ends_ends_its_worker_though_its_heart_beats(
    theatre: Stage, chaos_catalogue: None, world: World, kind: Kind
) -> None:
    """Only the thread that calls hangs. Past the call's time-out and then some, the process ends itself."""
    with theatre.playing(*ROLES, **SOON) as stage:
        stage.present("executor")
        stage.world.order("wait before")
        road = send(stage, world, kind)
        until(lambda: stage.world.waiting() > 0, 30, "a call waits")
        hung = stage.world.waiting()
        assert Worker.objects.get(pid=hung, ended_at=None)
        until(lambda: stage.pid("executor") not in (0, hung), 90, "it was ended and replaced")
        assert ("executor", 75) in stage.ended
        status = road.settled(30)
        assert status == ("uncertain" if kind.idempotency == "neither" else "done")
        assert road.effects == (status == "done")


@pytest.mark.parametrize("role", ["gatekeeper", "executor"])
def test_f13_a_worker_that_hears_no_message_although_its_work_is_due_is_ended_and_replaced(
    theatre: Stage, chaos_catalogue: None, world: World, role: str
) -> None:
    """Its heart beats, it is in no task, and nothing wakes it: what is due stays due until somebody looks."""
    with theatre.playing(*ROLES, **SOON) as stage:
        stage.present("executor")
        assert send(stage, world, KEYED).settled() == "done"  # so that everybody has loaded the tools, and their order
        deaf = stage.ready(role)
        stage.world.deafen(deaf)
        stage.ring("approvals.tasks.run_previews" if role == "executor" else SIGN)
        until(lambda: stage.world.deaf() == deaf, 30, "it stands still between two tasks")
        action = world.staged(KEYED.tool, KEYED.arguments())
        approved(world, action)
        until(lambda: stage.pid(role) not in (0, deaf), 60, "it was ended and replaced")
        assert (role, -signal.SIGKILL) in stage.ended
        until(lambda: type(action).objects.get(id=action.id).status == "done", 30, "the work went on")


@pytest.mark.parametrize("role", ["gatekeeper", "planner"])
def test_f13_a_paused_worker_of_any_role_is_ended_and_replaced(
    theatre: Stage, chaos_catalogue: None, world: World, role: str
) -> None:
    with theatre.playing(role, "sweeper", **SOON) as stage:
        paused = stage.ready(role)
        until(lambda: Worker.objects.filter(pid=paused, ended_at=None).exists(), 30, "it has said that it is there")
        os.kill(paused, signal.SIGSTOP)
        until(lambda: stage.pid(role) not in (0, paused), 60, "it was ended and replaced")
        assert (role, -signal.SIGKILL) in stage.ended


def test_f13_an_idle_worker_without_work_is_left_alone(theatre: Stage, chaos_catalogue: None, world: World) -> None:
    with theatre.playing(*ROLES, **SOON) as stage:
        stage.present("executor")
        before = list(stage.ended)
        idle = [stage.pid(role) for role in ROLES]
        beats = 2 * int(SOON["LAM_SILENT_SECONDS"]) + 2

        def beaten() -> bool:
            return all(
                (worker.seen_at - worker.started_at).total_seconds() > beats
                for worker in Worker.objects.filter(pid__in=idle, ended_at=None)
            )

        until(beaten, 60, "their hearts have beaten for long enough")
        assert [stage.pid(role) for role in ROLES] == idle
        assert stage.ended == before


def test_f13_a_web_and_a_sweeper_that_hang_are_ended_and_replaced() -> None:
    """Nobody but the supervisor sees them: it asks the one for a page, and looks at the other's file."""
    with Up(LAM_DEMO="people", **SOON) as up:
        for role in ("web", "sweeper"):
            hung = up.child(role)
            os.kill(hung.pid, signal.SIGSTOP)
            until(lambda role=role, hung=hung: up.came_back(role, hung.pid), 60, f"{role} was ended and replaced")
            assert f"{role} hangs" in up.said
        up.remember()
        until(lambda: status_of(f"{up.url}/readyz") == 200, 30, "its pages are there again")
