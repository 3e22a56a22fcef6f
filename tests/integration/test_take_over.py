"""After a claimer's death: only then is its row taken over, and what may be done is said by the tool's class."""

import os
import subprocess
import sys
import uuid
from typing import Any

import psycopg
import pytest

from approvals.models import Action
from approvals.services import execute
from approvals.tasks import _claim, execute_permitted
from tests.integration.test_execution_classes import key_of, now_due, now_is, obedient, ready  # noqa: F401
from tests.support import tools as odd
from tests.support.sql import without_guards
from tests.support.stops import lift
from tests.support.world import World
from tools import executor, ledger
from tools.contract import Outcome
from tools.killswitch import engage
from tools.models import Execution, Worker
from tools.presence import Presence, bury, host, present, ticks
from traces.clock import later
from traces.ids import uuid7


def worker(*, pid: int, started: int, where: str = "", silent: float = 0) -> Worker:
    """A worker of which no session holds the lock."""
    made = Worker(
        id=uuid7(),
        role="executor",
        host=where or host(),
        pid=pid,
        started_ticks=started,
        lock_key=uuid.uuid4().int >> 66,
        seen_at=later(-silent),
    )
    made.save(force_insert=True)
    return made


def gone() -> Worker:
    """One whose process has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    started = ticks(ended.pid)
    ended.wait()
    return worker(pid=ended.pid, started=started or 1)


class Claimer:
    """What a claim needs of a presence."""

    def __init__(self, row: Worker) -> None:
        self.worker = row


def claimed_by(row: Worker) -> list[executor.Claimed]:
    """All that waits, claimed by this worker, who then never makes a call."""
    return _claim(execute.waiting(20), Claimer(row))  # type: ignore[arg-type]


def test_a_keyed_call_is_made_again_after_the_claimers_death_with_the_same_key(world: World) -> None:
    action = ready(world, "odd_keyed")
    (claim,) = claimed_by(gone())
    bury()
    assert execute.unfinished(1)
    assert execute_permitted() == 1
    assert now_is(action) == ("done", "done", 1)
    assert [key for _, key, _ in odd.CALLS] == [claim.call.key] == [key_of(action)]
    assert Execution.objects.get().fence == 2


def test_a_queryable_tool_is_asked_first_after_the_claimers_death(world: World) -> None:
    felt, unfelt = ready(world, "odd_queryable"), ready(world, "odd_queryable")
    for claim in claimed_by(gone()):
        if claim.call.action == felt.id:
            odd._perform("odd_queryable", odd.Odd(text="once"), claim.call, remembers=False)
    odd.CALLS.clear()
    assert execute_permitted() == 1
    assert (now_is(felt), now_is(unfelt)) == (("done", "done", 1), ("executing", "claimed", 0))
    assert odd.CALLS == [], "what a dead worker has sent may still be on its way"
    now_due()
    assert execute_permitted() == 1
    assert now_is(felt) == now_is(unfelt) == ("done", "done", 1)
    assert [("odd_queryable", key_of(unfelt), 2)] == odd.CALLS  # the second attempt at it
    assert sorted(odd.PROBES) == sorted([key_of(felt), key_of(unfelt), key_of(unfelt)])


def test_a_tool_that_is_neither_is_left_to_a_person_after_the_claimers_death(world: World) -> None:
    action = ready(world, "odd_neither")
    claimed_by(gone())
    assert execute_permitted() == 1
    assert now_is(action) == ("uncertain", "uncertain", 0)
    assert odd.CALLS == []


def test_beyond_the_keys_lifetime_nothing_is_repeated(world: World) -> None:
    action = ready(world, "odd_keyed")
    claimed_by(gone())
    with without_guards() as admin:
        admin.execute("UPDATE tools_execution SET key_expires_at = clock_timestamp()")
    execute_permitted()
    assert now_is(action) == ("uncertain", "uncertain", 0)
    assert odd.CALLS == []


def test_a_key_that_ends_while_its_call_is_made_ends_the_repeating(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second call may come to a tool that has forgotten the first: to it, that would be another call."""
    action = ready(world, "odd_keyed")
    perform = odd._perform

    def slowly(*args: Any, **more: Any) -> Any:
        with without_guards() as admin:
            admin.execute("UPDATE tools_execution SET key_expires_at = clock_timestamp()")
        return perform(*args, **more)

    monkeypatch.setattr(odd, "_perform", slowly)
    odd.ORDERS.extend(["break_after", "break_after"])
    execute_permitted()
    assert now_is(action) == ("uncertain", "uncertain", 1)
    assert len(odd.CALLS) == 1
    assert "the tool has forgotten its key" in Execution.objects.get().error_text


def test_a_row_that_waits_beyond_its_keys_lifetime_is_not_called_again(world: World) -> None:
    action = ready(world, "odd_keyed")
    (claim,) = claimed_by(present("executor").worker)
    waits = ledger.Later(60, 1, Outcome.uncertain("lost", "Nobody answered."))
    assert ledger.put_off(claim.execution, claim.fence, waits, worker=present("executor").worker)
    with without_guards() as admin:
        admin.execute("UPDATE tools_execution SET key_expires_at = clock_timestamp(), retry_at = clock_timestamp()")
    execute_permitted()
    assert (now_is(action), odd.CALLS) == (("uncertain", "uncertain", 0), [])


