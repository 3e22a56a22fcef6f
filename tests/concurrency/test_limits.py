"""Limits under a race: those who ask at the same moment are counted one after the other, and Redis counts nothing."""

import shutil
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from redis import Redis as Client

from approvals.models import Action, Reservation, Tally
from approvals.services.propose import propose
from approvals.services.reserve import release_settled
from approvals.services.withdraw import withdraw_run
from lam_app.supervisor.embedded import Redis
from lam_app.supervisor.places import arrange
from tests.support.api import outside_agent
from tests.support.paying import calls, decree, euros, payment, set_free
from tests.support.racing import acting_as, race, racers
from tests.support.services import running
from tests.support.sql import speaking_as
from tests.support.world import World
from traces import doorbell
from traces.ids import uuid7
from traces.services import Actor

TOGETHER = 100
RESERVE = "SELECT * FROM approvals_reserve(%s, %s, %s::text[], %s::text[], %s::integer[], %s::numeric[], %s::text[])"


def asking(world: World, tool: str, arguments: dict[str, Any], **changes: Any) -> Any:
    """One proposal, to be made in a thread: the status that came of it."""
    proposal = world.proposal(tool, arguments, **changes)
    return lambda: propose(proposal).status


def withdrawn(actions: list[Action]) -> None:
    """Whoever asked for these no longer does."""
    for action in actions:
        with transaction.atomic():
            withdraw_run(
                organization=action.organization_id, run=action.run, actor=Actor.system("tests"), reason="Not wanted."
            )


@pytest.fixture
def paying(world: World) -> World:
    set_free(world, "pay_odd", "put_odd")
    return world


@pytest.fixture
def own_redis(settings: Any) -> Iterator[Client]:
    """A Redis that this test may flush, in the product's place for it."""
    home = Path(tempfile.mkdtemp(prefix="cs-limits-"))
    places = arrange(home)
    redis = Redis(places, "only-for-this-test")
    redis.prepare()
    try:
        with running(redis.program()), Client.from_url(redis.url()) as client:
            settings.REDIS_URL = redis.url()
            doorbell._redis.cache_clear()
            yield client
    finally:
        doorbell._redis.cache_clear()
        shutil.rmtree(places.shared, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def test_t37_of_a_hundred_proposals_at_once_exactly_as_many_pass_as_the_limit_says(paying: World) -> None:
    decree(paying, calls(40, "put_odd"))
    with acting_as("worker"):
        came = race(*[asking(paying, "put_odd", {"thing": str(n)}) for n in range(TOGETHER)])
    assert {status: came.count(status) for status in set(came)} == {"permitted": 40, "in_review": 60}
    # each of them found another count: nobody looked while somebody else was counting
    assert sorted(Reservation.objects.values_list("used_before", flat=True)) == list(range(TOGETHER))
    assert sum(Tally.objects.values_list("used", flat=True)) == TOGETHER


def test_t35_a_large_amount_in_small_parts_is_held_when_their_total_passes_the_limit(paying: World) -> None:
    """Each payment stays below what one may be; their sum over a day is what counts."""
    more_than_100 = {
        "id": "large-payments",
        "about": {"tools": ["pay_odd"]},
        "when": [{"argument": "amount", "compares": ">", "value": 100}],
    }
    decree(paying, euros(500), rules=[more_than_100])
    came = []
    with acting_as("worker"), racers(20) as begin:
        for _ in range(5):
            came += begin(*[asking(paying, "pay_odd", payment("99")) for _ in range(20)])
    assert {status: came.count(status) for status in set(came)} == {"permitted": 5, "in_review": 95}
    held = propose(paying.proposal("pay_odd", payment("100.01")))
    assert held.status == "in_review"


def test_t36_what_was_counted_is_still_counted_when_redis_is_flushed(paying: World, own_redis: Client) -> None:
    decree(paying, calls(3, "put_odd"))
    assert [asking(paying, "put_odd", {"thing": "a"})() for _ in range(4)] == ["permitted"] * 3 + ["in_review"]
    assert own_redis.dbsize() > 0  # this is the Redis that the product speaks to
    own_redis.flushall()
    assert asking(paying, "put_odd", {"thing": "a"})() == "in_review"


def test_the_exposure_of_a_day_is_that_of_the_organization_whichever_agent_asks(paying: World) -> None:
    decree(paying, exposure={"EUR": 300})
    agents = [paying.agent.id, outside_agent(paying.organization, paying.developer, "pay_odd").id]
    with acting_as("worker"):
        came = race(*[asking(paying, "pay_odd", payment("99"), agent=agents[n % 2]) for n in range(20)])
    assert {status: came.count(status) for status in set(came)} == {"permitted": 3, "in_review": 17}


def test_in_whatever_order_limits_are_named_nobody_waits_in_a_circle(paying: World) -> None:
    """Plain SQL, because the product's code names them in one order already; another caller need not."""
    keys = [f"limit-{n}" for n in range(12)]

    def counting(keys: list[str]) -> Any:
        many = len(keys)
        said = [keys, keys, [60] * many, [1] * many, [""] * many]
        with speaking_as("worker") as worker:
            counted = worker.execute(RESERVE, [paying.organization.id, uuid7(), *said]).fetchall()
            worker.rollback()  # there is no such action
        return len(counted)

    for _ in range(3):
        came = race(*[lambda n=n: counting(keys if n % 2 else keys[::-1]) for n in range(20)])
        assert came == [len(keys)] * 20


def test_giving_back_while_others_count_leaves_the_sum_exact(paying: World) -> None:
    """Refused calls are given back by two sweeps at once, while new ones are counted under the same key."""
    decree(paying, euros(1_000_000))
    withdrawn([propose(paying.proposal("pay_odd", payment("10"))) for _ in range(10)])
    with acting_as("worker"):
        came = race(*[lambda: release_settled(50)] * 2, *[asking(paying, "pay_odd", payment("1")) for _ in range(10)])
    assert sum(came[:2]) == 10
    assert came[2:] == ["permitted"] * 10
    assert sum(Tally.objects.values_list("amount", flat=True)) == Decimal(10)
    assert Reservation.objects.filter(released_at=None).count() == 10
