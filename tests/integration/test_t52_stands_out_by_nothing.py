"""Nothing that a reviewer sees of a canary is missing on real requests of the same agent, or the other way round."""

from __future__ import annotations

from approvals.models import Action
from approvals.reading.card import card
from tests.integration.test_t52_canaries import canary
from tests.support.api import make_api
from tests.support.sql import without_guards
from tests.support.world import MESSAGE, World


def last_real(world: World, **said: object) -> Action:
    """A real request of the tool's own agent, which is over."""
    api = make_api(world)
    answer = api.bot.post("actions", {"tool": "send_message", "arguments": MESSAGE, **said})
    assert answer.status_code == 202
    real = Action.objects.get(pk=answer.json()["id"])
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET status = 'rejected' WHERE id = %s", [real.pk])
    return real


def test_t52_an_agent_that_says_how_sure_it_is_says_so_of_a_canary_too(world: World) -> None:
    real = last_real(world, confidence=0.9)
    bird = canary(world)
    assert (bird.stated_confidence, bird.origin, bird.step) == (real.stated_confidence, real.origin, real.step)
    assert card(bird).stated_percent == 90


def test_t52_one_that_never_does_says_nothing_of_a_canary_either(world: World) -> None:
    last_real(world)
    assert canary(world).stated_confidence is None


def test_t52_whoever_stands_behind_an_agents_calls_stands_behind_a_canary_too(world: World) -> None:
    real = last_real(world)
    behind = sorted([*real.principals, world.reviewer2.pk])
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET principals = %s WHERE id = %s", [behind, real.pk])
    assert sorted(canary(world).principals) == behind
