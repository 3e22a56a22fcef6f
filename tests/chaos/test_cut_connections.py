"""The same boundaries when only the connection is lost and the process lives on (F20, F22)."""

from __future__ import annotations

import pytest

from tests.chaos.killing import KEYED, KINDS, QUERYABLE, Figures, Kind, kill_at, recovered, send, struck
from tests.chaos.test_kill_nine import ROAD, ROLES, Record
from tests.support.pgproxy import Mode
from tests.support.stage import Stage
from tests.support.world import World


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.idempotency)
def test_f20_a_worker_that_loses_its_connection_forgets_nothing_it_claimed(
    theatre: Stage, chaos_catalogue: None, world: World, kind: Kind
) -> None:
    """It lives and beats, so nobody else may take its work over: it has to see to that itself."""
    with theatre.playing(*ROLES) as stage:
        kill_at(stage, world, kind, "executor", 1, Mode.AMBIGUOUS, Figures(), spare=True)


@pytest.mark.parametrize("kind", [KEYED, QUERYABLE], ids=lambda kind: kind.idempotency)
def test_f20_a_successor_that_loses_its_connection_forgets_nothing_it_took_over(
    theatre: Stage, chaos_catalogue: None, world: World, kind: Kind
) -> None:
    with theatre.playing(*ROLES) as stage:
        stage.present("executor")
        first = stage.proxy.watch(stage.ready("executor"), 1, Mode.AFTER)
        successor = stage.proxy.watch_newcomer(
            "executor", 2, Mode.AMBIGUOUS, spare=True
        )  # 1 is its presence, 2 the take-over
        road = send(stage, world, kind)
        struck(first)
        recovered(road, struck(successor), Figures(), "the successor was cut off while it took over")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.idempotency)
def test_f22_every_boundary_may_lose_its_connection(
    theatre: Stage, chaos_catalogue: None, world: World, kind: Kind, record_property: Record
) -> None:
    figures = Figures()
    with theatre.playing(*ROLES) as stage:
        for victim in ("gatekeeper", "executor"):
            for at in range(1, len(ROAD[victim, kind.tool]) + 1):
                for mode in (Mode.BEFORE, Mode.AMBIGUOUS):
                    kill_at(stage, world, kind, victim, at, mode, figures, spare=True)
    record_property("cut", f"{kind.idempotency}: {figures}")
