"""approve: a person's yes to exactly what was shown; everything that it refuses, and what it remembers of that."""

import uuid
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings as configured
from django.db import connection

from accounts.models import User
from accounts.roles import Role
from approvals.exceptions import (
    ActionNotFound,
    AlreadyDecided,
    DigestMoved,
    Halted,
    NotPermitted,
    PrincipalMayNotDecide,
    TimeRanOut,
)
from approvals.models import Action, Decision, Permit
from approvals.policy import replay
from approvals.services.expire import expire
from approvals.tasks import execute_permitted, sign_permits
from lam_app.seed import create_person
from tests.support.sql import without_guards
from tests.support.voting import approve_as, two_needed
from tests.support.world import World
from tools.killswitch import engage
from tools.models import OutboxMessage
from traces.exceptions import DomainError
from traces.models import Event
from traces.services import REFUSALS_A_MINUTE


def refused(world: World, person: User, action: Action, error: type[DomainError], **more: Any) -> DomainError:
    """It is refused with this error, nothing moves, nobody voted, and the attempt is remembered."""
    before = Action.objects.get(id=action.id).status
    with pytest.raises(error) as caught:
        approve_as(world, person, action, **more)
    assert Action.objects.get(id=action.id).status == before
    event = Event.objects.filter(verb="refused", subject=action.id, actor=person.pk).latest("id")
    assert event.reason == caught.value.message
    assert event.organization == more.get("organization", world.organization.id)
    return caught.value


def test_a_reviewers_yes_permits_exactly_what_was_shown(world: World) -> None:
    action = world.staged()
    decision = approve_as(world, world.reviewer, action, reason="The customer has to know.")
    action.refresh_from_db()
    assert action.status == "permitted"
    assert (decision.decider, decision.digest, decision.principals) == (
        world.reviewer,
        action.digest,
        action.principals,
    )
    assert decision.revision.number == action.revision
    told = Event.objects.about(world.organization.id, action.id)
    assert [e.verb for e in told] == ["proposed", "ruled", "approve", "permitted"]
    assert told[2].reason == told[3].reason == "The customer has to know."


def test_t02_a_stale_digest_is_a_conflict(world: World) -> None:
    action = world.staged()
    for stale in ("sha256:" + "0" * 64, action.digest.upper(), action.digest[:-1], "", "\x00", "\ud800"):
        error = refused(world, world.reviewer, action, DigestMoved, digest=stale)
        assert (error.http_status, error.code) == (409, "args_mismatch")
    assert not Decision.objects.exists()


def test_t19_nobody_approves_what_acts_for_them_not_even_as_a_reviewer(world: World) -> None:
    world.operator.groups.add(*world.reviewer.groups.all())
    error = refused(world, world.operator, world.staged(), PrincipalMayNotDecide)
    assert (error.http_status, error.code) == (403, "not_permitted")


def test_t19_whoever_else_the_action_acts_for_may_not_approve_it_either(world: World) -> None:
    action = world.staged(principals=(world.operator.id, world.reviewer2.id))
    refused(world, world.reviewer2, action, PrincipalMayNotDecide)
    approve_as(world, world.reviewer, action)


def test_t19_the_initiator_is_a_principal_whoever_else_is_named(world: World) -> None:
    world.operator.groups.add(*world.reviewer.groups.all())
    refused(world, world.operator, world.staged(principals=(world.reviewer2.id,)), PrincipalMayNotDecide)


