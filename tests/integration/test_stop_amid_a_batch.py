"""A stop that falls amid a claimed batch: what was not sent yet is let go, and is known not to have happened."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from approvals.models import Action
from approvals.reading.stopped import caught_by
from approvals.tasks import execute_permitted
from tests.integration.test_execution_classes import obedient  # noqa: F401
from tests.support import tools as odd
from tests.support.permits import signed
from tests.support.stops import lift
from tests.support.world import World
from tools.killswitch import engage, settle_quiet
from tools.models import Execution, KillSwitch
from tools.states import STOPPED
from traces.models import Event

BATCH = 6


def batch(world: World, tool: str = "odd_keyed") -> list[Action]:
    """Permitted calls that are claimed together, in the order in which they are called."""
    return [signed(world, tool=tool, arguments={"text": f"number {n}"}) for n in range(BATCH)]


def stop(world: World, scope: str = "organization", target: Any = None) -> KillSwitch:
    return engage(
        actor=world.reviewer, organization=world.organization.id, scope=scope, target=target, reason="Stop it."
    )


def inside(monkeypatch: pytest.MonkeyPatch, number: int, happens: Callable[[], Any]) -> None:
    """Let this happen while the call of this number is under way."""
    perform = odd._perform

    def performing(*args: Any, **more: Any) -> Any:
        if len(odd.CALLS) + 1 == number:
            happens()
        return perform(*args, **more)

    monkeypatch.setattr(odd, "_perform", performing)


def statuses(actions: list[Action]) -> list[str]:
    for action in actions:
        action.refresh_from_db()
    return [action.status for action in actions]


def effects() -> int:
    return sum(odd.effects(key) for key in Execution.objects.values_list("key", flat=True))


@pytest.mark.parametrize("tool", ["odd_keyed", "odd_queryable"])
@pytest.mark.parametrize("under_way", [1, 3, BATCH])
def test_t109_after_armed_nothing_of_a_batch_is_called_but_what_is_under_way(
    tool: str, under_way: int, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions = batch(world, tool)
    inside(monkeypatch, under_way, lambda: stop(world))
    assert execute_permitted() == BATCH
    assert statuses(actions) == ["done"] * under_way + ["failed"] * (BATCH - under_way)
    assert len(odd.CALLS) == effects() == under_way
    settle_quiet()
    assert KillSwitch.objects.get().quiet_at is not None


def test_what_a_stop_kept_from_being_sent_says_so_in_the_ledger_the_record_and_the_stops_lists(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions = batch(world)
    inside(monkeypatch, 1, lambda: stop(world))
    execute_permitted()
    unsent = Execution.objects.filter(error_code=STOPPED, status="failed")
    assert set(unsent.values_list("action", flat=True)) == {action.id for action in actions[1:]}
    assert {json.loads(row.evidence)["sent"] for row in unsent} == {False}
    told = Event.objects.filter(verb="failed", subject__in=[action.id for action in actions[1:]])
    assert {event.reason for event in told} == {"A stop was engaged before this was sent."}
    assert told.count() == BATCH - 1
    caught = caught_by(KillSwitch.objects.get())
    assert {action.id for action in caught.stopped} == {action.id for action in actions[1:]}
    assert (caught.finished, caught.unknown) == ([actions[0]], [])


def test_a_stop_over_one_run_lets_go_of_that_run_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    actions = batch(world)
    inside(monkeypatch, 1, lambda: stop(world, "run", actions[4].run))
    assert execute_permitted() == BATCH
    assert statuses(actions) == ["done"] * 4 + ["failed", "done"]
    assert len(odd.CALLS) == effects() == BATCH - 1


def test_a_stop_that_was_lifted_during_the_call_before_has_voided_what_waited_behind_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions = batch(world)

    def both() -> None:
        lift(actor=world.reviewer2, organization=world.organization.id, switch_id=stop(world).id)

    inside(monkeypatch, 2, both)
    execute_permitted()
    assert statuses(actions) == ["done"] * 2 + ["failed"] * (BATCH - 2)
    assert len(odd.CALLS) == 2


def test_a_stop_during_a_call_ends_its_repeating(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A keyed call that broke off may be made again; under a stop that would be one more call to the world."""
    action = signed(world, tool="odd_keyed", arguments={"text": "once"})
    odd.ORDERS.extend(["break_before"] * 5)
    inside(monkeypatch, 2, lambda: stop(world))
    execute_permitted()
    assert (statuses([action]), len(odd.CALLS)) == (["uncertain"], 2)
    assert "It was not tried again: a stop was engaged." in Execution.objects.get().error_text


def test_without_a_stop_the_whole_batch_is_called(world: World) -> None:
    actions = batch(world)
    assert execute_permitted() == BATCH
    assert (statuses(actions), len(odd.CALLS)) == (["done"] * BATCH, BATCH)
