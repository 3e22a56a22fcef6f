"""Stop means stop: once ``engage`` has returned, no claim under it commits; release needs a second person."""

import random
import threading
import time
from typing import Any

import pytest
from django.db import DatabaseError, connections, transaction
from guardian.shortcuts import assign_perm

from approvals.exceptions import Halted
from approvals.models import Action, Permit
from approvals.services import execute
from approvals.services.halt import halt
from approvals.tasks import _claim, execute_permitted, sign_permits
from tests.support.permits import signed
from tests.support.racing import race
from tests.support.sql import refusal, speaking_as
from tests.support.stops import lift
from tests.support.world import World, approved
from tools.exceptions import AlreadyReleased, MayNotStop, NotEased, SecondPersonNeeded, StopNotFound, StopRefused
from tools.executor import hold
from tools.killswitch import ease, engage, release, settle_quiet
from tools.models import Execution, KillSwitch, OutboxMessage
from tools.presence import Presence
from tools.states import STOPPED
from traces.clock import now
from traces.models import Event

TRIALS = 100


def stop(world: World, scope: str = "organization", target: Any = None, by: str = "reviewer") -> KillSwitch:
    return engage(
        actor=world.people[by], organization=world.organization.id, scope=scope, target=target, reason="Stop it."
    )


def let_go(world: World, switch: KillSwitch, by: str = "reviewer2") -> KillSwitch:
    return lift(actor=world.people[by], organization=world.organization.id, switch_id=switch.id)


