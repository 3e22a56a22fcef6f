"""Every take-over raises the fence, and a record needs the claimer and the fence of now (F13)."""

from __future__ import annotations

from contextlib import closing

from django.db import transaction
from django.db.models.functions import Now

from approvals import tasks
from approvals.models import Action
from approvals.services import execute
from tests.support.world import World, approved
from tools import executor, ledger
from tools.contract import Outcome
from tools.models import Execution, Worker
from tools.presence import Presence

DONE = Outcome.done({"message": "sent"})


class _Here(Presence):
    """A presence that leaves when the block ends."""

    close = Presence.leave


def test_f13_a_worker_that_was_overtaken_records_nothing(world: World) -> None:
    action = world.staged()
    approved(world, action)
    tasks.sign_permits()
    with closing(_Here("executor")) as first, closing(_Here("executor")) as second:
        (old,) = tasks._claim(execute.waiting(1), first)
        with transaction.atomic():
            assert ledger.take_over(second.worker, action.id) is None  # the first one lives
        Worker.objects.filter(id=first.worker.id).update(ended_at=Now())
        with transaction.atomic():
            taken = ledger.take_over(second.worker, action.id)
        assert taken == ledger.Taken(old.execution, 2, attempt=2, repeatable=True)
        new = executor.Claimed(taken.execution, taken.fence, old.contract, old.call)
        for item, worker in ((old, first), (old, second), (new, first)):
            with transaction.atomic():
                assert executor.record([(item, DONE)], Action, worker=worker.worker) == []
        assert Execution.objects.get(id=taken.execution).status == "claimed"
        with transaction.atomic():
            assert executor.record([(new, DONE)], Action, worker=second.worker) == [action.id]
    action.refresh_from_db()
    assert action.status == "done"
