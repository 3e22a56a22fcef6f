"""What changes after a decision voids it: the action goes back to people, as a new revision, and votes begin anew."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from approvals.exceptions import DigestMoved
from approvals.models import Action, Decision, Permit
from approvals.services.approve import approve
from approvals.tasks import execute_permitted, sign_permits
from tests.support.permits import new_policy, new_version, signed, stopped, stopped_and_released
from tests.support.sql import without_guards
from tests.support.world import World, approved
from tools.models import OutboxMessage, Tool
from traces.models import Event


def decider_off(world: World) -> None:
    User.objects.filter(pk=world.reviewer.pk).update(is_active=False)


VOIDING: dict[str, Callable[[World], Any]] = {
    "the_tool_has_a_new_version": new_version,
    "the_policy_has_a_new_version": new_policy,
    "the_decider_is_switched_off": decider_off,
    "the_decider_lost_the_right": lambda world: world.reviewer.groups.clear(),
}


@pytest.mark.parametrize("when", ["before_the_signature", "before_the_claim"])
@pytest.mark.parametrize("what", VOIDING)
def test_f38_t14_a_decision_is_void_when(what: str, when: str, world: World) -> None:
    if when == "before_the_claim":
        action = signed(world)
    else:
        action = world.staged()
        approved(world, action)
    old = action.digest
    VOIDING[what](world)
    sign_permits()
    execute_permitted()
    action.refresh_from_db()
    assert (action.status, action.revision) == ("in_review", 2)
    assert action.digest != old
    assert not OutboxMessage.objects.exists()
    assert not Permit.objects.filter(revoked_at=None).exists()
    event = Event.objects.get(subject=action.id, verb="permit_void")
    assert event.reason
    assert (event.source, event.target) == ("permitted", "in_review")


def test_after_that_the_old_votes_count_no_more_and_new_ones_do(world: World) -> None:
    action = signed(world)
    old = action.digest
    new_policy(world)
    execute_permitted()
    action.refresh_from_db()
    with pytest.raises(DigestMoved):
        approve(actor=world.reviewer, organization=world.organization.id, action_id=action.id, digest=old)
    assert sign_permits() == 0
    approved(world, action)
    assert sign_permits() == execute_permitted() == 1
    assert OutboxMessage.objects.count() == 1
    assert list(Decision.objects.order_by("id").values_list("revision__number", flat=True)) == [1, 2]


def test_a_tool_that_was_forbidden_meanwhile_is_denied_and_not_reviewed(world: World) -> None:
    for when in (world.staged, lambda: signed(world)):
        action = when()
        if action.status == "in_review":
            approved(world, action)
        Tool.objects.filter(pk=action.tool_id).update(forbidden=True)
        sign_permits()
        execute_permitted()
        action.refresh_from_db()
        assert action.status == "denied"
        Tool.objects.filter(pk=action.tool_id).update(forbidden=False)
    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        "arguments = replace(arguments, '1009', '1008')",
        "request = replace(request, '1009', '1008')",
        "digest = 'sha256:0'",
    ],
)
def test_the_gatekeeper_signs_only_the_bytes_that_were_decided_on(change: str, world: World) -> None:
    action = world.staged()
    approved(world, action)
    with without_guards() as admin:
        admin.execute(f"UPDATE approvals_revision SET {change}")
    assert sign_permits() == 0
    action.refresh_from_db()
    assert (action.status, action.revision) == ("in_review", 2)
    assert "bytes" in Event.objects.get(subject=action.id, verb="permit_void").reason


def test_t22_the_gatekeeper_signs_nothing_that_nobody_approved_whatever_the_status_says(world: World) -> None:
    action = world.staged()
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET status = 'permitted', verdict = 'allow'")
    assert sign_permits() == 0
    assert Action.objects.get(id=action.id).status == "in_review"


def test_the_gatekeeper_counts_no_vote_of_a_principal(world: World) -> None:
    action = world.staged()
    approved(world, action)
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET principals = principals || %s", [world.reviewer.pk])
    assert sign_permits() == 0
    assert not Permit.objects.exists()


def test_under_a_stop_nothing_is_signed(world: World) -> None:
    action = world.staged()
    approved(world, action)
    stopped(world)
    assert sign_permits() == 0
    assert Action.objects.get(id=action.id).status == "permitted"  # the sweep halts it


def test_a_permit_from_before_a_stop_stays_void_after_its_release_and_people_look_again(world: World) -> None:
    action = signed(world)
    stopped_and_released(world)
    assert execute_permitted() == 0
    action.refresh_from_db()
    assert (action.status, action.revision) == ("in_review", 2)
    approved(world, action)
    assert sign_permits() == execute_permitted() == 1


def test_one_action_that_cannot_be_examined_keeps_no_other_from_its_permit(world: World) -> None:
    broken, sound = world.staged(), world.staged()
    for action in (broken, sound):
        approved(world, action)
    with without_guards() as admin:
        admin.execute("UPDATE approvals_revision SET facts = '{}' WHERE action_id = %s", [broken.id])
    assert sign_permits() == 1
    assert Action.objects.get(id=broken.id).status == "in_review"
    assert execute_permitted() == 1
    assert Action.objects.get(id=sound.id).status == "done"


def test_permits_that_can_never_be_claimed_hold_up_no_other(world: World) -> None:
    stuck = [signed(world) for _ in range(22)]  # more than one batch, older than the one that can go
    stopped_and_released(world)
    free = signed(world)
    execute_permitted()
    assert Action.objects.get(id=free.id).status == "done"
    assert not Action.objects.filter(id__in=[a.id for a in stuck], status="done").exists()
