"""Promise 3: what may be done again depends on the tool's class, and on the old claimer being known dead."""

from typing import Any

import pytest

from approvals.models import Action
from approvals.services.verdict import did_not_happen, happened
from approvals.tasks import execute_permitted, sign_permits
from tests.support import tools as odd
from tests.support.permits import signed
from tests.support.sql import without_guards
from tests.support.voting import just_now
from tests.support.world import World
from tools import executor
from tools.models import Execution, Note
from tools.presence import bury

CLASSES = ["odd_keyed", "odd_queryable", "odd_neither"]


@pytest.fixture(autouse=True)
def obedient() -> None:
    odd.reset()


def ready(world: World, tool: str) -> Action:
    return signed(world, tool=tool, arguments={"text": "once"})


def key_of(action: Action) -> str:
    return Execution.objects.get(action=action.id).key


def now_due() -> None:
    """The wait of whatever waits is over."""
    with without_guards() as admin:
        admin.execute("UPDATE tools_execution SET retry_at = clock_timestamp() WHERE retry_at IS NOT NULL")


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


def test_a_queryable_call_that_broke_off_before_its_effect_is_made_again_once_it_is_absent_twice(world: World) -> None:
    odd.ORDERS.append("break_before")
    action = ready(world, "odd_queryable")
    assert execute_permitted() == 0
    assert now_is(action) == ("executing", "claimed", 0)
    assert (len(odd.CALLS), len(odd.PROBES)) == (1, 1)
    assert execute_permitted() == 0, "not before the tool's time is over: it may still be working on the first call"
    assert (len(odd.CALLS), len(odd.PROBES)) == (1, 1)
    now_due()
    assert execute_permitted() == 1
    assert now_is(action) == ("done", "done", 1)
    assert (len(odd.CALLS), len(odd.PROBES)) == (2, 2)


def test_a_queryable_tool_that_was_slow_has_its_effect_once(world: World) -> None:
    odd.ORDERS.append("break_before")
    action = ready(world, "odd_queryable")
    execute_permitted()
    Note.objects.create(
        organization=action.organization_id, about=key_of(action), text="late"
    )  # it got there after all
    now_due()
    assert execute_permitted() == 1
    assert now_is(action) == ("done", "done", 1)
    assert (len(odd.CALLS), len(odd.PROBES)) == (1, 2)


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
        signed_in_at=just_now(),
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
