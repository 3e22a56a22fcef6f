"""take_back: for so many seconds after the last yes nothing leaves, and whoever said it can take it back."""

from typing import Any

import psycopg
import pytest

from approvals.exceptions import NothingToTakeBack, TooLate
from approvals.models import Action, Decision, Permit
from approvals.services.expire import expire
from approvals.services.leave import leave
from approvals.services.take_back import take_back
from approvals.services.veto import veto
from approvals.tasks import execute_permitted, sign_permits
from tests.support.desking import on, overdue, told
from tests.support.sql import EVENT, REFUSED, refusal, without_guards
from tests.support.voting import browser, decide, status, two_needed, yes
from tests.support.world import World
from tools.killswitch import engage
from tools.models import OutboxMessage


@pytest.fixture(autouse=True)
def _ten_seconds(settings: Any) -> None:
    settings.LAM_TAKEBACK_SECONDS = 10


def approved(world: World) -> Action:
    action = world.staged()
    yes(world, world.reviewer, action)
    action.refresh_from_db()
    return action


def test_what_was_approved_waits_and_leaves_when_its_time_is_over(world: World) -> None:
    action = approved(world)
    assert (action.status, action.revision) == ("scheduled", 1)
    assert 8 < (action.due_at - Decision.objects.get().created).total_seconds() < 12
    assert (leave(), sign_permits(), execute_permitted()) == (0, 0, 0)
    assert not OutboxMessage.objects.exists()
    overdue(action)
    assert (leave(), sign_permits(), execute_permitted()) == (1, 1, 1)
    assert (status(action), OutboxMessage.objects.count()) == ("done", 1)
    assert Permit.objects.get().deciders == [world.reviewer.pk]
    assert "approved" in told(world, action)


def test_a_yes_that_is_taken_back_lets_nothing_leave_and_can_be_given_anew(world: World) -> None:
    action = approved(world)
    on(world, take_back, "reviewer", action, "")
    action.refresh_from_db()
    assert (action.status, action.revision, action.due_at) == ("in_review", 2, None)
    overdue(action)
    assert (leave(), sign_permits(), execute_permitted()) == (0, 0, 0)
    assert told(world, action)[-1] == "taken_back"
    yes(world, world.reviewer, action)
    assert status(action) == "scheduled"


def test_everybodys_yes_counts_no_more(world: World) -> None:
    action = two_needed(world)
    yes(world, world.reviewer, action)
    assert status(action) == "in_review"
    yes(world, world.reviewer2, action)
    on(world, take_back, "reviewer", action, "")
    action.refresh_from_db()
    yes(world, world.reviewer, action)
    assert Decision.objects.filter(revision__number=2).count() == 1
    if action.quorum == 2:
        assert status(action) == "in_review"


def test_only_who_said_yes_takes_it_back_and_others_object(world: World) -> None:
    action = approved(world)
    with pytest.raises(NothingToTakeBack):
        on(world, take_back, "reviewer2", action, "")
    on(world, veto, "reviewer2", action, "No.")
    assert status(action) == "rejected"


def test_once_it_left_it_is_too_late(world: World) -> None:
    action = approved(world)
    overdue(action)
    leave()
    with pytest.raises(TooLate):
        on(world, take_back, "reviewer", action, "")
    assert status(action) == "permitted"


def test_t24_whoever_loses_the_right_within_those_seconds_takes_the_yes_along(world: World) -> None:
    action = approved(world)
    world.reviewer.is_active = False
    world.reviewer.save()
    overdue(action)
    assert (leave(), sign_permits(), execute_permitted()) == (1, 0, 0)
    assert (status(action), OutboxMessage.objects.count()) == ("in_review", 0)


def test_a_stop_keeps_it_back_as_anything_else(world: World) -> None:
    action = approved(world)
    engage(
        actor=world.reviewer, organization=world.organization.id, scope="tool", target=action.tool_id, reason="a drill"
    )
    overdue(action)
    assert leave() == 0


def test_with_no_time_it_leaves_at_once(world: World, settings: Any) -> None:
    settings.LAM_TAKEBACK_SECONDS = 0
    assert approved(world).status == "permitted"


def test_what_stood_scheduled_beyond_its_time_to_decide_is_still_signed(world: World) -> None:
    action = approved(world)
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET expires_at = now() - interval '1 day'")
    overdue(action)
    assert (leave(), expire(), sign_permits()) == (1, 0, 1)


def test_t22_plain_sql_neither_shortens_the_time_nor_brings_it_back_with_its_votes(
    world: World, as_worker: psycopg.Connection[Any]
) -> None:
    action = approved(world)
    as_worker.execute(EVENT, {"subject": action.id, "target": "permitted"})
    as_worker.commit()
    assert refusal(as_worker, "UPDATE approvals_action SET due_at = now()")[0] == REFUSED
    for more in ("", ", due_at = now() - interval '1 hour'", ", due_at = NULL"):
        assert refusal(as_worker, f"UPDATE approvals_action SET status = 'permitted' {more}")[0] == REFUSED
    code, words = refusal(as_worker, "UPDATE approvals_action SET status = 'in_review', due_at = NULL")
    assert (code, "as a new revision" in words) == (REFUSED, True)


def test_the_form_takes_back(world: World) -> None:
    action = world.staged()
    client = browser(world, "reviewer")
    assert decide(client, action).status_code == 302
    page = client.get(f"/actions/{action.pk}/").content.decode()
    assert 'value="take_back"' in page
    assert decide(client, action, "take_back").status_code == 302
    assert status(action) == "in_review"
