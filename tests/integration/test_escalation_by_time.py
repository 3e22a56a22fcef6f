"""What nobody takes is brought before more people, step by step: asked, never decided, and each step once."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from approvals.exceptions import NotPermitted
from approvals.models import Action, Escalation
from approvals.services.assign import assign, let_go
from approvals.services.edit import edit
from approvals.services.escalation import escalate_due
from approvals.services.reject import reject
from tests.support.desking import does, on, told
from tests.support.racing import race
from tests.support.sql import NO_RIGHT, REFUSED, refusal, without_guards
from tests.support.voting import browser, just_now, policy, reviewer, status, team, yes
from tests.support.world import MESSAGE, World

CHAIN = [{"after": 600, "team": "managers"}, {"after": 1800, "team": "directors"}]


def waiting(world: World, **rule: Any) -> Action:
    """A call whose rule names a chain."""
    policy(world, rules=[{"id": "chain", "escalation": CHAIN, **rule}])
    return world.staged()


def later(minutes: int) -> None:
    """So many minutes have passed for every step."""
    with without_guards() as admin:
        admin.execute("UPDATE approvals_escalation SET due_at = due_at - make_interval(mins => %s)", [minutes])


def asked(action: Action) -> list[str]:
    """Whom time brought it before, so far."""
    done = Escalation.objects.filter(action=action, done_at__isnull=False)
    return list(done.order_by("number").values_list("team", flat=True))


def test_nobody_is_asked_before_it_is_time_and_each_team_once_after(world: World) -> None:
    action = waiting(world)
    assert escalate_due() == 0
    assert asked(action) == []
    later(10)
    assert escalate_due() == 1
    assert asked(action) == ["managers"]
    assert escalate_due() == 0
    later(20)
    assert escalate_due() == 1
    assert asked(action) == ["managers", "directors"]
    assert escalate_due() == 0
    assert told(world, action).count("asked_team") == 2


def test_it_marks_the_action_and_lowers_nothing(world: World) -> None:
    action = waiting(world, quorum=2)
    later(10)
    escalate_due()
    action.refresh_from_db()
    assert action.escalated_at is not None
    assert (action.quorum, action.status, action.expires_at > action.created + timedelta(hours=1)) == (
        2, "in_review", True,
    )  # fmt: skip
    yes(world, world.reviewer, action)
    assert status(action) == "in_review"  # one yes is as little as before


def test_a_team_without_the_right_is_asked_and_still_may_not_decide(world: World) -> None:
    team(world, "managers", world.developer)
    action = waiting(world)
    later(10)
    escalate_due()
    assert Escalation.objects.get(action=action, number=1).able == 0
    with pytest.raises(NotPermitted):
        yes(world, world.developer, action)


def test_the_step_says_how_many_of_the_team_could_decide(world: World) -> None:
    other = reviewer(world, "manager-who-reviews")
    team(world, "managers", other, world.developer, world.operator)
    action = waiting(world)
    later(10)
    escalate_due()
    assert Escalation.objects.get(action=action, number=1).able == 1
    yes(world, other, action)
    assert status(action) == "permitted"


def test_what_somebody_has_taken_waits_until_it_is_let_go_of(world: World) -> None:
    action = waiting(world)
    does(world, assign, "reviewer", action)
    later(10)
    assert escalate_due() == 0
    does(world, let_go, "reviewer", action)
    assert escalate_due() == 1


def test_what_is_decided_asks_nobody_any_more(world: World) -> None:
    action = waiting(world)
    on(world, reject, "reviewer", action)
    later(60)
    assert escalate_due() == 0
    assert asked(action) == []
    assert set(Escalation.objects.values_list("skipped", flat=True)) == {True}


def test_another_revision_has_steps_of_its_own_from_then_on(world: World) -> None:
    action = waiting(world)
    changed = {**MESSAGE, "body": "Your order 1009 is delayed until Monday."}
    on(world, edit, "reviewer", action, arguments=changed, signed_in_at=just_now())
    assert Escalation.objects.filter(action=action, revision=2).count() == 2
    with without_guards() as admin:
        admin.execute("UPDATE approvals_escalation SET due_at = due_at - interval '1 hour' WHERE revision = 1")
    assert escalate_due() == 0
    assert asked(action) == []


def test_sweepers_that_race_do_each_step_once(world: World) -> None:
    actions = [waiting(world) for _ in range(6)]
    later(10)
    counts = race(escalate_due, escalate_due, escalate_due)
    assert sum(counts) == len(actions)
    assert all(told(world, action).count("asked_team") == 1 for action in actions)


def test_a_rule_without_a_chain_writes_no_step(world: World) -> None:
    world.staged()
    assert not Escalation.objects.exists()


def test_the_database_does_no_step_early_twice_untold_or_by_hand(world: World, as_worker: Any, as_web: Any) -> None:
    waiting(world)
    step = Escalation.objects.order_by("number").first()
    assert step is not None
    done = "UPDATE approvals_escalation SET done_at = clock_timestamp() WHERE id = %s"
    assert refusal(as_worker, done, [step.id]) == (REFUSED, f"approvals_escalation: it is not time for step {step.id}")
    assert refusal(as_web, done, [step.id])[0] == NO_RIGHT
    later(10)
    code, said = refusal(as_worker, done, [step.id])
    assert code == REFUSED
    assert "no event tells" in said
    escalate_due()
    assert refusal(as_worker, done, [step.id]) == (REFUSED, f"approvals_escalation: step {step.id} is over")


def test_a_worker_marks_nothing_as_escalated_but_what_a_step_was_done_for(world: World, as_worker: Any) -> None:
    action = waiting(world)
    sql = "UPDATE approvals_action SET escalated_at = clock_timestamp() WHERE id = %s"
    assert refusal(as_worker, sql, [action.id])[0] == REFUSED


def words(world: World, action: Action) -> str:
    """What the card says to a reviewer, without its markup."""
    card = browser(world, "reviewer").get(f"/actions/{action.pk}/").content.decode()
    return " ".join(re.sub(r"<[^>]+>", "", card).split())


def test_the_card_says_whom_it_goes_to_and_whom_it_went_to(world: World) -> None:
    action = waiting(world)
    card = words(world, action)
    assert "Goes to managers too" in card
    assert "Goes to directors too" in card
    later(10)
    escalate_due()
    card = words(world, action)
    assert "Went to managers" in card
    assert "Goes to directors too" in card
