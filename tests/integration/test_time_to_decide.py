"""The time to decide: what rules give, what people add to it near its end, and what nobody adds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from approvals.exceptions import (
    AlreadyDecided,
    NoMoreTime,
    NotPermitted,
    PrincipalMayNotDecide,
    ReasonMissing,
    TimeRanOut,
    TooEarly,
)
from approvals.models import Action
from approvals.services.expire import expire
from approvals.services.prolong import prolong, window_of
from approvals.services.reject import reject
from approvals.services.window import extended_until, near
from tests.support.desking import does, on, told
from tests.support.sql import REFUSED, refusal, without_guards
from tests.support.voting import browser, policy, status
from tests.support.world import World
from tools.contract import Idempotency
from traces.clock import now

WINDOW = 3600


def waiting(world: World, seconds: int = WINDOW) -> Action:
    """A call that a rule gives people so many seconds for."""
    policy(world, rules=[{"id": "an-hour", "expires_seconds": seconds}])
    return world.staged()


def left(action: Action, seconds: int) -> None:
    """So many seconds of its time are left."""
    with without_guards() as admin:
        admin.execute(
            "UPDATE approvals_action SET expires_at = clock_timestamp() + make_interval(secs => %s) WHERE id = %s",
            [seconds, action.id],
        )
    action.refresh_from_db()


def test_a_rule_says_how_long_people_have(world: World) -> None:
    action = waiting(world)
    assert action.expires_at - action.created == pytest.approx(timedelta(seconds=WINDOW), abs=timedelta(seconds=5))
    policy(world)
    usual = world.staged()
    assert usual.expires_at - usual.created > timedelta(hours=3)


def test_in_the_last_part_a_person_gives_it_its_time_once_more_and_the_record_says_so(world: World) -> None:
    action = waiting(world)
    left(action, 60)
    before = action.expires_at
    does(world, prolong, "reviewer", action, reason="I wait for the customer.")
    action.refresh_from_db()
    assert action.expires_at - before == timedelta(seconds=WINDOW)
    assert (action.extended, action.status) == (1, "in_review")
    assert told(world, action)[-1] == "time_given"


def test_before_the_last_part_nobody_does(world: World) -> None:
    action = waiting(world)
    left(action, 301)
    with pytest.raises(TooEarly):
        does(world, prolong, "reviewer", action, reason="Early.")


def test_the_last_part_is_a_fifth_from_a_minute_to_five() -> None:
    assert [near(s) for s in (30, 600, 3600)] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=5)]


def test_it_is_done_twice_and_not_a_third_time(world: World) -> None:
    action = waiting(world, 60)
    for _ in range(2):
        left(action, 20)
        does(world, prolong, "reviewer", action, reason="Once more.")
        action.refresh_from_db()
    left(action, 20)
    with pytest.raises(NoMoreTime):
        does(world, prolong, "reviewer", action, reason="Again.")


def test_nothing_waits_for_longer_than_thirty_days(world: World) -> None:
    action = waiting(world, 86_400)
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET created = created - interval '29 days 23 hours 59 minutes'")
    left(action, 30)
    does(world, prolong, "reviewer", action, reason="To the end.")
    action.refresh_from_db()
    assert action.expires_at == action.created + timedelta(days=30)
    left(action, 30)
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET created = created - interval '1 hour'")
    with pytest.raises(NoMoreTime):
        does(world, prolong, "reviewer", action, reason="Beyond it.")


def test_a_key_that_the_other_side_forgets_bounds_it_too(world: World) -> None:
    action = waiting(world)
    seconds, contract = window_of(action)
    assert contract is not None
    short = replace(contract, idempotency=Idempotency.keyed(WINDOW + 60))
    assert extended_until(action, seconds, short) == action.created + timedelta(seconds=WINDOW + 60)


@pytest.mark.parametrize(
    ("who", "refused"), [("operator", PrincipalMayNotDecide), ("auditor", NotPermitted), ("developer", NotPermitted)]
)
def test_only_who_may_decide_gives_time(world: World, who: str, refused: type[Exception]) -> None:
    action = waiting(world)
    left(action, 30)
    with pytest.raises(refused):
        does(world, prolong, who, action, reason="Mine.")


def test_without_a_reason_after_its_end_or_once_decided_there_is_none(world: World) -> None:
    action, decided = waiting(world), world.staged()
    left(action, 30)
    with pytest.raises(ReasonMissing):
        does(world, prolong, "reviewer", action, reason=" ")
    left(action, -1)
    with pytest.raises(TimeRanOut):
        does(world, prolong, "reviewer", action, reason="Late.")
    expire()
    with pytest.raises(TimeRanOut):
        does(world, prolong, "reviewer", action, reason="Later still.")
    on(world, reject, "reviewer", decided)
    with pytest.raises(AlreadyDecided):
        does(world, prolong, "reviewer", decided, reason="Over.")


LATER = "UPDATE approvals_action SET expires_at = expires_at + interval '1 minute'"


@pytest.mark.parametrize(
    "sql",
    [
        f"{LATER} WHERE id = %s",
        f"{LATER}, extended = extended + 2 WHERE id = %s",
        "UPDATE approvals_action SET extended = extended + 1 WHERE id = %s",
        f"{LATER.replace('+', '-')}, extended = extended + 1 WHERE id = %s",
        f"{LATER.replace('1 minute', '31 days')}, extended = extended + 1 WHERE id = %s",
        f"{LATER}, extended = extended + 1 WHERE id = %s",  # and no event tells of it
    ],
)
def test_the_database_lets_time_be_given_in_no_other_way(world: World, as_web: Any, sql: str) -> None:
    action = waiting(world)
    assert refusal(as_web, sql, [action.id])[0] == REFUSED


def test_no_worker_gives_time(world: World, as_worker: Any) -> None:
    action = waiting(world)
    refused = refusal(as_worker, f"{LATER}, extended = extended + 1 WHERE id = %s", [action.id])
    assert refused[0] == REFUSED
    assert "people give themselves" in refused[1]


def test_the_card_warns_and_offers_it_in_the_last_part_alone(world: World) -> None:
    action = waiting(world)
    reviewer = browser(world, "reviewer")
    path = f"/actions/{action.pk}/"
    assert b"Give it more time" not in reviewer.get(path).content
    left(action, 60)
    assert b"Give it more time" in reviewer.get(path).content
    assert b"Time that runs out is a no." in browser(world, "operator").get(path).content
    answer = reviewer.post(f"{path}assign/", {"what": "prolong", "reason": "I wait for the customer."})
    assert answer.status_code == 302
    action.refresh_from_db()
    assert action.extended == 1
    assert action.expires_at > now() + timedelta(minutes=50)
    assert b"Give it more time" not in reviewer.get(path).content


def test_an_open_card_learns_that_the_last_part_began(world: World) -> None:
    action = waiting(world)
    reviewer = browser(world, "reviewer")
    events = len(told(world, action))
    seen = f"in_review.1.0.-.{events}"
    live = f"/actions/{action.pk}/live/"
    assert reviewer.get(live, {"seen": seen}).status_code == 204
    left(action, 60)
    answer = reviewer.get(live, {"seen": seen})
    assert answer.status_code == 200
    assert b"Give it more time" in answer.content


def test_more_time_approves_nothing(world: World) -> None:
    action = waiting(world, 60)
    left(action, 20)
    does(world, prolong, "reviewer", action, reason="Once more.")
    left(action, -1)
    expire()
    assert status(action) == "expired"
