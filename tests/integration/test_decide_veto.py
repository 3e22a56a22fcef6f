"""veto: an objection in time is a final no; one that comes too late says so. Never both, never neither."""

from typing import Any

import psycopg
import pytest

from approvals.exceptions import (
    AlreadyDecided,
    DigestMoved,
    NotPermitted,
    PrincipalMayNotDecide,
    ReasonMissing,
    TooLate,
)
from approvals.models import Decision
from approvals.services.leave import leave
from approvals.services.veto import veto
from approvals.tasks import execute_permitted, sign_permits
from tests.support.desking import leaving, on, overdue, told
from tests.support.forging import decision_by
from tests.support.sql import REFUSED, refusal
from tests.support.voting import browser, decide, status
from tests.support.world import World
from tools.killswitch import engage
from tools.models import Note


def test_an_objection_in_time_is_a_no_and_nothing_leaves(world: World) -> None:
    action = leaving(world)
    on(world, veto, "reviewer", action, "Not the cup.", code="wrong_target")
    action.refresh_from_db()
    assert (action.status, action.settled_at is not None) == ("rejected", True)
    decision = Decision.objects.get()
    assert (decision.verb, decision.code, decision.reason) == ("reject", "wrong_target", "Not the cup.")
    overdue(action)
    assert (leave(), sign_permits(), execute_permitted()) == (0, 0, 0)
    assert not Note.objects.exists()
    assert told(world, action)[-2:] == ["veto", "rejected"]


def test_an_objection_whose_time_is_over_still_wins_while_nothing_has_left(world: World) -> None:
    action = leaving(world)
    overdue(action)
    on(world, veto, "reviewer", action)
    assert (status(action), leave()) == ("rejected", 0)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_an_objection_that_comes_too_late_says_so_and_changes_nothing(steps: int, world: World) -> None:
    action = leaving(world)
    overdue(action)
    assert leave() == 1
    for step in (sign_permits, execute_permitted)[: steps - 1]:
        assert step() == 1
    before = status(action)
    with pytest.raises(TooLate) as caught:
        on(world, veto, "reviewer", action)
    assert (caught.value.http_status, caught.value.extra["state"]) == (409, before)
    assert status(action) == before
    assert not Decision.objects.exists()


def test_who_may_decide_objects_to_what_was_shown_with_a_reason(world: World) -> None:
    action = leaving(world)
    with pytest.raises(PrincipalMayNotDecide):
        on(world, veto, "operator", action)
    with pytest.raises(NotPermitted):
        on(world, veto, "auditor", action)
    with pytest.raises(ReasonMissing):
        on(world, veto, "reviewer", action, "")
    with pytest.raises(DigestMoved):
        on(world, veto, "reviewer", action, digest="sha256:0")
    with pytest.raises(AlreadyDecided):
        on(world, veto, "reviewer", world.staged())
    assert status(action) == "scheduled"


def test_under_a_stop_nothing_leaves_and_an_objection_still_ends_it(world: World) -> None:
    action = leaving(world)
    engage(
        actor=world.reviewer, organization=world.organization.id, scope="tool", target=action.tool_id, reason="a drill"
    )
    overdue(action)
    assert leave() == 0
    on(world, veto, "reviewer", action)
    assert status(action) == "rejected"


def test_t22_plain_sql_says_no_to_what_is_scheduled_and_never_yes(
    world: World, as_web: psycopg.Connection[Any]
) -> None:
    action = leaving(world)
    assert refusal(as_web, *decision_by(world.reviewer, action, verb="reject")) == ("", "")
    assert refusal(as_web, *decision_by(world.reviewer, action))[0] == REFUSED


def test_the_form_objects(world: World) -> None:
    action = leaving(world)
    client = browser(world, "reviewer")
    assert decide(client, action, "veto").status_code == 422
    assert decide(client, action, "veto", reason="No.", code="not_needed").status_code == 302
    answer = decide(client, action, "veto", reason="No.")
    assert (answer.status_code, status(action)) == (409, "rejected")
