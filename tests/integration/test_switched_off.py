"""Somebody is deactivated, reactivated, or signed out by an administrator. T69, T23, T74."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.exceptions import ChangeRefused, MayNotAdminister, NotOneself, UsedElsewhere
from accounts.models import Membership, SignIn, StandingChange, User
from accounts.roles import Role
from accounts.switching import end_sessions, switch_off, switch_on
from tests.support.api import Caller, account, token_of
from tests.support.dialling import second_administrator
from tests.support.racing import race
from tests.support.signed_in import alive, fresh, stale
from tests.support.sql import REFUSED, refusal, speaking_as
from tests.support.world import PASSWORD, World, approved
from traces.ids import uuid7
from traces.models import Event

WHY = "The account was taken over."


def member(world: World, name: str) -> Membership:
    return Membership.objects.select_related("user").get(user=world.people[name])


def send(client: Client, world: World, name: str, what: str, reason: str = WHY) -> Any:
    """The form on somebody's page, as the web account."""
    with account("web"):
        return client.post(f"/settings/people/{member(world, name).pk}/", {"what": what, "reason": reason})


def test_t69_whoever_is_switched_off_is_signed_out_everywhere_within_one_request(world: World) -> None:
    browsers = [fresh(world, "reviewer"), fresh(world, "reviewer")]
    assert all(alive(one) for one in browsers)
    assert send(fresh(world), world, "reviewer", "off").status_code == 302
    with account("web"):
        assert not any(alive(one) for one in browsers)
        refused = Client().post("/accounts/login/", {"login": "reviewer", "password": PASSWORD})
    assert "/accounts/inactive/" in refused.headers.get("Location", "") or refused.status_code == 200
    told = Event.objects.get(verb="person_switched_off")
    assert (told.actor_name, told.subject, told.reason) == ("administrator", member(world, "reviewer").pk, WHY)


def test_t69_no_session_of_before_comes_back_with_the_person(world: World) -> None:
    before = fresh(world, "reviewer")
    admin = fresh(world)
    assert send(admin, world, "reviewer", "off").status_code == 302
    assert send(admin, world, "reviewer", "on", "It is them again.").status_code == 302
    assert not alive(before)
    with account("web"):
        again = Client()
        assert again.post("/accounts/login/", {"login": "reviewer", "password": PASSWORD}).status_code == 302
        assert alive(again)
    assert Event.objects.filter(verb="person_switched_on", reason="It is them again.").count() == 1


def test_t69_an_administrator_ends_all_of_somebodys_sessions(world: World) -> None:
    theirs, others = [fresh(world, "reviewer"), fresh(world, "reviewer")], fresh(world, "operator")
    assert send(fresh(world), world, "reviewer", "end").status_code == 302
    with account("web"):
        assert not any(alive(one) for one in theirs)
        assert alive(others)
    assert User.objects.get(username="reviewer").is_active
    change = StandingChange.objects.get(what="end")
    assert (change.before, change.by) == ("2", world.administrator)
    assert not end_sessions(member(world, "reviewer"), by=world.administrator, reason=WHY), "nothing is left to end"
    assert StandingChange.objects.filter(what="end").count() == 1


def test_t24_what_they_said_yes_to_and_what_their_tokens_ask_counts_no_more(world: World) -> None:
    from approvals.tasks import execute_permitted, sign_permits
    from tools.models import OutboxMessage

    action = world.staged()
    approved(world, action)
    bearer = Caller(token_of(world, "reviewer", "operate"))
    assert bearer.get("runs").status_code == 200
    assert send(fresh(world), world, "reviewer", "off").status_code == 302
    assert bearer.get("runs").status_code == 401
    sign_permits()
    execute_permitted()
    assert not OutboxMessage.objects.exists()


def test_t23_nobody_switches_themselves_so_one_administrator_is_always_left(world: World) -> None:
    admin = fresh(world)
    for what in ("off", "end"):
        assert send(admin, world, "administrator", what).status_code == 403
    assert alive(admin)
    with pytest.raises(NotOneself):
        switch_off(member(world, "administrator"), by=world.administrator, reason=WHY)
    other = second_administrator(world)
    assert switch_off(member(world, "administrator"), by=other, reason=WHY)
    with pytest.raises(MayNotAdminister):
        switch_off(Membership.objects.get(user=other), by=world.administrator, reason=WHY)
    assert User.objects.filter(memberships__roles__contains=[Role.ADMINISTRATOR], is_active=True).count() >= 1


