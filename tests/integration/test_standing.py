"""Tiers, roles and teams: set by another administrator, and felt by everything that has not run yet."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.exceptions import ChangeRefused, MayNotAdminister, NotOfThisOrganization, NotOneself
from accounts.models import Agent, Membership, Team
from accounts.roles import Role
from accounts.standing import create_team, join, leave, set_roles, set_tier
from approvals.exceptions import NotPermitted, PrincipalMayNotDecide
from approvals.models import Action, Permit
from approvals.services.approve import approve
from approvals.tasks import execute_permitted, sign_permits
from lam_app.seed import create_person
from tests.support.api import outside_agent
from tests.support.world import World, approved
from tools.models import OutboxMessage
from tools.queries import holds
from traces.models import Event


@pytest.fixture
def second(world: World) -> None:
    """A second administrator, known to the cast."""
    world.people["second"] = create_person(
        world.organization, "second", roles=(Role.ADMINISTRATOR,), tier="read", password=None
    )


def member(world: World, name: str) -> Membership:
    return Membership.objects.get(organization=world.organization, user=world.people[name])


def reviewers(world: World) -> Team:
    return Team.objects.get(organization=world.organization, name="reviewers")


def test_a_tier_is_set_and_told_of_once(world: World) -> None:
    of = member(world, "operator")
    assert set_tier(of, "read", by=world.administrator, reason="on probation")
    assert not set_tier(of, "read", by=world.administrator, reason="again")
    assert member(world, "operator").tier == "read"
    event = Event.objects.get(verb="tier_set")
    assert (event.subject_kind, event.subject, event.reason) == ("member", of.pk, "on probation")
    assert set_tier(world.agent, "read", by=world.administrator, reason="on probation")
    assert Agent.objects.get(pk=world.agent.pk).tier == "read"


OWN: dict[str, Callable[[World], object]] = {
    "their tier": lambda w: set_tier(member(w, "administrator"), "read", by=w.administrator, reason="r"),
    "their agent's tier": lambda w: set_tier(
        outside_agent(w.organization, w.administrator), "admin", by=w.administrator, reason="r"
    ),
    "their roles": lambda w: set_roles(
        member(w, "administrator"), ["administrator", "reviewer"], by=w.administrator, reason="r"
    ),
    "their teams": lambda w: join(reviewers(w), w.administrator, by=w.administrator, reason="r"),
    "leaving a team": lambda w: leave(
        Team.objects.get(organization=w.organization, name="administrators"),
        w.administrator,
        by=w.administrator,
        reason="r",
    ),
}


@pytest.mark.parametrize("what", OWN)
def test_t74_nobody_changes_their_own_standing(what: str, world: World) -> None:
    before = (member(world, "administrator").tier, member(world, "administrator").roles)
    with pytest.raises(NotOneself) as caught:
        OWN[what](world)
    assert (caught.value.http_status, caught.value.code) == (403, "not_permitted")
    assert (member(world, "administrator").tier, member(world, "administrator").roles) == before
    assert Event.objects.filter(verb="refused", actor=world.administrator.pk).count() == 1
    assert not Event.objects.filter(verb__in=["tier_set", "roles_set", "team_joined", "team_left"]).exists()


def test_only_administrators_and_only_with_a_reason_and_known_words(world: World) -> None:
    of = member(world, "operator")
    with pytest.raises(MayNotAdminister):
        set_tier(of, "admin", by=world.reviewer, reason="r")
    with pytest.raises(MayNotAdminister):
        set_tier(of, "admin", by=world.outsider, reason="r")
    with pytest.raises(ChangeRefused):
        set_tier(of, "admin", by=world.administrator, reason=" ")
    with pytest.raises(ChangeRefused):
        set_tier(of, "root", by=world.administrator, reason="r")
    with pytest.raises(ChangeRefused):
        set_roles(of, ["root"], by=world.administrator, reason="r")
    with pytest.raises(NotOfThisOrganization):
        join(reviewers(world), world.outsider, by=world.administrator, reason="r")
    assert member(world, "operator").tier == of.tier


def test_a_team_is_joined_and_left_with_all_its_rights(world: World) -> None:
    tool = world.tool().pk
    assert join(reviewers(world), world.developer, by=world.administrator, reason="helps out")
    assert not join(reviewers(world), world.developer, by=world.administrator, reason="again")
    assert holds(world.developer.pk, tool, "review_tool")
    assert leave(reviewers(world), world.developer, by=world.administrator, reason="thanks")
    assert not holds(world.developer.pk, tool, "review_tool")
    assert Event.objects.filter(verb__in=["team_joined", "team_left"]).count() == 2


def test_t23_an_administrator_does_not_become_the_reviewer_of_their_own_agent(world: World, second: None) -> None:
    """The self-grant is refused; and once a second person has made it, whom an agent acts for still cannot decide."""
    agent = outside_agent(world.organization, world.administrator, "send_message")
    action = world.staged(origin="agent", agent=agent.id, principals=(world.operator.id, agent.owner_id), run=agent.id)

    def decide() -> None:
        approve(
            actor=world.administrator, organization=world.organization.id, action_id=action.id, digest=action.digest
        )

    with pytest.raises(NotOneself):
        set_roles(member(world, "administrator"), ["administrator", "reviewer"], by=world.administrator, reason="r")
    with pytest.raises(PrincipalMayNotDecide):
        decide()
    set_roles(member(world, "administrator"), ["administrator", "reviewer"], by=world.second, reason="trained")
    assert holds(world.administrator.pk, world.tool().pk, "review_tool")
    with pytest.raises(PrincipalMayNotDecide) as caught:
        decide()
    assert caught.value.http_status == 403
    assert Action.objects.get(id=action.id).status == "in_review"


def test_t23_who_loses_a_role_between_the_yes_and_the_permit_has_not_said_yes(world: World) -> None:
    action = world.staged()
    approved(world, action)
    set_roles(member(world, "reviewer"), [], by=world.administrator, reason="left the company")
    sign_permits()
    execute_permitted()
    assert not Permit.objects.filter(action=action.id).exists()
    assert not OutboxMessage.objects.exists()


def test_a_role_that_was_taken_ends_the_right_to_decide_at_once(world: World) -> None:
    action = world.staged()
    leave(reviewers(world), world.reviewer, by=world.administrator, reason="moved")
    with pytest.raises(NotPermitted):
        approved(world, action)


def test_a_team_is_made_once_begins_empty_and_can_be_joined(world: World) -> None:
    made = {"by": world.administrator, "reason": "payments need two of them"}
    assert create_team(world.organization, "finance", **made)
    assert not create_team(world.organization, "finance", **made)
    team = Team.objects.get(organization=world.organization, name="finance")
    assert not team.group.user_set.exists()
    assert join(team, world.reviewer, by=world.administrator, reason="knows the books")
    assert Event.objects.filter(verb="team_created").count() == 1


@pytest.mark.parametrize("name", ["", "Finance", "1st", "a b", "x" * 41, "a/b", "é"])
def test_a_team_has_a_short_plain_name(world: World, name: str) -> None:
    with pytest.raises(ChangeRefused, match="name: use up to 40"):
        create_team(world.organization, name, by=world.administrator, reason="why not")


def test_only_an_administrator_makes_a_team(world: World) -> None:
    with pytest.raises(MayNotAdminister):
        create_team(world.organization, "finance", by=world.reviewer, reason="mine")


def test_a_lowered_tier_denies_what_is_proposed_later(world: World) -> None:
    assert world.staged().status == "in_review"
    set_tier(member(world, "operator"), "read", by=world.administrator, reason="on probation")
    assert world.staged().status == "denied"
    set_tier(member(world, "operator"), "write", by=world.administrator, reason="over")
    set_tier(world.agent, "read", by=world.administrator, reason="on probation")
    assert world.staged().status == "denied"
