"""The organization's own page: its name, its time zone, what holds it, and the way to who acts there."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.exceptions import ChangeRefused, MayNotAdminister
from accounts.models import Organization, StandingChange, User
from accounts.organizations import name_organization, set_zone
from lam_app import context
from lam_app.models import Run
from tests.integration.test_people_pages import crowd
from tests.support.api import account
from tests.support.policing import change
from tests.support.sql import NO_RIGHT, REFUSED, refusal, speaking_as
from tests.support.world import World
from traces.clock import now
from traces.ids import uuid7
from traces.models import Event

PLACE = "/settings/"


def test_it_shows_what_there_is_and_leads_there(world: World, page: Any) -> None:
    change(world, {"exposure": {"EUR": "500"}, "limits": [], "rules": [{"id": "one"}]})
    with account("web"):
        shown = " ".join(page().get(PLACE).content.decode().split())
    for words in ("6 active, 1 of them an administrator", "500 EUR", "1 rule", "0 limits", "one administrator"):
        assert words in shown, words
    for there in ("people", "teams", "agents", "tokens", "sessions"):
        assert f'href="/settings/{there}/"' in shown
    assert "Set the name" not in page("auditor").get(PLACE).content.decode()


@pytest.mark.parametrize("name", ["operator", "reviewer", "developer"])
def test_others_are_led_to_their_own_sessions(world: World, page: Any, name: str) -> None:
    answer = page(name).get(PLACE)
    assert (answer.status_code, answer.url) == (302, "/settings/sessions/")
    assert "/settings/tokens/" not in page(name).get(answer.url).content.decode()
    assert page(name).post(PLACE, {"what": "name", "name": "Mine", "reason": "x"}).status_code == 403


def test_an_administrator_names_it_and_sets_its_zone_and_the_record_tells_of_it(world: World, page: Any) -> None:
    with account("web"):
        admin = page()
        assert admin.post(PLACE, {"what": "name", "name": " Acme ", "reason": "We are Acme now."}).status_code == 302
        zone = {"what": "zone", "time_zone": "Europe/Vienna", "reason": "We live there."}
        assert admin.post(PLACE, zone).status_code == 302
        shown = " ".join(admin.get(PLACE).content.decode().split())
    assert '<h1 class="wrap"><bdi>Acme</bdi></h1>' in shown
    said = re.sub("<[^>]+>", "", shown)
    assert "administrator: name Demo → Acme" in said
    assert "administrator: time zone UTC → Europe/Vienna" in said
    here = Organization.objects.get(pk=world.organization.pk)
    assert (here.name, here.time_zone, here.slug) == ("Acme", "Europe/Vienna", "demo")
    told = Event.objects.filter(verb="organization_set").order_by("id")
    assert [one.reason for one in told] == ["We are Acme now.", "We live there."]


def test_a_goals_tomorrow_is_the_organizations_unless_the_person_has_a_zone(world: World) -> None:
    set_zone(world.organization, "Pacific/Kiritimati", by=world.administrator, reason="x")
    run = Run.objects.with_people().get(pk=world.run().pk)
    assert context.of(run, now()).timezone == "Pacific/Kiritimati"
    User.objects.filter(pk=world.operator.pk).update(time_zone="Europe/Vienna")
    run = Run.objects.with_people().get(pk=run.pk)
    assert context.of(run, now()).timezone == "Europe/Vienna"


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"what": "name", "name": " ", "reason": "x"}, 422),
        ({"what": "name", "name": "x" * 201, "reason": "x"}, 422),
        ({"what": "name", "name": "Acme", "reason": " "}, 422),
        ({"what": "zone", "time_zone": "Mars/Olympus", "reason": "x"}, 422),
        ({"what": "slug", "name": "x", "reason": "x"}, 400),
        ({"what": "name", "name": "x", "reason": "x", "slug": "acme"}, 400),
    ],
)
def test_what_does_not_fit_changes_nothing(world: World, page: Any, form: dict[str, str], status: int) -> None:
    assert page().post(PLACE, form).status_code == status
    assert not StandingChange.objects.exists()


def test_only_administrators_change_it_and_a_change_that_is_none_is_none(world: World) -> None:
    with pytest.raises(MayNotAdminister):
        name_organization(world.organization, "Mine", by=world.outsider, reason="x")
    with pytest.raises(ChangeRefused):
        set_zone(world.organization, "nowhere", by=world.administrator, reason="x")
    assert not name_organization(world.organization, "Demo", by=world.administrator, reason="x")
    assert not set_zone(world.organization, "UTC", by=world.administrator, reason="x")
    assert not StandingChange.objects.exists()


def test_t74_the_web_account_names_nothing_but_by_a_row_that_is_judged(world: World) -> None:
    here, by = world.organization.pk, world.administrator.pk
    put = (
        "INSERT INTO accounts_standingchange"
        " (id, organization_id, what, member_id, team_id, before, after, by_id, reason)"
        " VALUES (%s, %s, %s, NULL, NULL, %s, %s, %s, 'r')"
    )
    with speaking_as("web", here) as web:
        assert refusal(web, "UPDATE accounts_organization SET name = 'x'")[0] == NO_RIGHT
        for row, why in {
            (uuid7(), here, "name", "Demo", "Acme", by): "no event tells of it",
            (uuid7(), here, "name", "Other", "Acme", by): "not as the change says",
            (uuid7(), here, "name", "Demo", " ", by): "not as the change says",
            (uuid7(), here, "zone", "UTC", "Mars/Olympus", by): "not as the change says",
            (uuid7(), here, "name", "Demo", "Acme", world.outsider.pk): "administers nothing here",
        }.items():
            state, said = refusal(web, put, row)
            assert (state, why in said) == (REFUSED, True), (why, said)


def test_many_people_cost_as_many_queries_as_few(world: World, page: Any) -> None:
    admin = page()

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert admin.get(PLACE).status_code == 200
        return len(seen)

    queries()
    few = queries()
    crowd(world, 100, 10)
    assert queries() == few <= 25
