"""What is remembered of who may do what, and for how long: until anybody's rights in the organization change."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Team, User
from accounts.roles import Role
from approvals.access import reviewable_tools
from lam_app.seed import create_person
from tests.architecture.source import product
from tests.support.world import World
from tools import queries
from tools.models import RightsVersion, Tool, ToolGroupObjectPermission, ToolUserObjectPermission
from tools.queries import permitted_tools, rights_version, tools_with
from tools.rights import grant, revoke


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    queries._remembered.clear()


def asked(world: World, name: str = "reviewer", codename: str = "review_tool") -> set[Any]:
    """What pages are told, which has to be what the rows say."""
    user, organization = world.people[name].pk, world.organization.pk
    found = permitted_tools(user, organization, codename)
    assert sorted(found) == sorted(tools_with(user, organization, codename))
    return set(found)


def statements(ask: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        ask()
    return [query["sql"] for query in seen.captured_queries]


def reviewers(world: World) -> Team:
    return Team.objects.get(organization=world.organization, name="reviewers")


def permission(codename: str = "review_tool") -> Permission:
    return Permission.objects.get(codename=codename)


CHANGES: dict[str, Callable[[World], object]] = {
    "a grant to a team": lambda w: ToolGroupObjectPermission.objects.create(
        group=Team.objects.get(organization=w.organization, name="auditors").group,
        permission=permission(),
        content_object=w.tool(),
    ),
    "a grant to a person": lambda w: ToolUserObjectPermission.objects.create(
        user=w.developer, permission=permission(), content_object=w.tool()
    ),
    "a grant taken": lambda w: ToolGroupObjectPermission.objects.filter(group=reviewers(w).group_id).delete(),
    "a grant moved": lambda w: ToolGroupObjectPermission.objects.filter(
        group=reviewers(w).group_id, permission=permission()
    ).update(permission=permission("audit_tool")),
    "joining a team": lambda w: reviewers(w).group.user_set.add(w.developer),
    "leaving a team": lambda w: reviewers(w).group.user_set.remove(w.reviewer),
    "a member gone": lambda w: Membership.objects.filter(user=w.reviewer).delete(),
    "a new member": lambda w: Membership.objects.create(
        organization=w.organization, user=w.outsider, roles=[], tier="read"
    ),
    "a person switched off": lambda w: User.objects.filter(pk=w.reviewer.pk).update(is_active=False),
    "a new team": lambda w: Team.objects.create(
        organization=w.organization, name="new", group=reviewers(w).group.__class__.objects.create(name="new")
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_every_change_of_rights_raises_its_organization_s_version_and_no_other(what: str, world: World) -> None:
    before, elsewhere = rights_version(world.organization.pk), rights_version(world.elsewhere.pk)
    people = ("reviewer", "developer", "auditor", "reviewer2")
    for name in people:
        asked(world, name)
    CHANGES[what](world)
    after = rights_version(world.organization.pk)
    assert before is not None
    assert after is not None
    assert after > before
    assert rights_version(world.elsewhere.pk) == elsewhere
    for name in people:
        asked(world, name)


@pytest.mark.parametrize("table", ["tools_tooluserobjectpermission", "tools_toolgroupobjectpermission"])
def test_emptying_a_table_of_rights_raises_every_version(table: str, world: World) -> None:
    asked(world)
    before = rights_version(world.organization.pk), rights_version(world.elsewhere.pk)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {table}")
    after = rights_version(world.organization.pk), rights_version(world.elsewhere.pk)
    assert not set(before) & set(after)
    asked(world)


def test_a_revoked_right_is_gone_from_every_list_at_once(world: World) -> None:
    member = Membership.objects.get(user=world.reviewer)
    tool = world.tool()
    assert tool.pk in reviewable_tools(member)
    revoke(tool, "review", of=reviewers(world), by=world.administrator, reason="a drill")
    assert tool.pk not in reviewable_tools(member)
    grant(tool, "review", to=reviewers(world), by=world.administrator, reason="over")
    assert tool.pk in reviewable_tools(member)


def test_what_is_remembered_costs_one_small_statement(world: World) -> None:
    asked(world)
    again = statements(lambda: permitted_tools(world.reviewer.pk, world.organization.pk, "review_tool"))
    assert len(again) == 1
    assert "tools_rightsversion" in again[0]
    assert "tools_right " not in again[0]


def test_signing_in_changes_no_right(world: World) -> None:
    before = rights_version(world.organization.pk)
    world.reviewer.last_login = world.reviewer.date_joined
    world.reviewer.save()
    assert rights_version(world.organization.pk) == before


def test_what_was_seen_in_a_transaction_that_failed_is_never_taken_for_something_else(world: World) -> None:
    """A counter would be counted up to the same number twice; the version comes from a sequence."""
    tool = world.tool()
    with transaction.atomic():
        revoke(tool, "review", of=reviewers(world), by=world.administrator, reason="a drill")
        assert tool.pk not in asked(world)
        inside = rights_version(world.organization.pk)
        transaction.set_rollback(True)
    assert tool.pk in asked(world)
    grant(tool, "stop", to=world.developer, by=world.administrator, reason="unrelated")
    assert rights_version(world.organization.pk) != inside
    assert tool.pk in asked(world)


def test_the_memory_has_an_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST_REMEMBERED", 2)
    for name in ("reviewer", "reviewer2", "operator", "reviewer"):
        asked(world, name)
    assert [user for user, _, _ in queries._remembered] == [world.operator.pk, world.reviewer.pk]


def test_without_a_version_the_rows_are_asked_every_time(world: World) -> None:
    RightsVersion.objects.all().delete()
    assert world.tool().pk in asked(world)
    assert not queries._remembered


def test_a_caller_s_list_is_its_own(world: World) -> None:
    permitted_tools(world.reviewer.pk, world.organization.pk, "review_tool").clear()
    permitted_tools(world.reviewer.pk, world.organization.pk, "review_tool").clear()
    assert world.tool().pk in asked(world)


def test_t60_rights_on_all_tools_at_once_and_superusers_have_none(world: World) -> None:
    root = create_person(world.organization, "root", roles=(Role.DEVELOPER,), tier="admin", password=None)
    User.objects.filter(pk=root.pk).update(is_superuser=True, is_staff=True)
    every = Permission.objects.filter(content_type__app_label="tools")
    world.developer.user_permissions.set(every)
    reviewers(world).group.permissions.set(every)
    world.outsider.user_permissions.set(every)
    assert world.developer.has_perm("tools.review_tool")
    assert User.objects.get(pk=root.pk).has_perm("tools.review_tool")
    here = world.organization.pk
    for codename in ("use_tool", "review_tool", "stop_tool", "configure_tool", "audit_tool"):
        for user in (root, world.developer, world.outsider):
            assert tools_with(user.pk, here, codename) == permitted_tools(user.pk, here, codename) == []
    assert tools_with(world.reviewer.pk, here, "use_tool") == []
    own = Tool.objects.filter(organization=world.elsewhere)
    assert set(tools_with(world.outsider.pk, world.elsewhere.pk, "review_tool")) == set(
        own.values_list("pk", flat=True)
    )


def test_t60_nothing_of_the_product_asks_guardian_or_django_who_may() -> None:
    """Their answers count superusers and rights on everything at once; ours come from the view alone."""
    asking = {"has_perm", "has_perms", "get_objects_for_user", "get_objects_for_group", "get_perms", "is_superuser"}
    found = {
        (module, name)
        for module, tree in product().items()
        for node in ast.walk(tree)
        if (name := getattr(node, "attr", getattr(node, "id", ""))) in asking
        or (isinstance(node, ast.ImportFrom) and (name := node.module or "").startswith("guardian.shortcuts"))
    }
    assert found == set()
