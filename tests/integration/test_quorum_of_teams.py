"""So many people and so many of each team: at the decision, before the signature and at the claim."""

from typing import Any

import psycopg
import pytest
from django.db import connection

from accounts.models import User
from approvals.exceptions import NotPermitted, PrincipalMayNotDecide
from approvals.models import Action, Decision, Permit
from approvals.services.votes import standing_votes
from approvals.tasks import execute_permitted, sign_permits
from tests.support.forging import decision_by
from tests.support.sql import EVENT, REFUSED, refusal, without_guards
from tests.support.voting import ids, needing, reviewer, risky, status, team, yes
from tests.support.world import World
from tools.models import OutboxMessage
from traces.models import Event


@pytest.fixture
def staffed(world: World) -> World:
    """``reviewer`` is of both teams, ``reviewer2`` and ``rita`` are peers, ``mia`` is a manager."""
    world.people |= {name: reviewer(world, name) for name in ("rita", "mia")}
    team(world, "peers", world.reviewer, world.reviewer2, world.rita)
    team(world, "managers", world.reviewer, world.mia)
    return world


def test_t26_two_peers_are_not_a_peer_and_a_manager(staffed: World) -> None:
    needing(staffed, quorum=2, peers=1, managers=1)
    action = staffed.staged()
    assert (action.quorum, action.teams) == (2, [["managers", 1], ["peers", 1]])
    yes(staffed, staffed.reviewer2, action)
    yes(staffed, staffed.rita, action)
    assert status(action) == "in_review"
    yes(staffed, staffed.mia, action)
    assert status(action) == "permitted"
    assert sign_permits() == 1
    execute_permitted()
    assert OutboxMessage.objects.count() == 1
    assert set(Permit.objects.get().deciders) == ids(staffed.reviewer2, staffed.rita, staffed.mia)
    told = Event.objects.get(subject=action.id, verb="permitted")
    assert told.actor == staffed.mia.pk


def test_t26_one_person_in_both_teams_is_one_of_them(staffed: World) -> None:
    needing(staffed, peers=1, managers=1)
    action = staffed.staged()
    yes(staffed, staffed.reviewer, action)
    assert status(action) == "in_review"
    yes(staffed, staffed.rita, action)
    assert status(action) == "permitted"


def votes(world: World, action: Action, *people: User) -> None:
    """Their votes as rows, past ``approve``."""
    for person in people:
        sql, params = decision_by(person, action)
        with connection.cursor() as cursor:
            cursor.execute(sql, params)


@pytest.mark.parametrize(
    ("asked", "enough", "short"),
    [
        ({"peers": 1, "managers": 1}, ["reviewer", "rita"], ["reviewer"]),
        ({"peers": 1, "managers": 1}, ["rita", "mia"], ["reviewer2", "rita"]),
        ({"managers": 2}, ["reviewer", "mia"], ["reviewer", "rita", "reviewer2"]),
        ({"peers": 2, "managers": 1}, ["reviewer", "rita", "reviewer2"], ["reviewer", "rita"]),
        ({"peers": 3, "managers": 1}, ["reviewer", "rita", "reviewer2", "mia"], ["reviewer", "rita", "reviewer2"]),
        ({"nobody": 1}, [], ["reviewer", "rita", "reviewer2", "mia"]),
    ],
)
def test_t22_the_database_assigns_people_to_teams_as_we_do(
    asked: dict[str, int], enough: list[str], short: list[str], staffed: World, as_web: psycopg.Connection[Any]
) -> None:
    needing(staffed, **asked)
    for people, expected in ((short, REFUSED), (enough, "")):
        if not people:
            continue
        action = staffed.staged()
        votes(staffed, action, *(staffed.people[name] for name in people))
        with without_guards() as admin:
            admin.execute("UPDATE approvals_action SET quorum = 1 WHERE id = %s", [action.id])
        action.refresh_from_db()
        _, missing = standing_votes(action, action.revisions.get())
        assert bool(missing) == (expected == REFUSED)
        as_web.execute("SELECT set_config('lam.organization', %s, false)", [str(staffed.organization.id)])
        as_web.execute(EVENT, {"subject": action.id, "target": "permitted"})
        code, words = refusal(as_web, "UPDATE approvals_action SET status = 'permitted' WHERE id = %s", [action.id])
        assert (code, "has not the approvals" in words) == (expected, expected == REFUSED)


