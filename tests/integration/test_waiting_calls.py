"""A tool that says when to come back is called again then, by whoever is there (F29): a row waits, no thread."""

from __future__ import annotations

import json
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from django.db.models.functions import Now

from approvals.models import Action
from approvals.services import execute
from approvals.tasks import execute_permitted
from lam_app.sweep import sweep
from tests.integration.test_execution_classes import now_due
from tests.integration.test_http_connector import a_contract
from tests.support.permits import new_policy, signed, until_it_is
from tests.support.racing import race
from tests.support.rude import Rude, rude
from tests.support.stops import lift
from tests.support.world import World
from tools.contract import Contract, Idempotency
from tools.killswitch import engage, settle_quiet
from tools.ledger import MAX_ATTEMPTS
from tools.models import Execution, Tool, Worker
from tools.offering import offer
from traces.models import Event

BUSY = (429, "Retry-After: 120")
DOWN = (503, "Retry-After: 120")
FINE = (201,)
CLASSES = {
    "keyed": Idempotency.keyed(3600),
    "queryable": Idempotency.queryable(),
    "neither": Idempotency.neither(),
}


class Shop:
    """A service that answers calls as ordered, and questions about a key truthfully."""

    def __init__(self, *orders: tuple[Any, ...]) -> None:
        self.orders = deque(orders)
        self.effects: set[str] = set()
        self.keys: list[str] = []
        self.asked = 0

    def __call__(self, server: Rude, connection: socket.socket) -> None:
        server.read(connection)
        if server.requests[-1].startswith(b"GET /effects/"):
            self.asked += 1
            status, headers = (200 if self.effects else 404), ()
        else:
            self.keys.append(server.headers()["idempotency-key"])
            status, *headers = self.orders.popleft() if self.orders else FINE
            if status < 300:
                self.effects.add(self.keys[-1])
        head = [f"HTTP/1.1 {status} Said", "Content-Length: 2", *headers]
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n{}")


@contextmanager
def told(world: World, settings: Any, kind: str, *orders: tuple[Any, ...]) -> Iterator[tuple[Shop, Action]]:
    """A shop with these orders, and a permitted call of it."""
    shop = Shop(*orders)
    with rude(shop) as server:
        settings.LAM_EGRESS_PRIVATE = frozenset({server.place})
        offer(world.organization, of_class(a_contract(server.url), kind))
        yield shop, signed(world, tool="make_thing", arguments={"text": "once"})


def of_class(contract: Contract, kind: str) -> Contract:
    probe = {"probe": {"path": "/effects/{key}"}} if kind == "queryable" else {}
    return replace(contract, idempotency=CLASSES[kind], binding={**contract.binding, **probe})


def ledger(action: Action) -> Execution:
    return Execution.objects.get(action=action.id)


def now_is(action: Action) -> tuple[str, str]:
    action.refresh_from_db()
    return action.status, ledger(action).status


def waits(action: Action) -> bool:
    """Whether the row is claimed, waits for another attempt, and nobody has to look at it yet."""
    row = ledger(action)
    return row.status == "claimed" and row.retry_at is not None and execute.unfinished(1) == []


def stop(world: World, action: Action) -> Any:
    return engage(
        actor=world.reviewer, organization=world.organization.id, scope="run", target=action.run, reason="wait"
    )


@pytest.mark.parametrize("kind", CLASSES)
def test_who_is_turned_away_comes_back_when_told_whatever_the_tools_class(
    kind: str, world: World, settings: Any
) -> None:
    with told(world, settings, kind, BUSY) as (shop, action):
        assert execute_permitted() == 0
        assert waits(action)
        left = ledger(action).retry_at - ledger(action).claimed_at
        assert 119 < left.total_seconds() < 125
        assert execute_permitted() == 0
        assert len(shop.keys) == 1
        now_due()
        assert "approvals.tasks.execute_permitted" in sweep()  # beside the bell for notices
        assert execute_permitted() == 1
        assert now_is(action) == ("done", "done")
        assert shop.keys == [ledger(action).key] * 2
        assert len(shop.effects) == 1
    event = Event.objects.get(verb="put_off", subject=ledger(action).id)
    assert event.reason == "The tool answered 429."


def test_a_service_that_is_down_is_called_again_only_where_a_repeat_cannot_hurt(world: World, settings: Any) -> None:
    """A 503 is a word about the service: somebody behind it may have done the work."""
    with told(world, settings, "keyed", DOWN) as (shop, action):
        execute_permitted()
        assert waits(action)
        now_due()
        execute_permitted()
        assert now_is(action) == ("done", "done")
        assert shop.keys == [ledger(action).key] * 2


def test_a_service_that_is_down_is_asked_before_it_is_called_again(world: World, settings: Any) -> None:
    with told(world, settings, "queryable", DOWN) as (shop, action):
        execute_permitted()
        assert waits(action)
        assert (len(shop.keys), shop.asked) == (1, 1)
        shop.effects.add(ledger(action).key)  # it did the work after all
        now_due()
        execute_permitted()
        assert now_is(action) == ("done", "done")
        assert (len(shop.keys), shop.asked) == (1, 2)


def test_a_tool_that_is_neither_and_down_is_a_persons_affair(world: World, settings: Any) -> None:
    with told(world, settings, "neither", DOWN) as (shop, action):
        assert execute_permitted() == 1
        assert now_is(action) == ("uncertain", "uncertain")
        assert len(shop.keys) == 1


def test_who_is_turned_away_without_a_time_has_failed(world: World, settings: Any) -> None:
    with told(world, settings, "neither", (429,)) as (shop, action):
        assert execute_permitted() == 1
        assert now_is(action) == ("failed", "failed")
        assert len(shop.keys) == 1


