"""The executor is killed while it takes something back (F12): each inverse once, last step first, or a person knows."""

from __future__ import annotations

import pytest

from tests.chaos.killing import struck
from tests.integration.test_undo import ask, compensation, finished_run, go_on
from tests.support.pgproxy import Mode
from tests.support.stage import SIGN, Stage
from tests.support.up import until
from tests.support.world import World, approved
from tools.models import Execution, Note
from tools.presence import leave

TOOLS = (
    "tests.support.chaos_tools,tests.support.tools,tests.support.undo_tools,tests.support.paying,tests.support.seeing"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("at", "mode"),
    [(1, Mode.BEFORE), (1, Mode.AMBIGUOUS), (2, Mode.BEFORE), (2, Mode.AMBIGUOUS), (3, Mode.BEFORE), (3, Mode.AFTER)],
    ids=str,
)
def test_f12_t101_a_worker_that_dies_in_a_compensation(theatre: Stage, world: World, at: int, mode: Mode) -> None:
    """Its boundaries: the claim, the inverse effect, the record."""
    run, (first, second) = finished_run(world, ("put_odd", "cup"), ("put_odd", "plate"))
    leave()  # what was done so far was done in this process; from here on it is another's
    ask(world, run)
    go_on(run)
    with theatre.playing("gatekeeper", "executor", "sweeper", LAM_TOOLS=TOOLS) as stage:
        victim = stage.present("executor")
        watch = stage.proxy.watch(victim, at, mode)
        back = compensation(second)
        approved(world, back)
        stage.ring(SIGN)
        struck(watch)
        stage.gone("executor", victim)

        def settled() -> bool:
            back.refresh_from_db()
            return back.status == "done"

        until(settled, 20, f"the compensation is done; it is {back.status}")
    go_on(run)
    assert (
        Note.objects.filter(
            text__endswith=Execution.objects.get(action=second.id).key, text__startswith="taken"
        ).count()
        == 1
    )
    second.refresh_from_db()
    assert second.status == "undone"
    assert compensation(first).status == "in_review"  # the earlier step comes after the later one
