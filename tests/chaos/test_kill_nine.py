"""kill -9 of the gatekeeper and the executor at each commit of the road, for each idempotency class (promise 3)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.chaos.killing import KEYED, KINDS, NEITHER, QUERYABLE, Figures, Kind, boundaries, kill_at, kill_twice
from tests.support.pgproxy import Mode
from tests.support.stage import Stage
from tests.support.world import World

Record = Callable[[str, object], None]
ROLES = ("gatekeeper", "executor", "sweeper")

# The commits of the road. A new one fails the counting test: it is one more place to die in, and belongs here.
ROAD = {
    ("gatekeeper", "send_message"): ["COMMIT"],
    ("gatekeeper", "chaos_queryable"): ["COMMIT"],
    ("gatekeeper", "write_note"): ["COMMIT"],
    ("executor", "send_message"): ["COMMIT", "COMMIT", "COMMIT"],  # claim, effect, record
    ("executor", "chaos_queryable"): ["COMMIT", "COMMIT"],  # claim, record; the effect is outside
    ("executor", "write_note"): ["COMMIT", "INSERT", "COMMIT"],  # claim, effect, record
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.idempotency)
def test_the_road_commits_where_we_think(theatre: Stage, chaos_catalogue: None, world: World, kind: Kind) -> None:
    with theatre.playing(*ROLES) as stage:
        for victim in ("gatekeeper", "executor"):
            seen = [text.split()[0] for text in boundaries(stage, world, kind, victim)]
            assert seen == ROAD[victim, kind.tool]


@pytest.mark.parametrize(
    ("kind", "victim", "at", "mode"),
    [
        (KEYED, "gatekeeper", 1, Mode.AMBIGUOUS),
        (KEYED, "executor", 2, Mode.AMBIGUOUS),
        (QUERYABLE, "executor", 2, Mode.BEFORE),
        (NEITHER, "executor", 2, Mode.AMBIGUOUS),
    ],
    ids=str,
)
def test_f05_f09_a_killed_role_leaves_nothing_twice_and_nothing_behind(
    theatre: Stage, chaos_catalogue: None, world: World, kind: Kind, victim: str, at: int, mode: Mode
) -> None:
    with theatre.playing(*ROLES) as stage:
        kill_at(stage, world, kind, victim, at, mode, Figures())


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["gatekeeper", "executor"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.idempotency)
def test_f04_f06_f09_f10_every_boundary_of_the_road(
    theatre: Stage, chaos_catalogue: None, world: World, kind: Kind, victim: str, record_property: Record
) -> None:
    """Exhaustively: before, ambiguous and after, at each one."""
    figures = Figures()
    with theatre.playing(*ROLES) as stage:
        for at in range(1, len(ROAD[victim, kind.tool]) + 1):
            for mode in Mode:
                kill_at(stage, world, kind, victim, at, mode, figures)
    record_property("killed", f"{victim}, {kind.idempotency}: {figures}")


# The commits of a successor's life when its predecessor died after its claim, and before any effect.
RECOVERY = {
    "send_message": ["INSERT", "COMMIT", "COMMIT", "COMMIT"],  # presence, take-over, effect, record
    "chaos_queryable": ["INSERT", "COMMIT", "COMMIT", "COMMIT", "COMMIT"],  # presence, take-over, wait, again, record
    "write_note": ["INSERT", "COMMIT", "COMMIT"],  # presence, take-over, record of the doubt
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.idempotency)
def test_f09_every_boundary_of_the_recovery(
    theatre: Stage, chaos_catalogue: None, world: World, kind: Kind, record_property: Record
) -> None:
    """Whoever recovers may be killed as well. The first dies when its claim has been committed."""
    figures = Figures()
    expected = RECOVERY[kind.tool]
    with theatre.playing(*ROLES) as stage:
        for at in range(1, len(expected) + 1):
            for mode in Mode:
                _, seen = kill_twice(stage, world, kind, (1, Mode.AMBIGUOUS), (at, mode), figures)
                assert [text.split()[0] for text in seen] == expected[:at]
    record_property("killed", f"executor and its successor, {kind.idempotency}: {figures}")