def test_t25_two_administrators_who_switch_each_other_off_leave_one(world: World) -> None:
    other = second_administrator(world)
    pairs = [(world.administrator, other), (other, world.administrator)]

    def off(by: User, of: User) -> bool:
        try:
            return switch_off(Membership.objects.select_related("user").get(user=of), by=by, reason=WHY)
        except Exception:  # refused by the verb or by the database: either is a no
            return False

    assert sorted(race(*(lambda pair=pair: off(*pair) for pair in pairs))) == [False, True]
    here = User.objects.filter(memberships__organization=world.organization, is_active=True)
    assert here.filter(memberships__roles__contains=[Role.ADMINISTRATOR]).count() == 1


def test_an_account_that_is_used_elsewhere_is_not_this_organizations_to_switch(world: World) -> None:
    Membership.objects.create(organization=world.elsewhere, user=world.reviewer, roles=["reviewer"], tier="read")
    here = Membership.objects.select_related("user").get(user=world.reviewer, organization=world.organization)
    with pytest.raises(UsedElsewhere):
        switch_off(here, by=world.administrator, reason=WHY)
    assert User.objects.get(pk=world.reviewer.pk).is_active


def test_the_page_wants_a_reason_a_fresh_password_and_an_administrator(world: World) -> None:
    asked = send(stale(world), world, "reviewer", "off")
    assert asked.status_code == 401
    assert "switching somebody off" in asked.content.decode()
    assert send(fresh(world), world, "reviewer", "off", " ").status_code == 422
    assert send(fresh(world, "auditor"), world, "reviewer", "off").status_code == 403
    assert send(fresh(world), world, "reviewer", "delete").status_code == 400
    there = f"/settings/people/{member(world, 'reviewer').pk}/"
    assert fresh(world).post(there, {"what": "off", "reason": "x", "is_superuser": "1"}).status_code == 400
    assert not StandingChange.objects.exists()
    with pytest.raises(ChangeRefused):
        switch_off(member(world, "reviewer"), by=world.administrator, reason="")


def test_the_page_offers_what_fits(world: World) -> None:
    there = f"/settings/people/{member(world, 'reviewer').pk}/"
    fresh(world, "reviewer")
    admin = fresh(world)
    shown = admin.get(there).content.decode()
    assert "Switch reviewer off" in shown
    assert "End all their sessions" in shown
    assert "sign in again" in stale(world).get(there).content.decode()
    auditor = fresh(world, "auditor").get(there).content.decode()
    assert "Switch reviewer off" not in auditor
    send(admin, world, "reviewer", "off")
    shown = admin.get(there).content.decode()
    assert "Switch reviewer on" in shown
    assert "administrator: switched off" in " ".join(shown.split())
    own = admin.get(f"/settings/people/{member(world, 'administrator').pk}/").content.decode()
    assert "another administrator can switch you off" in own


def test_switching_twice_is_one_change(world: World) -> None:
    of = member(world, "reviewer")
    assert switch_off(of, by=world.administrator, reason=WHY)
    assert not switch_off(of, by=world.administrator, reason=WHY)
    assert switch_on(of, by=world.administrator, reason=WHY)
    assert not switch_on(of, by=world.administrator, reason=WHY)
    assert list(StandingChange.objects.order_by("id").values_list("what", flat=True)) == ["off", "on"]


def test_t74_the_web_account_switches_nobody_but_by_a_row_that_is_judged(world: World) -> None:
    here, of, by = world.organization.id, member(world, "reviewer").pk, world.administrator.pk
    put = (
        "INSERT INTO accounts_standingchange"
        " (id, organization_id, what, member_id, team_id, before, after, by_id, reason)"
        " VALUES (%s, %s, %s, %s, NULL, '', '', %s, 'r')"
    )
    own, theirs = member(world, "administrator").pk, member(world, "outsider").pk
    Membership.objects.create(organization=world.elsewhere, user=world.developer, roles=["operator"], tier="read")
    both = Membership.objects.get(user=world.developer, organization=here).pk
    with speaking_as("web", here) as web:
        for row, why in {
            (uuid7(), here, "off", of, by): "no event tells of it",
            (uuid7(), here, "off", of, world.operator.pk): "administers nothing here",
            (uuid7(), here, "off", own, by): "one's own standing",
            (uuid7(), here, "off", theirs, by): "nobody's here",
            (uuid7(), here, "off", both, by): "used elsewhere too",
            (uuid7(), here, "on", of, by): "not as the change says",
            (uuid7(), here, "end", of, by): "no event tells of it",
        }.items():
            state, said = refusal(web, put, row)
            assert (state, why in said) == (REFUSED, True), (why, said)
    assert not SignIn.objects.exclude(ended_at=None).exists()
