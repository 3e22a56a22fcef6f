"""Grants under a race: of those who ask at the same moment as many go as the grant says; Redis counts nothing."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from approvals.models import GrantUse
from approvals.services.grant import revoke_grant
from approvals.services.propose import propose
from tests.support.granting import TOOL, allow, may_grant, pay
from tests.support.paying import payment
from tests.support.racing import acting_as, race
from tests.support.world import World
from traces import doorbell

TOGETHER = 100


def together(world: World, amount: str) -> list[str]:
    proposals = [world.proposal(TOOL, payment(amount)) for _ in range(TOGETHER)]
    with acting_as("worker"):
        came = race(*[lambda one=one: propose(one).status for one in proposals])
    assert set(came) <= {"permitted", "in_review"}, [one for one in came if not isinstance(one, str)]
    return came


def test_t37_of_a_hundred_calls_at_once_exactly_one_has_the_last_use(world: World) -> None:
    may_grant(world)
    grant = allow(world, uses=2)
    assert pay(world, "1").status == "permitted"
    assert together(world, "1").count("permitted") == 1
    assert sorted(GrantUse.objects.filter(grant=grant).values_list("used_before", flat=True)) == [0, 1]


@pytest.fixture
def no_redis(settings: Any) -> Iterator[None]:
    """Nothing answers where Redis was."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    doorbell._redis.cache_clear()
    yield
    doorbell._redis.cache_clear()


def test_t36_the_total_of_a_grant_is_kept_without_any_redis(world: World, no_redis: None) -> None:
    may_grant(world)
    grant = allow(world, uses=1000, total="250")
    assert together(world, "99").count("permitted") == 2
    assert sum(GrantUse.objects.filter(grant=grant).values_list("amount", flat=True), Decimal(0)) == 198


def test_after_a_grant_is_revoked_nobody_who_raced_with_that_is_let_go_again(world: World) -> None:
    may_grant(world)
    grant = allow(world, uses=1000, total="1000")
    proposals = [world.proposal(TOOL, payment("1")) for _ in range(20)]

    def end() -> object:
        return revoke_grant(
            actor=world.reviewer, organization=world.organization.id, grant_id=grant.id, reason="No more of these."
        )

    came = race(end, *[lambda one=one: propose(one).status for one in proposals])
    assert not isinstance(came[0], Exception)
    assert set(came[1:]) <= {"permitted", "in_review"}
    assert pay(world, "1").status == "in_review"
    assert GrantUse.objects.filter(released_at=None).count() == came.count("permitted")
