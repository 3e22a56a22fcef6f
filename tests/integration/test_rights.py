"""Granting and taking rights: by an administrator, with a reason, inside one organization, and never one's own."""

from __future__ import annotations

import io
import json
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, transaction

from accounts.exceptions import ChangeRefused, MayNotAdminister, NotOfThisOrganization, NotOneself
from accounts.models import Agent, Membership, Team, User
from accounts.roles import Role
from accounts.standing import set_roles
from lam_app.seed import create_organization, create_person, seed
from tests.support.racing import race
from tests.support.sql import NO_RIGHT, REFUSED, refusal
from tests.support.world import PASSWORD, World
from tools.models import Tool, ToolGroupObjectPermission, ToolUserObjectPermission
from tools.offering import DEFAULT_RIGHTS
from tools.queries import holds
from tools.rights import RIGHTS, grant, revoke
from traces.models import Event, EventDetail


def team(world: World, name: str) -> Team:
    return Team.objects.get(organization=world.organization, name=name)


def told(world: World, verb: str) -> list[dict[str, Any]]:
    """The details of the organization's events of this verb, oldest first."""
    events = Event.objects.filter(organization=world.organization.id, verb=verb).order_by("id").values_list("id")
    kept = dict(EventDetail.objects.filter(event__in=events).values_list("event", "detail"))
    return [json.loads(kept[event]) for (event,) in events]


@pytest.mark.parametrize("right", RIGHTS)
def test_a_right_that_was_granted_counts_and_one_that_was_taken_does_not(right: str, world: World) -> None:
    tool, by = world.tool(), world.administrator
    assert not holds(world.developer.pk, tool.pk, f"{right}_tool")
    assert grant(tool, right, to=world.developer, by=by, reason="stands in")
    assert holds(world.developer.pk, tool.pk, f"{right}_tool")
    assert revoke(tool, right, of=world.developer, by=by, reason="is back")
    assert not holds(world.developer.pk, tool.pk, f"{right}_tool")


def test_granting_twice_is_told_of_once_and_so_is_taking(world: World) -> None:
    tool, auditors, by = world.tool(), team(world, "auditors"), world.administrator
    assert grant(tool, "review", to=auditors, by=by, reason=" they asked ")
    assert not grant(tool, "review", to=auditors, by=by, reason="again")
    assert revoke(tool, "review", of=auditors, by=by, reason="enough")
    assert not revoke(tool, "review", of=auditors, by=by, reason="again")
    said = {"tool": tool.name, "right": "review", "team": "auditors", "team_id": str(auditors.pk)}
    assert told(world, "right_granted") == told(world, "right_revoked") == [said]
    event = Event.objects.get(verb="right_granted", organization=world.organization.id)
    assert (event.actor, event.actor_name, event.subject, event.reason) == (
        by.pk,
        "administrator",
        tool.pk,
        "they asked",
    )


def test_two_administrators_at_once_grant_once(world: World) -> None:
    second = create_person(world.organization, "second", roles=(Role.ADMINISTRATOR,), tier="read", password=None)
    tool = world.tool()
    found = race(
        *(
            lambda by=by: grant(tool, "stop", to=world.developer, by=by, reason="a drill")
            for by in (world.administrator, second)
        )
    )
    assert sorted(found) == [False, True]
    assert len(told(world, "right_granted")) == 1


@pytest.mark.parametrize("name", ["operator", "reviewer", "auditor", "developer", "outsider"])
def test_nobody_but_an_administrator_of_the_organization_grants(name: str, world: World) -> None:
    with pytest.raises(MayNotAdminister) as caught:
        grant(world.tool(), "use", to=team(world, "auditors"), by=world.people[name], reason="because")
    assert (caught.value.http_status, caught.value.code) == (403, "not_permitted")
    assert told(world, "right_granted") == []
    assert told(world, "refused") == [{"attempt": "right_granted", "code": "not_permitted"}]


def test_an_administrator_who_was_switched_off_grants_nothing(world: World) -> None:
    User.objects.filter(pk=world.administrator.pk).update(is_active=False)
    with pytest.raises(MayNotAdminister):
        grant(world.tool(), "use", to=team(world, "auditors"), by=world.administrator, reason="because")


@pytest.mark.parametrize(("right", "reason"), [("approve", "because"), ("use_tool", "because"), ("use", "  ")])
def test_an_unknown_right_and_a_missing_reason_are_refused(right: str, reason: str, world: World) -> None:
    with pytest.raises(ChangeRefused):
        grant(world.tool(), right, to=world.developer, by=world.administrator, reason=reason)


