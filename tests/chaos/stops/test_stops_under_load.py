"""Nothing is claimed after ARMED and nothing arrives after QUIET, whatever is stopped, with Redis or without it.

``N=1000`` stops as often as that, ``SEED`` chooses other moments, and ``DURABLE=1`` has PostgreSQL write to disk as an
installation does, which times need to be worth anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.chaos.stops import calls
from tests.chaos.stops.field import field
from tests.chaos.stops.judging import report
from tests.chaos.stops.trials import SCOPES, Trials
from tests.support.world import World
from tools.connectors.python import TOOLS

TURN = 4 * len(SCOPES)
"""Trials until every scope was stopped in both ways, with Redis and without."""
TRIALS = int(os.environ.get("N", str(2 * TURN)))
SEED = int(os.environ.get("SEED", "2026"))
MOST = 5 * TURN
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def on_offer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tools are on offer here, for these tests and the processes that they start."""
    mine = {name: getattr(calls, name) for name in calls.NAMES}
    monkeypatch.setenv("LAM_TOOLS", f"{os.environ['LAM_TOOLS']},{calls.__name__}")
    TOOLS.update(mine)
    yield
    for name in mine:
        del TOOLS[name]


def test_t109_g3_g5_nothing_is_claimed_after_armed_and_nothing_arrives_after_quiet(
    world: World, record_property: Callable[[str, object], None]
) -> None:
    with field() as running:
        trials = Trials(world, running, seed=SEED)
        shown = []
        try:
            for number in range(TRIALS):
                shown.append(trials.trial(number))
        finally:
            for line in report(shown, SEED):  # first: what was seen is told even where the field does not come to rest
                record_property("stops", line)
                print(line)
            trials.close()
    assert [one for one in shown if one.late_claims or one.late_effects] == []
    for name in ("claimed", "kept", "others"):
        assert sum(getattr(one, name) for one in shown) > len(shown) / 4, f"hardly any {name}: nothing was tried"


def test_t109_without_the_lock_the_trials_see_claims_after_armed(
    world: World, record_property: Callable[[str, object], None]
) -> None:
    """The proof that these trials find what they look for."""
    with field(held=False) as running:
        trials = Trials(world, running, seed=SEED)
        try:
            seen = next((number for number in range(MOST) if trials.trial(number).late_claims), None)
        finally:
            trials.close()
    assert seen is not None, "a lost lock goes unseen"
    record_property("stops", f"without the lock, the first claim after ARMED came in trial {seen + 1}")
