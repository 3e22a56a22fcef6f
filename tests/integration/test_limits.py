"""Limits: what is counted, for how long, what is given back, and that the gatekeeper believes the database alone."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from approvals import binding
from approvals.facts import gather
from approvals.facts.usage import plain, wants
from approvals.models import Action, Reservation, Tally
from approvals.services.expire import expire
from approvals.services.halt import halt
from approvals.services.propose import propose
from approvals.services.reject import reject
from approvals.services.reserve import forget, release, release_settled, reserve
from approvals.tasks import execute_permitted, sign_permits
from lam_app.sweep import sweep
from tests.support.paying import calls, decree, euros, payment, set_free
from tests.support.sql import speaking_as, without_guards
from tests.support.tools import ORDERS, reset
from tests.support.world import World
from tools.killswitch import engage
from tools.models import Note, Tool
from traces.clock import now
from traces.ids import uuid7


@pytest.fixture
def free(world: World) -> World:
    reset()
    set_free(world, "pay_odd", "put_odd")
    return world


def put(world: World, **changes: Any) -> Action:
    """One more call of the tool that the limits are about."""
    return propose(world.proposal("put_odd", {"thing": "a thing"}, **changes))


def used(key: str = "") -> int:
    """How many calls stand in the tallies."""
    return sum(Tally.objects.filter(key__startswith=key).values_list("used", flat=True))


def findings(action: Action, check: str) -> list[str]:
    ruling = Action.objects.get(id=action.id).revisions.latest("number").ruling
    return [found["text"] for found in binding.parsed(ruling)["findings"] if found["check"] == check]


def rejected(world: World, action: Action) -> None:
    action.refresh_from_db()
    reject(
        actor=world.reviewer,
        organization=world.organization.id,
        action_id=action.id,
        digest=action.digest,
        reason="No.",
    )


def moved_back(seconds: float) -> None:
    """As if everything that was counted had been counted so long ago."""
    Tally.objects.update(until=F("until") - timedelta(seconds=seconds))


# ------------------------------------------------------------------------------------------- what is counted


def test_beyond_the_limit_a_person_looks_and_reads_how_far_it_was_used(free: World) -> None:
    decree(free, calls(2, "put_odd"))
    assert [put(free).status for _ in range(2)] == ["permitted", "permitted"]
    third = put(free)
    assert third.status == "in_review"
    assert findings(third, "rate") == ["2 of 2 calls in the last hour by initiator operator; this would be the 3rd."]


def test_each_is_counted_by_what_the_limit_says(free: World) -> None:
    decree(
        free,
        *(calls(9, "put_odd", id=f"by-{per}", per=per) for per in ("tool", "agent", "initiator", "organization")),
        euros(500),
        exposure={"EUR": 1000, "USD": 7},
    )
    asked = free.proposal("put_odd", {"thing": "a"})
    subjects = {want.key: want.subject for want in wants(gather(asked))}
    assert subjects == {
        f"by-tool:tool:{free.tool('put_odd').id}": "tool put_odd",
        f"by-agent:agent:{free.agent.id}": "agent planner",
        f"by-initiator:initiator:{free.operator.id}": "initiator operator",
        f"by-organization:organization:{free.organization.id}": "the organization",
    }
    paid = wants(gather(free.proposal("pay_odd", payment("99.50"))))
    assert [(want.limit, want.unit, plain(want.asks), want.seconds) for want in paid] == [
        ("exposure-EUR", "EUR", "99.5", 86_400),
        ("pay-odd-total", "EUR", "99.5", 86_400),
    ]


def test_no_limit_no_statement_and_any_number_of_limits_one(free: World) -> None:
    def statements(*limits: dict[str, Any]) -> int:
        decree(free, *limits)
        put(free)  # what is looked up once for a policy is looked up here
        with CaptureQueriesContext(connection) as seen:
            assert put(free).status == "permitted"
        return len(seen)

    none = statements()
    assert statements(calls(1000, "send_message"), euros(500)) == none  # limits over other calls
    assert statements(*(calls(1000, "put_odd", id=f"limit-{n}") for n in range(3))) == none + 1


def test_proposing_the_same_again_counts_it_once(free: World) -> None:
    decree(free, calls(5, "put_odd"))
    run = uuid7()
    first, again = put(free, run=run), put(free, run=run)
    assert first.id == again.id
    assert used() == Reservation.objects.count() == 1


def test_counting_the_same_again_gives_the_first_answer_back(free: World) -> None:
    decree(free, calls(5, "put_odd"))
    action = put(free)
    put(free)
    with transaction.atomic():
        usage = reserve(action.id, gather(free.proposal("put_odd", {"thing": "a thing"})))
    assert [(one.limit, one.used, one.asks) for one in usage] == [("put-odd-calls", "0", "1")]
    assert used() == 2


# ------------------------------------------------------------------------------------------- the window


def test_a_window_slides_and_a_sixtieth_of_it_counts_whole(free: World) -> None:
    decree(free, calls(2, "put_odd", seconds=3600))
    assert [put(free).status for _ in range(3)] == ["permitted", "permitted", "in_review"]
    oldest = Tally.objects.earliest("until").until
    moved_back((oldest - now()).total_seconds() + 3570)  # the oldest minute is half in the last hour
    assert put(free).status == "in_review"
    moved_back(100)  # the first three are certainly older, the fourth is not
    assert [put(free).status for _ in range(2)] == ["permitted", "in_review"]


def test_a_longer_window_begins_with_what_was_counted_for_the_shorter_one(free: World) -> None:
    decree(free, calls(2, "put_odd", seconds=60))
    put(free)
    moved_back(600)
    decree(free, calls(1, "put_odd", seconds=3600))
    assert put(free).status == "in_review"


def test_what_no_window_reaches_is_forgotten_and_what_may_still_run_is_kept(free: World) -> None:
    decree(free, calls(5, "put_odd"))
    waits, over = put(free), put(free)
    set_settled(over)
    moved_back(32 * 86_400)
    Reservation.objects.update(until=F("until") - timedelta(days=32))
    put(free)
    with speaking_as("worker") as worker:
        row = worker.execute("SELECT approvals_forget()").fetchone()
        worker.commit()
    assert row == (2,)  # the old tally, and the reservation of what is over
    assert set(Reservation.objects.values_list("action", flat=True)) == {
        waits.id, Action.objects.latest("id").id
    }  # fmt: skip
    assert used() == 1
    assert forget() == 0


def set_settled(action: Action) -> None:
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET status = 'done', settled_at = now() WHERE id = %s", [action.id])


# ------------------------------------------------------------------------------------------- giving back


def test_what_the_policy_denies_uses_no_limit(free: World) -> None:
    decree(free, calls(1, "put_odd", answer="deny"))
    assert [put(free).status for _ in range(3)] == ["permitted", "denied", "denied"]
    assert used() == 1
    last = Action.objects.latest("id")
    assert findings(last, "rate") == ["1 of 1 calls in the last hour by initiator operator; this would be the 2nd."]
    Tool.objects.filter(id=free.tool("put_odd").id).update(enabled=False)
    assert put(free).status == "denied"
    assert used() == 1


def test_what_a_person_rejected_is_given_back_by_the_sweep_once(free: World) -> None:
    decree(free, calls(1, "put_odd"))
    first, second = put(free), put(free)
    assert (first.status, second.status, used()) == ("permitted", "in_review", 2)
    rejected(free, second)
    assert used() == 2
    sweep()
    assert used() == 1
    sweep()
    assert (used(), release_settled(100)) == (1, 0)
    assert Reservation.objects.get(action=second.id).released_at is not None


def test_what_nobody_decided_on_in_time_is_given_back(free: World) -> None:
    decree(free, calls(1, "put_odd"))
    put(free)
    late = put(free)
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET expires_at = now() WHERE id = %s", [late.id])
    assert expire() == 1
    assert release_settled(100) == 1
    assert used() == 1


def test_what_failed_or_was_stopped_is_given_back(free: World) -> None:
    decree(free, calls(5, "put_odd"))
    ORDERS.append("refuse")
    failed = put(free)
    assert (sign_permits(), execute_permitted()) == (1, 1)
    stopped = put(free)
    engage(
        actor=free.reviewer, organization=free.organization.id, scope="run", target=stopped.run, reason="Stop it."
    )  # fmt: skip
    assert (halt(), used()) == (1, 2)
    assert sorted(Action.objects.filter(id__in=[failed.id, stopped.id]).values_list("status", flat=True)) == [
        "failed", "halted"
    ]  # fmt: skip
    assert (release_settled(100), used()) == (2, 0)


def test_what_had_an_effect_stays_counted(free: World) -> None:
    decree(free, calls(1, "put_odd"))
    done = put(free)
    assert (sign_permits(), execute_permitted()) == (1, 1)
    sweep()
    assert release([done.id]) == 0
    assert (used(), put(free).status, Note.objects.count()) == (1, "in_review", 1)


def test_what_waits_or_may_run_is_not_given_back_by_anybody(free: World) -> None:
    decree(free, calls(1, "put_odd"))
    permitted, waits = put(free), put(free)
    assert release([permitted.id, waits.id]) == 0
    assert used() == 2