def test_what_belongs_to_another_organization_gets_no_right_here(world: World) -> None:
    theirs = Team.objects.get(organization=world.elsewhere, name="reviewers")
    for to in (theirs, world.outsider):
        with pytest.raises(NotOfThisOrganization) as caught:
            grant(world.tool(), "review", to=to, by=world.administrator, reason="because")
        assert str(world.elsewhere.pk) not in caught.value.message
    User.objects.filter(pk=world.developer.pk).update(is_active=False)
    with pytest.raises(NotOfThisOrganization):
        grant(world.tool(), "review", to=world.developer, by=world.administrator, reason="because")


def test_whoever_has_left_can_still_be_taken_a_right_from(world: World) -> None:
    grant(world.tool(), "stop", to=world.developer, by=world.administrator, reason="a drill")
    User.objects.filter(pk=world.developer.pk).update(is_active=False)
    assert revoke(world.tool(), "stop", of=world.developer, by=world.administrator, reason="has left")


def test_the_database_refuses_a_grant_across_organizations_whoever_writes_it(world: World) -> None:
    """Behind the verb: rows written by any other hand."""
    permission = Permission.objects.get(codename="review_tool")
    strangers = Group.objects.create(name="no team at all")
    theirs = Team.objects.get(organization=world.elsewhere, name="reviewers").group
    for group in (theirs, strangers):
        with pytest.raises(DatabaseError) as caught, transaction.atomic():
            ToolGroupObjectPermission.objects.create(group=group, permission=permission, content_object=world.tool())
        assert caught.value.__cause__.sqlstate == REFUSED  # type: ignore[union-attr]
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        ToolUserObjectPermission.objects.create(user=world.outsider, permission=permission, content_object=world.tool())
    assert caught.value.__cause__.sqlstate == REFUSED  # type: ignore[union-attr]
    held = ToolGroupObjectPermission.objects.filter(content_object=world.tool()).first()
    assert held is not None
    with pytest.raises(DatabaseError), transaction.atomic():
        ToolGroupObjectPermission.objects.filter(pk=held.pk).update(group=theirs)


def test_teams_and_tools_stay_their_organization_s(world: World) -> None:
    """Else a team, and its rights with it, could be carried over the wall."""
    for rows in (Team.objects.filter(organization=world.organization), Tool.objects.filter(id=world.tool().id)):
        with pytest.raises(DatabaseError) as caught, transaction.atomic():
            rows.update(organization=world.elsewhere)
        assert caught.value.__cause__.sqlstate == REFUSED  # type: ignore[union-attr]


def test_t74_no_process_writes_a_right_a_role_or_a_team(
    world: World, as_web: psycopg.Connection[Any], as_worker: psycopg.Connection[Any]
) -> None:
    writes = (
        ("UPDATE accounts_membership SET roles = '{administrator}' WHERE user_id = %s", [world.operator.pk]),
        ("UPDATE accounts_membership SET tier = 'admin' WHERE user_id = %s", [world.operator.pk]),
        ("UPDATE accounts_agent SET tier = 'admin' WHERE id = %s", [world.agent.pk]),
        ("UPDATE accounts_user SET is_superuser = true WHERE id = %s", [world.operator.pk]),
        ("INSERT INTO accounts_user_groups (user_id, group_id) SELECT %s, group_id FROM accounts_team LIMIT 1",
         [world.operator.pk]),
        ("DELETE FROM tools_toolgroupobjectpermission WHERE content_object_id = %s", [world.tool().pk]),
        ("UPDATE tools_rightsversion SET version = 0 WHERE organization_id = %s", [world.organization.pk]),
        ("DELETE FROM tools_resource WHERE organization_id = %s", [world.organization.pk]),
    )  # fmt: skip
    for account in (as_web, as_worker):
        for sql, params in writes:
            assert refusal(account, sql, params)[0] == NO_RIGHT, sql


def test_t74_an_administrator_gives_nothing_to_themselves(world: World) -> None:
    """T23 as well: whoever would qualify by their own hand needs a second person's."""
    tool, by = world.tool(), world.administrator
    for to in (by, team(world, "administrators")):
        with pytest.raises(NotOneself) as caught:
            grant(tool, "review", to=to, by=by, reason="quicker")
        assert (caught.value.http_status, caught.value.code) == (403, "not_permitted")
    with pytest.raises(NotOneself):
        revoke(tool, "configure", of=team(world, "administrators"), by=by, reason="a trick")
    assert not holds(by.pk, tool.pk, "review_tool")
    second = create_person(world.organization, "second", roles=(Role.ADMINISTRATOR,), tier="read", password=None)
    assert grant(tool, "review", to=by, by=second, reason="they asked me")
    assert holds(by.pk, tool.pk, "review_tool")
    assert len(told(world, "refused")) == 3


