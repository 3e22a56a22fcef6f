"""Two figures: how soon a killed worker's action goes on (G13), and what forgetting costs (G14). Both are printed.

`COUNTERSIGN_KILLS` (30) says how many kills, `COUNTERSIGN_LOAD_SECONDS` (60) how long each half of the other lasts.
Counts are judged; how fast a machine is, is only told, but for the bound that the product promises.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Callable

import pytest

from tests.chaos.killing import KEYED, OUTSIDE, RECOVERED_WITHIN, Road, held, send
from tests.support.stage import Stage
from tests.support.up import until
from tests.support.world import World

pytestmark = pytest.mark.slow
Record = Callable[[str, object], None]
KILLS = int(os.environ.get("COUNTERSIGN_KILLS", "30"))
SECONDS = float(os.environ.get("COUNTERSIGN_LOAD_SECONDS", "60"))
FLUSHED_EVERY = 20.0
AT_ONCE = 20
ROLES = ("gatekeeper", "executor", "executor2", "sweeper")


def share(values: list[float], part: float) -> float:
    """The value that this part of them does not exceed."""
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def test_f08_a_killed_workers_action_goes_on_within_fifteen_seconds(
    theatre: Stage, chaos_catalogue: None, world: World, record_property: Record
) -> None:
    """It dies in its call, before or after the effect in turn; the time is from the kill to the end of the action."""
    took: list[float] = []
    with theatre.playing("gatekeeper", "executor", "sweeper") as stage:
        for number in range(KILLS):
            kind = OUTSIDE[number % 2]  # keyed and queryable: neither goes to a person
            moment = "before" if number % 4 < 2 else "after"
            victim = stage.present("executor")
            stage.world.order(f"wait {moment}")
            road = send(stage, world, kind)
            until(lambda victim=victim: stage.world.waiting() == victim, 20, "a call waits")  # type: ignore[misc]
            os.kill(victim, signal.SIGKILL)
            began = time.monotonic()
            assert road.settled(60) == "done"
            took.append(time.monotonic() - began)
            held(road, f"kill {number}")
    record_property(
        "killed", f"{len(took)} in a call: p50 {share(took, 0.5):.2f} s, p99 {share(took, 0.99):.2f} s, 0 lost, 0 twice"
    )
    assert share(took, 0.99) <= RECOVERED_WITHIN


def worked(stage: Stage, world: World, seconds: float) -> list[Road]:
    """Actions sent and done within so many seconds, at most so many under way at once."""
    done: list[Road] = []
    going: list[Road] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        while len(going) < AT_ONCE:
            going.append(send(stage, world, KEYED))
        done += [road for road in going if road.status() == "done"]
        going = [road for road in going if road.status() != "done"]
    for road in going:
        assert road.settled(60) == "done"
    assert [road.effects for road in [*done, *going]] == [1] * (len(done) + len(going))
    return done


def test_f17_a_redis_that_forgets_every_twenty_seconds_loses_nothing_and_costs_little(
    theatre: Stage, chaos_catalogue: None, world: World, record_property: Record
) -> None:
    with theatre.playing(*ROLES) as stage:
        worked(stage, world, 5)  # warm
        calm = len(worked(stage, world, SECONDS))
        over, forgotten = threading.Event(), 0

        def forget() -> None:
            nonlocal forgotten
            while True:
                stage.redis.flushall()
                forgotten += 1
                if over.wait(min(FLUSHED_EVERY, SECONDS / 3)):
                    return

        forgetting = threading.Thread(target=forget)
        forgetting.start()
        try:
            disturbed = len(worked(stage, world, SECONDS))
        finally:
            over.set()
            forgetting.join()
    record_property(
        "killed",
        f"Redis forgot everything {forgotten} times in {SECONDS:.0f} s: {disturbed} done against {calm}"
        f" ({100 * disturbed / calm:.0f} %), 0 lost, 0 twice",
    )
    assert forgotten >= 3
    assert disturbed >= 0.7 * calm
