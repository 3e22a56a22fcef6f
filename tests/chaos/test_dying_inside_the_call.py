"""Between claim and effect, and between effect and record: the worker dies, or its answer is lost (F06 to F09, F27)."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.chaos.killing import OUTSIDE, Figures, Kind, held, send
from tests.support.stage import Stage
from tests.support.up import until
from tests.support.world import World
from tools.models import Execution

ROLES = ("gatekeeper", "executor", "sweeper")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("kind", OUTSIDE, ids=lambda kind: kind.idempotency)
def test_f06_f07_f08_a_worker_that_dies_inside_the_call(
    theatre: Stage, chaos_catalogue: None, world: World, kind: Kind, moment: str
) -> None:
    """Keyed is called again, queryable is asked first, neither is never repeated."""
    figures = Figures()
    with theatre.playing(*ROLES) as stage:
        victim = stage.present("executor")
        stage.world.order(f"die {moment}")
        road = send(stage, world, kind)
        until(lambda: not stage.alive("executor", victim), 30, "the worker died in the call")
        began = time.monotonic()
        figures.add(road.settled(), time.monotonic() - began)
        calls = {"keyed": 2, "queryable": 2 if moment == "before" else 1, "neither": 1}
        assert stage.world.calls(road.key) == calls[kind.idempotency]
        assert road.status() == ("uncertain" if kind.idempotency == "neither" else "done")
        assert road.effects == (0 if kind.idempotency == "neither" and moment == "before" else 1)
        held(road, f"died {moment} the effect")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("kind", OUTSIDE, ids=lambda kind: kind.idempotency)
def test_f27_an_answer_that_is_lost(
    theatre: Stage, chaos_catalogue: None, world: World, kind: Kind, moment: str
) -> None:
    """The worker lives, but does not know what its call did."""
    with theatre.playing(*ROLES) as stage:
        victim = stage.present("executor")
        stage.world.order(f"raise {moment}")
        road = send(stage, world, kind)
        assert road.settled() == ("uncertain" if kind.idempotency == "neither" else "done")
        assert stage.alive("executor", victim)
        held(road, f"the answer was lost {moment} the effect")


def test_f13_a_wait_survives_whoever_laid_the_row_down(theatre: Stage, chaos_catalogue: None, world: World) -> None:
    """It is a row: the executor is killed while the call waits for another attempt, and a fresh one makes it."""
    with theatre.playing(*ROLES) as stage:
        victim = stage.present("executor")
        stage.world.order("raise before")
        road = send(stage, world, OUTSIDE[1])
        until(lambda: Execution.objects.filter(action=road.action.id, retry_at__isnull=False).exists(), 30, "it waits")
        os.kill(victim, signal.SIGKILL)
        stage.gone("executor", victim)
        assert road.settled() == "done"
        assert (road.effects, stage.world.calls(road.key)) == (1, 2)
        assert Execution.objects.get(action=road.action.id).fence == 2


@pytest.mark.parametrize("said", ["nul", "surrogate", "long"])
def test_whatever_a_tool_says_can_be_written_down(
    theatre: Stage, chaos_catalogue: None, world: World, said: str
) -> None:
    """The call was made: a record that fails would leave it claimed for ever, or kill one executor after the other."""
    with theatre.playing(*ROLES) as stage:
        victim = stage.present("executor")
        stage.world.order(f"say-{said} before")
        road = send(stage, world, OUTSIDE[0])
        assert road.settled() == "failed"
        assert stage.alive("executor", victim)