def test_a_quorum_that_was_lowered_in_the_database_convinces_no_gatekeeper(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("approvals.services.permit.replay", lambda stored: replace(replay(stored), quorum=2))
    action = world.staged()
    approve_as(world, world.reviewer, action)
    assert Action.objects.get(id=action.id).status == "permitted"
    assert sign_permits() == 0
    action.refresh_from_db()
    assert (action.status, action.revision) == ("in_review", 2)
    assert not Permit.objects.exists()


def test_a_quorum_of_two_needs_two_people(world: World) -> None:
    action = two_needed(world)
    approve_as(world, world.reviewer, action)
    assert Action.objects.get(id=action.id).status == "in_review"
    error = refused(world, world.reviewer, action, AlreadyDecided)
    assert "already voted" in error.message
    approve_as(world, world.reviewer2, action)
    assert Action.objects.get(id=action.id).status == "permitted"


def test_t58_somebody_elses_action_is_not_there(world: World) -> None:
    action = world.staged()
    error = refused(world, world.outsider, action, ActionNotFound, organization=world.elsewhere.id)
    missing = Action(id=uuid.uuid4(), organization=world.elsewhere, digest=action.digest)
    with pytest.raises(ActionNotFound) as caught:
        approve_as(world, world.outsider, missing, organization=world.elsewhere.id)
    assert (error.http_status, error.message, error.extra) == (404, caught.value.message, caught.value.extra)


def test_a_reviewer_of_another_organization_has_no_right_here_whatever_they_name(world: World) -> None:
    refused(world, world.outsider, world.staged(), NotPermitted)


@pytest.mark.parametrize("name", ["administrator", "auditor", "developer"])
def test_a_role_alone_is_no_right_to_review_a_tool(name: str, world: World) -> None:
    error = refused(world, world.people[name], world.staged(), NotPermitted)
    assert (error.http_status, error.code) == (403, "not_permitted")


def test_t22_being_a_superuser_is_no_right_to_review_a_tool(world: World) -> None:
    root = create_person(world.organization, "root", roles=(Role.ADMINISTRATOR,), tier="admin", password=None)
    User.objects.filter(pk=root.pk).update(is_superuser=True, is_staff=True)
    refused(world, User.objects.get(pk=root.pk), world.staged(), NotPermitted)


def test_somebody_who_was_switched_off_decides_nothing_more(world: World) -> None:
    User.objects.filter(pk=world.reviewer.pk).update(is_active=False)
    refused(world, world.reviewer, world.staged(), NotPermitted)


def test_t28_a_yes_after_the_time_is_over_is_no_yes_even_before_the_sweep(world: World) -> None:
    action = world.staged()
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET expires_at = clock_timestamp() - interval '1 ms'")
    error = refused(world, world.reviewer, action, TimeRanOut)
    assert (error.http_status, error.code) == (409, "expired")


def test_t32_time_running_out_is_a_no(world: World) -> None:
    action, open_still = world.staged(), world.staged()
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET expires_at = clock_timestamp() WHERE id = %s", [action.id])
    assert expire() == 1
    assert expire() == 0
    action.refresh_from_db()
    assert (action.status, action.settled_at is not None) == ("expired", True)
    assert Action.objects.get(id=open_still.id).status == "in_review"
    refused(world, world.reviewer, action, TimeRanOut)
    sign_permits()
    execute_permitted()
    assert not OutboxMessage.objects.exists()


def test_how_long_people_have_is_counted_by_the_databases_clock(world: World) -> None:
    action = world.staged()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM expires_at - created) FROM approvals_action")
        assert float(cursor.fetchone()[0]) == pytest.approx(configured.LAM_REVIEW_SECONDS, abs=5)
    assert action.expires_at.tzinfo is not None


@pytest.mark.parametrize("scope", ["organization", "tool", "agent", "initiator", "run"])
def test_t31_under_a_stop_nothing_is_decided(scope: str, world: World) -> None:
    action = world.staged()
    target = {
        "organization": world.organization.id,
        "tool": action.tool_id,
        "agent": action.agent_id,
        "initiator": action.initiator_id,
        "run": action.run,
    }[scope]
    engage(actor=world.reviewer2, organization=world.organization.id, scope=scope, target=target, reason="wait")
    error = refused(world, world.reviewer, action, Halted)
    assert (error.http_status, error.code, error.extra["stop"]) == (409, "halted", "wait")


def test_what_was_decided_stays_decided(world: World) -> None:
    action = world.staged()
    approve_as(world, world.reviewer, action)
    error = refused(world, world.reviewer2, action, AlreadyDecided)
    assert (error.http_status, error.code, error.extra["state"]) == (409, "already_decided", "permitted")


def test_a_flood_of_refused_attempts_does_not_fill_the_record(world: World) -> None:
    action = world.staged()
    for _ in range(REFUSALS_A_MINUTE + 3):
        with pytest.raises(PrincipalMayNotDecide):
            approve_as(world, world.operator, action)
    assert Event.objects.filter(verb="refused", actor=world.operator.pk).count() == REFUSALS_A_MINUTE
    refused(world, world.auditor, action, NotPermitted)