def test_after_too_many_attempts_nothing_is_repeated(world: World) -> None:
    action = ready(world, "odd_keyed")
    claimed_by(gone())
    with without_guards() as admin:
        admin.execute("UPDATE tools_execution SET attempt = %s", [executor.MAX_ATTEMPTS])
    execute_permitted()
    assert now_is(action) == ("uncertain", "uncertain", 0)


@pytest.mark.parametrize(("tool", "probes"), [("odd_keyed", 0), ("odd_queryable", 1), ("odd_neither", 0)])
def test_under_a_stop_an_orphan_is_asked_about_and_never_repeated(tool: str, probes: int, world: World) -> None:
    action = ready(world, tool)
    claimed_by(gone())
    engage(actor=world.reviewer, organization=world.organization.id, scope="run", target=action.run, reason="wait")
    execute_permitted()
    assert now_is(action) == ("uncertain", "uncertain", 0)
    assert (odd.CALLS, len(odd.PROBES)) == ([], probes)


def test_a_stop_that_was_lifted_again_has_voided_an_orphans_permit_for_good(world: World) -> None:
    action = ready(world, "odd_keyed")
    claimed_by(gone())
    switch = engage(
        actor=world.reviewer, organization=world.organization.id, scope="run", target=action.run, reason="wait"
    )
    lift(actor=world.reviewer2, organization=world.organization.id, switch_id=switch.id)
    execute_permitted()
    assert now_is(action) == ("uncertain", "uncertain", 0)
    assert odd.CALLS == []


def test_what_a_living_claimer_holds_is_not_touched(world: World) -> None:
    action = ready(world, "odd_keyed")
    other = Presence("executor")
    try:
        claimed_by(other.worker)
        bury()
        assert not execute.unfinished(1)
        assert execute_permitted() == 0
        assert now_is(action) == ("executing", "claimed", 0)
    finally:
        other.leave()
    bury()
    assert execute.unfinished(1)
    assert execute_permitted() == 1
    assert now_is(action) == ("done", "done", 1)


def test_a_lost_session_alone_is_no_proof_of_death(world: World) -> None:
    alive_here = worker(pid=os.getpid(), started=ticks(os.getpid()) or 0)
    elsewhere = worker(pid=1, started=1, where="another/host", silent=1)
    reused = worker(pid=os.getpid(), started=1)
    long_silent = worker(pid=1, started=1, where="another/host", silent=3600)
    dead = gone()
    assert set(bury()) >= {reused.id, long_silent.id, dead.id}
    for known in (alive_here, elsewhere):
        known.refresh_from_db()
        assert known.ended_at is None
    action = ready(world, "odd_keyed")
    claimed_by(alive_here)
    assert execute_permitted() == 0
    assert now_is(action) == ("executing", "claimed", 0)


def test_a_record_under_an_old_fence_is_refused(world: World) -> None:
    action = ready(world, "odd_neither")
    row = gone()
    (claim,) = claimed_by(row)
    execute_permitted()
    assert now_is(action)[:2] == ("uncertain", "uncertain")
    assert executor.record([(claim, Outcome.done({"late": True}))], Action, worker=row) == []
    assert now_is(action)[:2] == ("uncertain", "uncertain")


def test_a_record_under_the_right_fence_by_another_worker_is_refused_too(world: World) -> None:
    action = ready(world, "odd_keyed")
    other = Presence("executor")
    try:
        (claim,) = claimed_by(other.worker)
        mine = present("executor").worker
        assert executor.record([(claim, Outcome.done({}))], Action, worker=mine) == []
        with without_guards() as admin:
            admin.execute("UPDATE tools_execution SET fence = 2")
        assert executor.record([(claim, Outcome.done({}))], Action, worker=other.worker) == []
        assert now_is(action)[:2] == ("executing", "claimed")
    finally:
        other.leave()


def test_a_worker_that_cannot_prove_it_is_there_makes_no_call(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    action = ready(world, "odd_keyed")
    monkeypatch.setattr(Presence, "proven", lambda _: False)
    execute_permitted()
    assert now_is(action) == ("failed", "failed", 0)
    assert odd.CALLS == []
    assert Execution.objects.get().error_code == "not_present"


def test_tools_that_are_neither_are_claimed_one_at_a_time(world: World) -> None:
    for _ in range(3):
        ready(world, "odd_neither")
    inside: list[int] = []
    perform = odd._perform

    def counting(*args: Any, **more: Any) -> Any:
        inside.append(Execution.objects.filter(status="claimed").count())
        return perform(*args, **more)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(odd, "_perform", counting)
        assert execute_permitted() == 3
    assert inside == [1, 1, 1]


def test_a_worker_that_cannot_announce_itself_holds_no_connection(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[psycopg.Connection[Any]] = []
    connect = Presence._connect

    def remembered() -> psycopg.Connection[Any]:
        made.append(connect())
        return made[-1]

    monkeypatch.setattr(Presence, "_connect", staticmethod(remembered))
    with pytest.raises(psycopg.Error):
        Presence("x" * 1000)  # longer than a role may be
    assert [one.closed for one in made] == [True]
