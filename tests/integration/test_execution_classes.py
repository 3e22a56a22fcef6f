"""Promise 3: what may be done again depends on the tool's class, and on the old claimer being known dead."""

import os
import subprocess
import sys
import uuid
from typing import Any

import pytest

from approvals.models import Action
from approvals.services import execute
from approvals.services.verdict import did_not_happen, happened
from approvals.tasks import _claim, execute_permitted, orphaned, sign_permits
from tests.integration.test_permit_claim import signed
from tests.support import tools as odd
from tests.support.sql import without_guards
from tests.support.world import World
from tools import executor
from tools.contract import Outcome
from tools.killswitch import engage
from tools.models import Execution, Worker
from tools.presence import Presence, bury, host, present, ticks
from traces.clock import later
from traces.ids import uuid7

CLASSES = ["odd_keyed", "odd_queryable", "odd_neither"]


@pytest.fixture(autouse=True)
def obedient() -> None:
    odd.reset()


def ready(world: World, tool: str) -> Action:
    return signed(world, tool=tool, arguments={"text": "once"})


def key_of(action: Action) -> str:
    return Execution.objects.get(action=action.id).key


def now_is(action: Action) -> tuple[str, str, int]:
    """Its status, its ledger row's, and how many effects the world felt."""
    action.refresh_from_db()
    ledger = Execution.objects.get(action=action.id)
    return action.status, ledger.status, odd.effects(ledger.key)


@pytest.mark.parametrize("tool", CLASSES)
def test_an_undisturbed_call_is_one_call_and_one_effect(tool: str, world: World) -> None:
    action = ready(world, tool)
    assert execute_permitted() == 1
    assert now_is(action) == ("done", "done", 1)
    assert [(tool, key_of(action), 1)] == odd.CALLS
    assert odd.PROBES == []


@pytest.mark.parametrize("tool", CLASSES)
def test_a_tool_that_says_nothing_was_done_is_believed_and_not_called_again(tool: str, world: World) -> None:
    odd.ORDERS.append("refuse")
    action = ready(world, tool)
    execute_permitted()
    assert now_is(action) == ("failed", "failed", 0)
    assert len(odd.CALLS) == 1


@pytest.mark.parametrize("order", ["break_before", "break_after"])
def test_a_keyed_call_that_breaks_off_is_made_again_with_the_same_key(order: str, world: World) -> None:
    odd.ORDERS.append(order)
    action = ready(world, "odd_keyed")
    execute_permitted()
    assert now_is(action) == ("done", "done", 1)
    assert [("odd_keyed", key_of(action), 1), ("odd_keyed", key_of(action), 2)] == odd.CALLS


def test_a_keyed_call_that_always_breaks_off_becomes_a_doubt_after_a_bounded_number_of_attempts(world: World) -> None:
    odd.ORDERS.extend(["break_after"] * 50)
    action = ready(world, "odd_keyed")
    execute_permitted()
    assert now_is(action) == ("uncertain", "uncertain", 1)
    assert len(odd.CALLS) == executor.MAX_ATTEMPTS


def test_a_queryable_call_that_breaks_off_after_its_effect_is_asked_about_and_not_repeated(world: World) -> None:
    odd.ORDERS.append("break_after")
    action = ready(world, "odd_queryable")
    execute_permitted()
    assert now_is(action) == ("done", "done", 1)
    assert (len(odd.CALLS), odd.PROBES) == (1, [key_of(action)])


def test_a_queryable_call_that_broke_off_before_its_effect_is_made_again_once_it_is_known_absent(world: World) -> None:
    odd.ORDERS.append("break_before")
    action = ready(world, "odd_queryable")
    execute_permitted()
    assert now_is(action) == ("done", "done", 1)
    assert (len(odd.CALLS), len(odd.PROBES)) == (2, 1)


def test_a_queryable_tool_that_cannot_say_leaves_a_doubt(world: World) -> None:
    odd.ORDERS.extend(["break_after", "probe_breaks"])
    action = ready(world, "odd_queryable")
    execute_permitted()
    assert now_is(action) == ("uncertain", "uncertain", 1)


@pytest.mark.parametrize(("order", "effects"), [("break_before", 0), ("break_after", 1)])
@pytest.mark.parametrize(("verb", "status"), [(happened, "done"), (did_not_happen, "failed")])
def test_a_tool_that_is_neither_is_called_once_and_only_a_person_says_what_became_of_it(
    order: str, effects: int, verb: Any, status: str, world: World
) -> None:
    odd.ORDERS.append(order)
    action = ready(world, "odd_neither")
    for _ in range(3):
        execute_permitted()
        sign_permits()
        bury()
    assert now_is(action) == ("uncertain", "uncertain", effects)
    assert len(odd.CALLS) == 1
    verb(
        actor=world.reviewer,
        organization=world.organization.id,
        action_id=action.id,
        digest=action.digest,
        reason="I looked.",
    )
    execute_permitted()
    assert now_is(action) == (status, status, effects)
    assert len(odd.CALLS) == 1


def test_t87_whatever_a_tool_says_can_be_written_down(world: World) -> None:
    odd.ORDERS.append("refuse_with_nul")
    action = ready(world, "odd_keyed")
    assert execute_permitted() == 1
    assert now_is(action) == ("failed", "failed", 0)
    odd.ORDERS.append("ill_result")
    action = ready(world, "odd_keyed")
    assert execute_permitted() == 1
    assert now_is(action) == ("done", "done", 1)


# ------------------------------------------------------------------------------------ after a claimer's death


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
    assert orphaned()
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
    assert execute_permitted() == 2
    assert now_is(felt) == now_is(unfelt) == ("done", "done", 1)
    assert [("odd_queryable", key_of(unfelt), 1)] == odd.CALLS
    assert sorted(odd.PROBES) == sorted([key_of(felt), key_of(unfelt)])


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


def test_what_a_living_claimer_holds_is_not_touched(world: World) -> None:
    action = ready(world, "odd_keyed")
    other = Presence("executor")
    try:
        claimed_by(other.worker)
        assert not orphaned()
        assert execute_permitted() == 0
        assert now_is(action) == ("executing", "claimed", 0)
    finally:
        other.leave()
    assert orphaned()
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
