"""Who may do what and why, in one query; and an inbox that asks as often for many as for few."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Team, User
from approvals.models import Action
from tests.support.sql import without_guards
from tests.support.world import World
from tools.matrix import DIRECTLY, Line, matrix
from tools.offering import offer
from tools.registry import contracts
from tools.rights import grant

UNLIKE = "abefghkm"
"""Letters that nobody takes for each other, alone or in pairs."""
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def line(world: World, name: str = "send_message") -> Line:
    return next(one for one in matrix(world.organization.pk) if one.name == name)


def through(world: World, right: str) -> dict[str, tuple[str, ...]]:
    return {holder.name: holder.through for holder in line(world).holders[right]}


def test_everybody_stands_with_the_teams_that_give_them_the_right(world: World) -> None:
    by = world.administrator
    assert through(world, "use") == {"operator": ("operators",)}
    grant(world.tool(), "review", to=world.reviewer, by=by, reason="also by name")
    grant(
        world.tool(), "review", to=Team.objects.get(organization=world.organization, name="auditors"), by=by, reason="r"
    )
    assert through(world, "review") == {
        "auditor": ("auditors",),
        "reviewer": (DIRECTLY, "reviewers"),
        "reviewer2": ("reviewers",),
    }
    assert set(through(world, "stop")) == {"administrator", "reviewer", "reviewer2"}


def test_a_right_that_nobody_has_is_shown_as_nobody_s(world: World) -> None:
    User.objects.filter(pk=world.operator.pk).update(is_active=False)
    assert line(world).holders["use"] == ()
    Team.objects.get(organization=world.organization, name="auditors").group.user_set.clear()
    assert line(world).holders["audit"] == ()


def test_the_matrix_says_what_the_deciding_view_says(world: World) -> None:
    grant(world.tool(), "review", to=world.developer, by=world.administrator, reason="r")
    said = {
        (holder.user, one.tool, f"{right}_tool")
        for one in matrix(world.organization.pk)
        for right, holders in one.holders.items()
        for holder in holders
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_id, tool_id, codename FROM tools_right WHERE organization_id = %s", [world.organization.pk]
        )
        assert said == set(cursor.fetchall())
    assert said


def offered(world: World, number: int) -> None:
    """So many more tools in the catalogue."""
    model = next(contract for contract in contracts() if contract.name == "send_message")
    for index in range(number):
        offer(world.organization, replace(model, name=f"more.{UNLIKE[index // 8]}{UNLIKE[index % 8]}"))


def test_fifty_tools_cost_as_many_queries_as_five(world: World) -> None:
    few = len(matrix(world.organization.pk))
    with CaptureQueriesContext(connection) as small:
        matrix(world.organization.pk)
    offered(world, 50)
    with CaptureQueriesContext(connection) as large:
        found = matrix(world.organization.pk)
    assert len(found) == few + 50
    assert len(small) == len(large) == 1
    assert [holder.name for holder in found[0].holders["review"]] == ["reviewer", "reviewer2"]


def copies(world: World, action: Action, number: int) -> None:
    """So many more actions that wait, each in a run of its own, with its revision."""
    with without_guards() as admin:
        for _ in range(number):
            row: Any = admin.execute("SELECT gen_random_uuid(), gen_random_uuid()").fetchone()
            changes = "jsonb_build_object('id', %s::text, 'run', %s::text)"
            admin.execute(
                "INSERT INTO approvals_action SELECT (jsonb_populate_record(NULL::approvals_action, to_jsonb(a) ||"
                f" {changes})).* FROM approvals_action a WHERE a.id = %s",
                [row[0], row[1], action.id],
            )
            admin.execute(
                "INSERT INTO approvals_revision SELECT (jsonb_populate_record(NULL::approvals_revision, to_jsonb(r) ||"
                " jsonb_build_object('id', gen_random_uuid()::text, 'action_id', %s::text))).*"
                " FROM approvals_revision r WHERE r.action_id = %s",
                [row[0], action.id],
            )


@pytest.mark.parametrize("lane", ["waiting", "unknown"])
def test_two_hundred_waiting_actions_cost_as_many_queries_as_forty(lane: str, world: World) -> None:
    action = world.staged()
    status = {"waiting": "in_review", "unknown": "uncertain"}[lane]
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET status = %s WHERE id = %s", [status, action.id])
    browser = Client()
    browser.force_login(world.reviewer, backend=BACKEND)

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert browser.get(reverse("inbox"), {"lane": lane}).status_code == 200
        return len(seen)

    copies(world, action, 39)  # more than one person's share of a page: what stands behind it is looked for as well
    queries()
    few = queries()
    copies(world, action, 160)
    assert Action.objects.filter(status=status).count() == 200
    assert queries() == few