def test_t24_a_yes_of_somebody_who_was_switched_off_since_is_none(staffed: World) -> None:
    needing(staffed, quorum=2)
    action = staffed.staged()
    yes(staffed, staffed.reviewer, action)
    User.objects.filter(pk=staffed.reviewer.pk).update(is_active=False)
    yes(staffed, staffed.reviewer2, action)
    assert status(action) == "in_review"
    yes(staffed, staffed.rita, action)
    assert status(action) == "permitted"


def test_t24_a_decider_switched_off_before_the_signature_brings_it_back(staffed: World) -> None:
    action = staffed.staged()
    yes(staffed, staffed.reviewer, action)
    User.objects.filter(pk=staffed.reviewer.pk).update(is_active=False)
    assert sign_permits() == 0
    brought_back(action, "by people who may decide on it now")


def test_t24_another_right_on_the_tool_is_not_the_one_to_review_it(staffed: World) -> None:
    action = staffed.staged()
    yes(staffed, staffed.reviewer, action)
    staffed.reviewer.groups.set(staffed.operator.groups.all())
    assert sign_permits() == 0
    brought_back(action, "by people who may decide on it now")


@pytest.mark.parametrize("how", ["is_active", "membership", "right"])
def test_t24_a_decider_who_may_no_longer_at_the_claim_brings_it_back(how: str, staffed: World) -> None:
    action = staffed.staged()
    yes(staffed, staffed.reviewer, action)
    assert sign_permits() == 1
    if how == "is_active":
        User.objects.filter(pk=staffed.reviewer.pk).update(is_active=False)
    elif how == "membership":
        staffed.reviewer.memberships.all().delete()
    else:
        staffed.reviewer.groups.clear()
    execute_permitted()
    brought_back(action, "by people who may decide on it now")
    assert Permit.objects.get().revoked_at is not None


def test_t24_a_decider_who_left_the_team_at_the_claim_brings_it_back(staffed: World) -> None:
    needing(staffed, managers=1)
    action = staffed.staged()
    yes(staffed, staffed.mia, action)
    assert sign_permits() == 1
    staffed.mia.groups.remove(team(staffed, "managers").group)
    execute_permitted()
    brought_back(action, "1 of team managers")


def brought_back(action: Action, why: str) -> None:
    """It is in review again as another revision, nothing happened, and the record says why."""
    action.refresh_from_db()
    assert (action.status, action.revision) == ("in_review", 2)
    assert not OutboxMessage.objects.exists()
    event = Event.objects.get(subject=action.id, verb="permit_void")
    assert why in event.reason


def test_t23_a_right_given_to_oneself_after_the_proposal_lets_nobody_decide_on_their_own(world: World) -> None:
    action = world.staged(principals=(world.operator.id, world.administrator.id))
    reviewers = team(world, "reviewers").group
    for _ in range(2):
        with pytest.raises(PrincipalMayNotDecide):
            yes(world, world.administrator, action)
        world.administrator.groups.add(reviewers)
    assert not Decision.objects.exists()


def test_t23_a_stricter_policy_after_the_vote_brings_it_back(staffed: World) -> None:
    action = staffed.staged()
    yes(staffed, staffed.reviewer, action)
    needing(staffed, quorum=2, managers=1)
    assert sign_permits() == 0
    action.refresh_from_db()
    assert (action.status, action.quorum, action.teams) == ("in_review", 2, [["managers", 1]])


def test_t38_nobody_in_the_chain_of_an_agent_decides_on_what_it_does(world: World) -> None:
    world.operator.groups.add(team(world, "reviewers").group)
    action = world.staged(principals=(world.operator.id, world.reviewer.id))
    for person in (world.operator, world.reviewer):
        with pytest.raises(PrincipalMayNotDecide):
            yes(world, person, action)
    yes(world, world.reviewer2, action)
    assert status(action) == "permitted"


def test_on_high_risk_nothing_changes_who_may_decide_but_the_author(world: World) -> None:
    risky(world)
    action = world.staged()
    assert action.risk == "high"
    yes(world, world.reviewer, action)
    assert status(action) == "permitted"
    with pytest.raises(NotPermitted):
        yes(world, world.auditor, action)