@pytest.mark.parametrize("kind", CLASSES)
def test_who_is_turned_away_too_often_has_failed(kind: str, world: World, settings: Any) -> None:
    with told(world, settings, kind, *[BUSY] * 50) as (shop, action):
        for _ in range(MAX_ATTEMPTS + 3):
            execute_permitted()
            now_due()
        assert now_is(action) == ("failed", "failed")
        assert len(shop.keys) == MAX_ATTEMPTS
        assert (ledger(action).retry_at, shop.effects) == (None, set())


@pytest.mark.parametrize(
    ("kind", "order", "status"), [("neither", BUSY, "failed"), ("keyed", BUSY, "failed"), ("keyed", DOWN, "uncertain")]
)
def test_a_stop_ends_the_wait_with_what_is_known(
    kind: str, order: tuple[Any, ...], status: str, world: World, settings: Any
) -> None:
    """ARMED: no further attempt begins. It is recorded at once, not when the wait would have been over."""
    with told(world, settings, kind, order) as (shop, action):
        execute_permitted()
        switch = stop(world, action)
        settle_quiet()
        switch.refresh_from_db()
        assert switch.quiet_at is not None, "nothing is in flight while a call waits"
        assert "approvals.tasks.execute_permitted" in sweep()
        assert execute_permitted() == 1
        assert now_is(action) == (status, status)
        assert len(shop.keys) == 1
        assert "It was not tried again: a stop was engaged." in ledger(action).error_text


def test_a_stop_makes_no_guess_of_what_a_service_still_works_on(world: World, settings: Any) -> None:
    with told(world, settings, "queryable", DOWN) as (shop, action):
        execute_permitted()
        stop(world, action)
        assert execute_permitted() == 1
        assert now_is(action) == ("uncertain", "uncertain")
        assert (len(shop.keys), shop.asked) == (1, 2)


def test_a_stop_that_was_lifted_again_has_ended_the_wait_too(world: World, settings: Any) -> None:
    with told(world, settings, "neither", BUSY) as (shop, action):
        execute_permitted()
        switch = stop(world, action)
        lift(actor=world.reviewer2, organization=world.organization.id, switch_id=switch.id)
        now_due()
        assert execute_permitted() == 1
        assert now_is(action) == ("failed", "failed")
        assert len(shop.keys) == 1


def test_the_permits_end_does_not_end_the_wait_for_it_was_used_in_time(world: World, settings: Any) -> None:
    settings.LAM_PERMIT_SECONDS = 4  # long enough to be claimed on a busy machine
    with told(world, settings, "neither", BUSY) as (shop, action):
        execute_permitted()
        until_it_is(action.permits.get().expires_at)
        now_due()
        assert execute_permitted() == 1
        assert now_is(action) == ("done", "done")
        assert len(shop.keys) == 2


CHANGES = {
    "the tool is switched off": lambda world, _: Tool.objects.filter(name="make_thing").update(enabled=False),
    "the policy has a new version": lambda world, _: new_policy(world),
    "the decider has left the team": lambda world, _: world.reviewer.groups.clear(),
    "the permit is revoked": lambda _, action: action.permits.update(revoked_at=Now()),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_no_longer_holds_is_not_tried_again(what: str, world: World, settings: Any) -> None:
    with told(world, settings, "neither", BUSY) as (shop, action):
        execute_permitted()
        CHANGES[what](world, action)
        now_due()
        assert execute_permitted() == 1
        assert now_is(action) == ("failed", "failed")
        assert len(shop.keys) == 1
        assert "what was decided no longer holds" in ledger(action).error_text


def test_a_run_that_was_called_off_is_not_carried_on_by_its_waiting_call(world: World, settings: Any) -> None:
    from lam_app.runs import cancel

    shop, run = Shop(BUSY), world.run()
    with rude(shop) as server:
        settings.LAM_EGRESS_PRIVATE = frozenset({server.place})
        offer(world.organization, a_contract(server.url))
        action = signed(world, tool="make_thing", arguments={"text": "once"}, run=run.id)
        execute_permitted()
        assert waits(action)
        cancel(actor=world.operator, organization=world.organization.id, run_id=run.id)
        now_due()
        execute_permitted()
    assert now_is(action) == ("failed", "failed")
    assert len(shop.keys) == 1


def test_the_death_of_who_put_it_off_changes_nothing(world: World, settings: Any) -> None:
    with told(world, settings, "neither", BUSY) as (_, action):
        execute_permitted()
        Worker.objects.update(ended_at=Now())
        assert waits(action), "it is no orphan: nobody was making its call"
        Worker.objects.update(ended_at=None)
        now_due()
        assert execute_permitted() == 1
        assert now_is(action) == ("done", "done")
        assert ledger(action).fence == 2


def test_f14_however_many_executors_find_it_due_one_calls(world: World, settings: Any) -> None:
    with told(world, settings, "neither", BUSY) as (shop, action):
        execute_permitted()
        now_due()
        assert sum(race(*[execute_permitted] * 8)) == 1
        assert now_is(action) == ("done", "done")
        assert len(shop.keys) == 2


def test_a_waiting_call_is_under_way_for_who_asks(world: World, settings: Any) -> None:
    from approvals.reading.card import card

    with told(world, settings, "neither", BUSY) as (_, action):
        execute_permitted()
        action.refresh_from_db()
        shown = card(action)
        assert (shown.live, [stage.state for stage in shown.stages][-1]) == (True, "now")
        assert json.loads(ledger(action).evidence)["http_status"] == 429
        assert {e.verb for e in shown.events} >= {"put_off"}