def test_t109_after_a_stop_is_armed_no_claim_under_it_commits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many runs, each stopped at a random moment while executors claim; what each stop saw is all there ever is."""
    monkeypatch.setattr("approvals.tasks.BATCH", 2)  # many small claims, so that many stops fall beside one
    chance = random.Random(2026)
    actions = [world.staged() for _ in range(TRIALS)]
    for action in actions:
        approved(world, action)
    while sign_permits():
        pass
    chance.shuffle(actions)
    over = threading.Event()
    seen: dict[Any, bool] = {}
    begun = threading.Barrier(3)

    def claiming() -> None:
        try:
            begun.wait()
            while not over.is_set():
                execute_permitted()
        finally:
            connections.close_all()

    executors = [threading.Thread(target=claiming) for _ in range(2)]
    for one in executors:
        one.start()
    begun.wait()
    try:
        for action in actions:
            stop(world, "run", action.run)
            seen[action.id] = Execution.objects.filter(action=action.id).exists()
            time.sleep(chance.random() / 500)  # at another moment of the claims each time; nothing is waited for
    finally:
        over.set()
        for one in executors:
            one.join()
    execute_permitted()
    claimed = set(Execution.objects.values_list("action", flat=True))
    assert {action for action, was in seen.items() if was} == claimed
    unsent = Execution.objects.filter(status="failed", error_code=STOPPED).count()
    assert OutboxMessage.objects.count() == len(claimed) - unsent  # claimed in time, and stopped before the call
    assert 0 < len(claimed) < TRIALS  # some were first and some came too late, or nothing was tried


def test_a_claim_that_looked_before_the_stop_and_locks_after_it_sees_it(world: World) -> None:
    signed(world)
    waiting = execute.waiting(20)
    stop(world)
    presence = Presence("executor")
    try:
        assert _claim(waiting, presence) == []
    finally:
        presence.leave()


def test_a_stop_waits_for_the_claim_that_was_first_and_the_claim_after_it_waits_for_the_stop(world: World) -> None:
    for _ in range(10):
        action = signed(world)
        claimed, switch = race(execute_permitted, lambda action=action: stop(world, "run", action.run))
        assert claimed == Execution.objects.filter(action=action.id).count()
        assert isinstance(switch, KillSwitch)


def test_t31_what_was_about_to_leave_is_halted_and_its_permit_revoked(world: World) -> None:
    leaving, waiting = signed(world), world.staged()
    assert halt() == 0
    stop(world, "initiator", world.operator.pk)
    assert execute_permitted() == 0
    assert halt() == 1
    leaving.refresh_from_db()
    assert (leaving.status, leaving.settled_at is not None) == ("halted", True)
    assert Permit.objects.get().revoked_because
    assert Action.objects.get(id=waiting.id).status == "in_review"
    assert not OutboxMessage.objects.exists()


def test_a_stop_over_something_else_stops_nothing_here(world: World) -> None:
    action, other = signed(world), signed(world)
    stop(world, "run", other.run)
    engage(actor=world.outsider, organization=world.elsewhere.id, scope="organization", target=None, reason="Ours.")
    assert execute_permitted() == 1
    assert Action.objects.get(id=action.id).status == "done"


def test_what_is_proposed_under_a_stop_is_denied(world: World) -> None:
    stop(world)
    assert world.staged().status == "denied"


def test_old_permits_stay_void_after_the_release(world: World) -> None:
    action = signed(world)
    let_go(world, stop(world))
    assert execute_permitted() == 0
    assert not OutboxMessage.objects.exists()
    action.refresh_from_db()
    assert action.status == "in_review"


def test_release_needs_a_second_person_who_may(world: World) -> None:
    switch = stop(world)
    with pytest.raises(SecondPersonNeeded):
        let_go(world, switch, by="reviewer")
    for name in ("operator", "auditor", "developer", "outsider"):
        with pytest.raises(MayNotStop):
            let_go(world, switch, by=name)
    with pytest.raises(StopNotFound):
        release(actor=world.outsider, organization=world.elsewhere.id, switch_id=switch.id)
    assert let_go(world, switch, by="administrator").released_at is not None
    with pytest.raises(AlreadyReleased):
        let_go(world, switch)
    assert [e.verb for e in Event.objects.about(world.organization.id, switch.id)] == [
        "stop_engaged",
        "stop_eased",
        "stop_released",
    ]


def test_a_stop_is_lifted_in_two_stages_and_nothing_leaves_between_them(world: World) -> None:
    waiting = world.staged()
    switch = stop(world)
    asked = {"actor": world.reviewer2, "organization": world.organization.id, "switch_id": switch.id}
    with pytest.raises(Halted):
        approved(world, waiting, by="reviewer2")
    with pytest.raises(NotEased):
        release(**asked)
    ease(**asked)
    approved(world, waiting, by="reviewer2")
    assert sign_permits() == 0
    assert halt() == 0
    waiting.refresh_from_db()
    assert (waiting.status, world.staged().status) == ("permitted", "in_review")
    release(**asked)
    assert sign_permits() == 1
    assert execute_permitted() == 1


def test_a_stage_is_passed_once(world: World) -> None:
    switch = stop(world)
    asked = {"actor": world.reviewer2, "organization": world.organization.id, "switch_id": switch.id}
    ease(**asked)
    with pytest.raises(AlreadyReleased):
        ease(**asked)
    with speaking_as("web", world.organization.id) as web:
        assert refusal(web, "UPDATE tools_killswitch SET eased_at = clock_timestamp()")[0] == "CS001"


def test_t110_no_stage_is_skipped_by_plain_sql(world: World) -> None:
    stop(world)
    with speaking_as("web", world.organization.id) as web:
        said = refusal(
            web,
            "UPDATE tools_killswitch SET released_at = clock_timestamp(), released_by_id ="
            " (SELECT id FROM accounts_user WHERE username = 'reviewer2')",
        )
        assert said[0] == "23514"
        assert "kill_eased_before_released" in said[1]


def test_of_two_who_release_at_once_one_does(world: World) -> None:
    switch = stop(world)
    asked = {"organization": world.organization.id, "switch_id": switch.id}
    ease(actor=world.reviewer2, **asked)
    came = race(*(lambda by=by: release(actor=world.people[by], **asked) for by in ("reviewer2", "administrator")))
    assert sorted(type(one).__name__ for one in came) == ["AlreadyReleased", "KillSwitch"]


def test_t110_plain_sql_cannot_release_as_the_one_who_engaged_nor_undo_or_blur_a_stop(world: World) -> None:
    stop(world)
    with speaking_as("web", world.organization.id) as web:
        code, words = refusal(
            web,
            "UPDATE tools_killswitch SET eased_at = now(), released_at = now(), released_by_id = engaged_by_id,"
            " eased_by_id = (SELECT id FROM accounts_user WHERE username = 'reviewer2')",
        )
        assert (code, "second_person" in words) == ("23514", True)
    for account in ("web", "worker"):
        with speaking_as(account, world.organization.id) as speaking:
            for attempt in (
                "DELETE FROM tools_killswitch",
                "TRUNCATE tools_killswitch",
                "UPDATE tools_killswitch SET epoch = 0",
                "UPDATE tools_killswitch SET scope_key = 'run:x'",
                "SELECT setval('tools_kill_epoch', 1)",
            ):
                assert refusal(speaking, attempt)[0] in {"42501", "CS001"}, attempt


def test_t110_plain_sql_cannot_release_as_nobody(world: World) -> None:
    stop(world)
    with speaking_as("web", world.organization.id) as web:
        assert refusal(web, "UPDATE tools_killswitch SET released_at = clock_timestamp()")[0] in {"23514", "CS001"}


def test_who_may_stop_what_and_with_which_words(world: World) -> None:
    for name in ("operator", "auditor", "developer", "outsider"):
        with pytest.raises(MayNotStop):
            stop(world, by=name)
    for scope, target in (("everything", None), ("planet", None), ("run", None)):
        with pytest.raises(StopRefused):
            stop(world, scope, target)
    with pytest.raises(StopRefused):
        engage(actor=world.reviewer, organization=world.organization.id, scope="organization", target=None, reason=" ")
    assert not KillSwitch.objects.exists()


def test_quiet_comes_when_nothing_in_flight_is_left(world: World) -> None:
    signed(world)
    presence = Presence("executor")
    try:
        _claim(execute.waiting(20), presence)
        switch = stop(world)
        settle_quiet()
        switch.refresh_from_db()
        assert switch.quiet_at is None
    finally:
        presence.leave()  # known dead from here on
    settle_quiet()
    switch.refresh_from_db()
    assert switch.quiet_at is not None
    assert switch.armed_at <= switch.quiet_at <= now()


def test_t110_a_lock_on_other_rows_delays_no_stop(world: World) -> None:
    action = signed(world)
    with speaking_as("worker") as busy:
        busy.execute("SELECT 1 FROM approvals_action WHERE id = %s FOR UPDATE", [action.id])
        before = now()
        assert (stop(world).armed_at - before).total_seconds() < 1
        busy.rollback()


def test_whoever_holds_the_right_on_a_tool_stops_that_tool_and_nothing_wider(world: World) -> None:
    assign_perm("stop_tool", world.developer, world.tool())
    with pytest.raises(MayNotStop):
        stop(world, by="developer")
    with pytest.raises(MayNotStop):
        stop(world, "tool", world.tool("write_note").id, by="developer")
    assert stop(world, "tool", world.tool().id, by="developer").scope == "tool"


def test_t110_a_claimer_that_was_paused_while_it_held_the_locks_keeps_no_stop_from_being_armed(world: World) -> None:
    action = signed(world)
    held, over = threading.Event(), threading.Event()
    ended: list[BaseException] = []

    def paused() -> None:
        try:
            with transaction.atomic():
                hold(action.scopes)
                held.set()
                over.wait(30)
                execute.waiting(1)
        except DatabaseError as error:
            ended.append(error)
        finally:
            connections.close_all()

    claimer = threading.Thread(target=paused)
    claimer.start()
    assert held.wait(10)
    switch = stop(world, "run", action.run)
    over.set()
    claimer.join()
    assert switch.armed_at is not None
    assert len(ended) == 1
    assert not Execution.objects.exists()
