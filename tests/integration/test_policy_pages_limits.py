"""Limits that were set on the policy's page hold as those beneath it do: in parts, without Redis, and in a race."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from approvals.services.propose import propose
from tests.support.paying import payment, set_free
from tests.support.racing import acting_as, race
from tests.support.walking import BACKEND
from tests.support.world import World

LIMIT = {
    "kind": "limits", "follows": "1", "why": "Splitting is no way around it.", "then": "save", "id": "a-day",
    "per": "initiator", "window": "1", "span": "86400", "answer": "review", "quorum": "1",
}  # fmt: skip
EUROS = {**LIMIT, "tools": "pay_odd", "counts": "amount", "most": "500", "unit": "EUR"}
CALLS = {**LIMIT, "tools": "put_odd", "counts": "calls", "most": "5"}


@pytest.fixture
def paying(world: World) -> World:
    set_free(world, "pay_odd", "put_odd")
    return world


def set_on_the_page(world: World, form: dict[str, str]) -> None:
    client = Client()
    client.force_login(world.administrator, backend=BACKEND)
    assert client.post("/policy/new/", form).status_code == 302


def proposed(world: World, tool: str, arguments: dict[str, Any]) -> str:
    return propose(world.proposal(tool, arguments)).status


def test_t35_small_parts_are_held_when_their_sum_passes_the_limit_of_the_form(paying: World) -> None:
    set_on_the_page(paying, EUROS)
    came = [proposed(paying, "pay_odd", payment("99")) for _ in range(8)]
    assert came == ["permitted"] * 5 + ["in_review"] * 3


def test_t36_a_limit_of_the_form_is_counted_without_redis(paying: World, settings: Any) -> None:
    from traces import doorbell

    set_on_the_page(paying, CALLS)
    assert [proposed(paying, "put_odd", {"thing": "a"}) for _ in range(5)] == ["permitted"] * 5
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    doorbell._redis.cache_clear()
    try:
        assert proposed(paying, "put_odd", {"thing": "b"}) == "in_review"
    finally:
        doorbell._redis.cache_clear()


def test_t37_of_twenty_at_once_as_many_pass_as_the_form_says(paying: World) -> None:
    set_on_the_page(paying, CALLS)
    proposals = [paying.proposal("put_odd", {"thing": str(number)}) for number in range(20)]
    with acting_as("worker"):
        came = race(*[lambda one=one: propose(one).status for one in proposals])
    assert (came.count("permitted"), came.count("in_review")) == (5, 15)
