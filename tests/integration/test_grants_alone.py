"""Who allows calls beforehand is somebody whose own yes was enough for the one that is shown: both, or neither."""

import pytest

from approvals.exceptions import GrantRefused
from approvals.models import Action, Grant
from tests.support.granting import TOOL, allow, may_grant, pay
from tests.support.paying import decree
from tests.support.world import World


def test_whoever_cannot_let_the_example_go_alone_allows_nothing_like_it(world: World) -> None:
    may_grant(world)
    decree(world, rules=[{"id": "two", "about": {"tools": [TOOL]}, "quorum": 2, "reason": "Two look."}])
    shown = pay(world)
    assert shown.quorum == 2
    decree(world)  # what waits keeps the number of people that it was ruled with
    with pytest.raises(GrantRefused, match="somebody else's yes too"):
        allow(world, shown)
    assert Action.objects.get(id=shown.id).status == "in_review"
    assert not Grant.objects.exists()
    assert not shown.decisions.exists()
    assert pay(world).status == "in_review"