def test_a_new_organization_s_teams_begin_with_sensible_rights(world: World) -> None:
    tool = world.tool()
    held = {
        (t.name, p)
        for t in Team.objects.filter(organization=world.organization)
        for p in ToolGroupObjectPermission.objects.filter(content_object=tool, group=t.group_id).values_list(
            "permission__codename", flat=True
        )
    }
    assert held == {(name, codename) for name, codenames in DEFAULT_RIGHTS.items() for codename in codenames}
    assert holds(world.administrator.pk, tool.pk, "configure_tool")
    assert not holds(world.administrator.pk, tool.pk, "review_tool")
    assert holds(world.auditor.pk, tool.pk, "audit_tool")


def test_seeding_again_gives_nothing_back_that_was_taken(world: World) -> None:
    revoke(world.tool(), "use", of=team(world, "operators"), by=world.administrator, reason="too many messages")
    rights = ToolGroupObjectPermission.objects.count()
    seed(demo=True, password=PASSWORD)
    assert ToolGroupObjectPermission.objects.count() == rights
    assert not holds(world.operator.pk, world.tool().pk, "use_tool")


def test_an_organization_from_before_gets_the_teams_that_it_lacks(world: World) -> None:
    auditors = team(world, "auditors")
    ToolGroupObjectPermission.objects.filter(group=auditors.group_id).delete()
    auditors.group.user_set.clear()
    auditors.delete()
    seed(demo=True, password=PASSWORD)
    assert holds(world.auditor.pk, world.tool().pk, "audit_tool")


def test_a_role_given_or_taken_moves_its_team_along(world: World) -> None:
    member = Membership.objects.get(user=world.developer)
    assert set_roles(member, ["developer", "reviewer"], by=world.administrator, reason="trained")
    assert holds(world.developer.pk, world.tool().pk, "review_tool")
    assert set_roles(member, ["developer"], by=world.administrator, reason="moved on")
    assert not holds(world.developer.pk, world.tool().pk, "review_tool")
    assert told(world, "roles_set")[1] == {"before": ["developer", "reviewer"], "after": ["developer"]}


BY = ("--as", "administrator", "--reason", "holidays")


def rights(*arguments: str, organization: str = "demo") -> str:
    out = io.StringIO()
    call_command("rights", *arguments, "--organization", organization, stdout=out)
    return out.getvalue()


def test_rights_are_changed_and_shown_at_the_command_line(world: World) -> None:
    change = ("--tool", "send_message", "--right", "review", *BY)
    assert rights("grant", *change, "--team", "auditors") == "done\n"
    assert rights("grant", *change, "--team", "auditors") == "it is so already\n"
    shown = rights("show", "--tool", "send_message")
    assert "  review    auditor (auditors); reviewer (reviewers); reviewer2 (reviewers)" in shown
    assert "write_note" not in shown
    assert rights("revoke", *change, "--team", "auditors") == "done\n"
    assert rights("revoke", *change, "--user", "auditor") == "it is so already\n"


def test_tiers_roles_and_teams_are_changed_at_the_command_line(world: World) -> None:
    assert rights("tier", "--user", "operator", "--tier", "read", *BY) == "done\n"
    assert rights("tier", "--agent", "planner", "--tier", "read", *BY) == "done\n"
    assert Membership.objects.get(user=world.operator).tier == Agent.objects.get(pk=world.agent.pk).tier == "read"
    assert rights("roles", "--user", "developer", "--roles", "developer", "reviewer", *BY) == "done\n"
    assert rights("leave", "--team", "reviewers", "--user", "developer", *BY) == "done\n"
    assert not holds(world.developer.pk, world.tool().pk, "review_tool")
    assert rights("join", "--team", "reviewers", "--user", "developer", *BY) == "done\n"
    assert holds(world.developer.pk, world.tool().pk, "review_tool")
    for own in (["tier", "--user", "administrator", "--tier", "read"], ["roles", "--user", "outsider", "--roles"]):
        with pytest.raises(CommandError):
            rights(*own, *BY)


@pytest.mark.parametrize(
    "change",
    [
        {"--tool": "nothing"},
        {"--team": "nobody"},
        {"--as": "nobody"},
        {"--as": "operator"},
        {"--reason": " "},
        {"--team": "administrators"},
    ],
    ids=str,
)
def test_the_command_line_refuses_what_the_verbs_refuse(change: dict[str, str], world: World) -> None:
    usual = {
        "--tool": "send_message",
        "--right": "review",
        "--as": "administrator",
        "--reason": "r",
        "--team": "auditors",
    }
    with pytest.raises(CommandError):
        rights("grant", *(word for pair in (usual | change).items() for word in pair))


def test_making_an_organization_twice_makes_its_teams_once(world: World) -> None:
    made = create_organization("third", "Third")
    assert set(Team.objects.filter(organization=made).values_list("name", flat=True)) == set(DEFAULT_RIGHTS)
    assert create_organization("third", "Third") == made
    assert Team.objects.filter(organization=made).count() == len(DEFAULT_RIGHTS)
