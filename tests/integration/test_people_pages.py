"""The page of people: who is what, changed by another administrator alone, by a row that the database judges."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Membership, StandingChange, Team, User
from tests.support.api import account
from tests.support.dialling import second_administrator
from tests.support.racing import race
from tests.support.sql import NO_RIGHT, REFUSED, refusal, speaking_as
from tests.support.walking import BACKEND
from tests.support.world import World, approved
from tools.models import OutboxMessage
from tools.queries import holds
from traces.ids import uuid7
from traces.models import Event

WHY = "The team has grown."


def browser(world: World, name: str) -> Client:
    client = Client()
    client.force_login(world.people.get(name) or second_administrator(world), backend=BACKEND)
    return client


def member(world: World, name: str) -> Membership:
    return Membership.objects.get(user=world.people[name])


def team(world: World, name: str) -> Team:
    return Team.objects.get(organization=world.organization, name=name)


def change(client: Client, whose: Membership, what: str, reason: str = WHY, **form: str) -> Any:
    """Send one of the page's forms."""
    return client.post(reverse("people"), {"member": str(whose.pk), "what": what, "reason": reason, **form})


def text(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def test_an_administrator_changes_somebody_and_the_page_and_the_record_tell_of_it(world: World) -> None:
    """Everything as the web account, which may write neither a membership nor a team."""
    admin, of = browser(world, "administrator"), member(world, "developer")
    with account("web"):
        answer = change(admin, of, "roles", role_developer="on", role_reviewer="on")
        assert (answer.status_code, answer.url) == (302, f"{reverse('people')}?member={of.pk}#chosen")
        assert change(admin, of, "tier", tier="draft").status_code == 302
        assert change(admin, of, "join", team=str(team(world, "auditors").pk)).status_code == 302
        shown = text(admin.get(reverse("people"), {"member": str(of.pk)}))
    assert "developer, reviewer Draft auditors, reviewers" in shown
    assert "administrator: depth read → draft" in shown
    assert "administrator: roles developer → developer, reviewer" in shown
    assert "administrator: into team auditors" in shown
    assert holds(of.user_id, world.tool().pk, "review_tool")
    assert sorted(Event.objects.filter(reason=WHY).values_list("verb", flat=True)) == [
        "roles_set", "team_joined", "tier_set",
    ]  # fmt: skip
    with account("web"):
        assert change(admin, of, "roles", role_developer="on").status_code == 302
    assert not holds(of.user_id, world.tool().pk, "review_tool")


def test_t23_t74_nobody_changes_themselves_on_the_page(world: World) -> None:
    admin, own = browser(world, "administrator"), member(world, "administrator")
    for what, form in (
        ("roles", {"role_administrator": "on", "role_reviewer": "on"}),
        ("tier", {"tier": "admin"}),
        ("join", {"team": str(team(world, "reviewers").pk)}),
    ):
        assert change(admin, own, what, **form).status_code == 403, what
    assert "Another administrator changes what you are" in text(admin.get(reverse("people"), {"member": str(own.pk)}))
    assert not StandingChange.objects.exists()
    assert change(browser(world, "second"), own, "tier", tier="admin").status_code == 302


def test_t24_who_loses_the_role_on_the_page_has_not_said_yes(world: World) -> None:
    from approvals.tasks import execute_permitted, sign_permits

    action = world.staged()
    approved(world, action)
    assert change(browser(world, "administrator"), member(world, "reviewer"), "roles").status_code == 302
    sign_permits()
    execute_permitted()
    assert not OutboxMessage.objects.exists()


def test_t57_t58_people_and_teams_of_others_are_nowhere(world: World) -> None:
    admin, theirs = browser(world, "administrator"), member(world, "outsider")
    ours, foreign = member(world, "developer"), Team.objects.filter(organization=world.elsewhere).first()
    assert foreign is not None
    assert admin.get(reverse("people"), {"member": str(theirs.pk)}).status_code == 404
    assert change(admin, theirs, "tier", tier="read").status_code == 404
    assert change(admin, ours, "join", team=str(foreign.pk)).status_code == 404
    assert "outsider" not in text(admin.get(reverse("people")))
    world.developer.groups.add(foreign.group)  # in a team of both organizations, a person shows here only ours
    Team.objects.filter(pk=foreign.pk).update(name="their-secret")
    assert "their-secret" not in text(admin.get(reverse("people"), {"member": str(ours.pk)}))
    assert not StandingChange.objects.exists()


@pytest.mark.parametrize("more", [{"is_superuser": "on"}, {"organization": "x"}, {"role_root": "on"}, {"user": "x"}])
def test_t73_the_form_takes_no_other_field(more: dict[str, str], world: World) -> None:
    admin, of = browser(world, "administrator"), member(world, "developer")
    assert change(admin, of, "tier", tier="read", **more).status_code == 400
    assert not StandingChange.objects.exists()


def test_the_page_refuses_unknown_words_and_changes_without_a_reason(world: World) -> None:
    admin, of = browser(world, "administrator"), member(world, "developer")
    assert change(admin, of, "tier", tier="root").status_code == 422
    assert change(admin, of, "tier", tier="read", reason=" ").status_code == 422
    assert change(admin, of, "promote").status_code == 400
    assert change(browser(world, "auditor"), of, "tier", tier="read").status_code == 403
    assert not StandingChange.objects.exists()


def test_t74_the_web_account_changes_people_by_a_row_alone_and_the_row_is_judged(world: World) -> None:
    here, by, of = world.organization.pk, world.administrator.pk, member(world, "developer")
    put = (
        "INSERT INTO accounts_standingchange"
        " (id, organization_id, what, member_id, team_id, before, after, by_id, reason)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'r')"
    )
    own, reviewers = member(world, "administrator").pk, team(world, "reviewers").pk
    tier = (uuid7(), here, "tier", of.pk, None, of.tier, "admin")
    with speaking_as("web", here) as web:
        for statement in (
            "UPDATE accounts_membership SET tier = 'admin'",
            "INSERT INTO accounts_user_groups (user_id, group_id) SELECT user_id, group_id FROM accounts_user_groups",
            "DELETE FROM accounts_team",
            "UPDATE accounts_user SET is_superuser = true",
        ):
            assert refusal(web, statement)[0] == NO_RIGHT, statement
        for row, why in {
            (*tier, world.reviewer.pk): "administers nothing here",
            (*tier, world.outsider.pk): "administers nothing here",
            (*tier[:5], "admin", "read", by): "not as the change says",
            (uuid7(), here, "tier", own, None, "read", "admin", by): "one's own standing",
            (uuid7(), here, "join", own, reviewers, "", "", by): "one's own standing",
            (uuid7(), here, "tier", member(world, "outsider").pk, None, "write", "admin", by): "nobody's here",
            (*tier, by): "no event tells of it",
        }.items():
            assert refusal(web, put, row)[0] == REFUSED, why
            assert why in refusal(web, put, row)[1], why


def test_t25_many_hands_at_once_make_one_change(world: World) -> None:
    clients, of = [browser(world, "administrator") for _ in range(6)], member(world, "developer")
    found = race(
        *(lambda c=c: change(c, of, "join", team=str(team(world, "reviewers").pk)).status_code for c in clients)
    )
    assert found == [302] * 6
    assert StandingChange.objects.count() == Event.objects.filter(verb="team_joined").count() == 1


def crowd(world: World, people: int, teams: int) -> None:
    """So many more members and teams, each person in one of them."""
    made = [
        Team(organization=world.organization, name=f"crew-{n}", group=Group.objects.create(name=f"demo/crew-{n}"))
        for n in range(teams)
    ]
    Team.objects.bulk_create(made)
    users = User.objects.bulk_create(User(username=f"clerk{n:03}") for n in range(people))
    Membership.objects.bulk_create(
        Membership(organization=world.organization, user=user, roles=["operator"], tier="write") for user in users
    )
    for number, user in enumerate(users):
        user.groups.add(made[number % teams].group)


@pytest.mark.parametrize("name", ["people", "teams"])
def test_five_hundred_people_in_fifty_teams_cost_as_many_queries_as_a_few(name: str, world: World) -> None:
    admin = browser(world, "administrator")
    asked = {
        "people": {"member": str(member(world, "developer").pk)},
        "teams": {"team": str(team(world, "reviewers").pk)},
    }

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert admin.get(reverse(name), asked[name]).status_code == 200
        return len(seen)

    queries()
    few = queries()
    crowd(world, 500, 50)
    assert queries() == few <= 20


def test_people_are_found_by_name_and_role_and_page_by_page(world: World) -> None:
    crowd(world, 40, 2)
    admin = browser(world, "administrator")
    assert "1 of 1 person" in text(admin.get(reverse("people"), {"q": "CLERK007"}))
    assert "2 of 2 people" in text(admin.get(reverse("people"), {"role": "reviewer"}))
    first = admin.get(reverse("people"), {"q": "clerk"})
    assert "25 of 40 people" in text(first)
    assert "15 of 40 people" in text(admin.get(reverse("people"), {"q": "clerk", "after": "clerk024"}))
    assert "after=clerk024" in first.content.decode()
    assert "Nobody fits that" in text(admin.get(reverse("people"), {"q": "nobody at all"}))
    assert admin.get(reverse("people"), {"role": "root"}).status_code == 400
