"""Nothing that a reviewer sees of a canary is missing on real requests of the same agent, or the other way round."""

from __future__ import annotations

from approvals.models import Action, Grant
from approvals.reading.card import card
from approvals.services.grant import make_grant
from approvals.services.plant import plant
from tests.integration.test_t52_canaries import canary, runs_nothing, template
from tests.support.api import make_api
from tests.support.granting import TOOL, WANTED, allow, may_grant, pay
from tests.support.paying import payment
from tests.support.sql import REFUSED, connected_as, copied, refusal, without_guards
from tests.support.voting import just_now, status
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


def test_t52_a_yes_to_a_canary_and_to_calls_like_it_is_a_yes_and_no_refusal(world: World) -> None:
    """A refusal would tell whoever says yes to everything what it is, and leave them to say something else."""
    may_grant(world)
    bird = plant(template(world, tool=TOOL, arguments=payment("40")))
    assert bird is not None
    bird.refresh_from_db()
    made = make_grant(
        actor=world.reviewer,
        organization=world.organization.id,
        action_id=bird.id,
        digest=bird.digest,
        wanted=WANTED,
        signed_in_at=just_now(),
    )
    assert made is None
    assert not Grant.objects.exists()
    assert status(bird) == "withdrawn"
    assert [one.verb for one in bird.decisions.all()] == ["approve"]
    runs_nothing(bird)
    assert allow(world, pay(world)).reason == WANTED.reason  # as a real one is allowed


def test_t52_no_account_writes_a_grant_by_a_canarys_example(world: World) -> None:
    may_grant(world)
    real = allow(world, pay(world))
    bird = plant(template(world, tool=TOOL, arguments=payment("40")))
    assert bird is not None
    revision = bird.revisions.get()
    with connected_as("owner") as owner:
        said = refusal(owner, *copied("approvals_grant", real.pk, example_id=bird.pk, revision_id=revision.pk))
    assert said == (REFUSED, "approvals_grant: a canary is no example of what may happen")
