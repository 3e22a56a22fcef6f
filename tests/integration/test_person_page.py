"""One person's page: what they may do with each tool, through which team, as the deciding view has it."""

from __future__ import annotations

from dataclasses import replace

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from accounts.standing import join
from tests.integration.test_people_pages import browser, crowd, member, team, text
from tests.support.world import World
from tools.matrix import of_person
from tools.offering import offer
from tools.registry import contracts
from tools.rights import grant


def test_each_right_says_through_which_team_it_is_held(world: World) -> None:
    by = world.administrator
    grant(world.tool(), "review", to=world.reviewer, by=by, reason="also by name")
    join(team(world, "auditors"), world.reviewer, by=by, reason="reads along")
    shown = text(browser(world, "auditor").get(reverse("person", args=[member(world, "reviewer").pk])))
    assert (
        "send_message Review given directly; as a member of reviewers Stop as a member of reviewers"
        " Audit as a member of auditors" in shown
    )
    assert "Agents they answer for None" in shown
    none = text(browser(world, "auditor").get(reverse("person", args=[member(world, "developer").pk])))
    assert "they have no right on any tool" in none


def test_the_page_says_what_the_deciding_view_says(world: World) -> None:
    grant(world.tool(), "stop", to=world.operator, by=world.administrator, reason="r")
    for user in User.objects.filter(memberships__organization=world.organization):
        said = {
            (one.tool, f"{right}_tool") for one in of_person(world.organization.pk, user.pk) for right, _ in one.rights
        }
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tool_id, codename FROM tools_right WHERE organization_id = %s AND user_id = %s",
                [world.organization.pk, user.pk],
            )
            assert said == set(cursor.fetchall()), user.username


def test_who_is_switched_off_may_do_nothing_and_the_page_says_so(world: World) -> None:
    User.objects.filter(pk=world.reviewer.pk).update(is_active=False)
    shown = text(browser(world, "administrator").get(reverse("person", args=[member(world, "reviewer").pk])))
    assert "no right of theirs counts" in shown
    assert "they have no right on any tool" in shown


def test_t57_t62_somebody_of_another_organization_is_nowhere_and_only_the_page_is_asked_for(world: World) -> None:
    admin = browser(world, "administrator")
    assert admin.get(reverse("person", args=[member(world, "outsider").pk])).status_code == 404
    own = reverse("person", args=[member(world, "reviewer").pk])
    assert admin.get(own, {"user__password__startswith": "p"}).status_code == 400
    assert admin.post(own).status_code == 400
    assert browser(world, "operator").get(own).status_code == 403


def test_many_tools_and_people_cost_as_many_queries_as_few_and_come_page_by_page(world: World) -> None:
    admin, own = browser(world, "administrator"), reverse("person", args=[member(world, "reviewer").pk])

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert admin.get(own).status_code == 200
        return len(seen)

    queries()
    few = queries()
    crowd(world, 500, 50)
    for number in range(40):
        offer(world.organization, replace(contracts()[0], name=f"bulk{number}.{contracts()[0].name}"))
    assert queries() == few <= 20
    first = admin.get(own)
    assert "25 of " in text(first)
    assert 'rel="next"' in first.content.decode()
