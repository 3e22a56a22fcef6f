"""The page of teams: made empty, filled and emptied by an administrator, never with themselves."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.models import Membership, StandingChange, Team
from tests.integration.test_people_pages import WHY, browser, member, team, text
from tests.support.api import account
from tests.support.world import World
from tools.queries import holds
from traces.models import Event


def send(client: Client, what: str, reason: str = WHY, **form: str) -> Any:
    """Send one of the page's forms."""
    return client.post(reverse("teams"), {"what": what, "reason": reason, **form})


def test_a_team_is_made_empty_filled_and_emptied_and_the_page_tells_of_it(world: World) -> None:
    """As the web account, by rows that the database judges."""
    admin = browser(world, "administrator")
    whose = str(member(world, "developer").pk)
    with account("web"):
        made = send(admin, "create", name="finance")
        finance = team(world, "finance")
        assert (made.status_code, made.url) == (302, f"{reverse('teams')}?team={finance.pk}#chosen")
        assert "finance 0 0 tools" in text(admin.get(reverse("teams")))
        assert send(admin, "join", team=str(finance.pk), person=whose).status_code == 302
        shown = text(admin.get(reverse("teams"), {"team": str(finance.pk)}))
        assert "finance 1 0 tools" in shown
        assert "administrator put developer in" in shown
        assert "administrator made the team" in shown
        assert send(admin, "leave", team=str(finance.pk), person=whose).status_code == 302
    assert not finance.group.user_set.exists()
    assert list(Event.objects.filter(reason=WHY).order_by("id").values_list("verb", flat=True)) == [
        "team_created", "team_joined", "team_left",
    ]  # fmt: skip


def test_whoever_joins_has_the_rights_of_the_team_and_the_page_counts_its_tools(world: World) -> None:
    admin, reviewers = browser(world, "administrator"), team(world, "reviewers")
    held = reviewers.group.toolgroupobjectpermission_set.values("content_object").distinct().count()
    assert held > 1
    assert f"reviewers 2 {held} tools" in text(admin.get(reverse("teams")))
    send(admin, "join", team=str(reviewers.pk), person=str(member(world, "developer").pk))
    assert holds(world.developer.pk, world.tool().pk, "review_tool")
    assert f"reviewers 3 {held} tools" in text(admin.get(reverse("teams")))


def test_t23_an_administrator_does_not_put_themselves_in_a_team(world: World) -> None:
    admin, own = browser(world, "administrator"), str(member(world, "administrator").pk)
    assert send(admin, "join", team=str(team(world, "reviewers").pk), person=own).status_code == 403
    assert send(admin, "leave", team=str(team(world, "administrators").pk), person=own).status_code == 403
    assert not StandingChange.objects.exists()


def test_t57_t58_t59_teams_and_people_of_others_are_nowhere(world: World) -> None:
    admin, foreign = browser(world, "administrator"), Team.objects.filter(organization=world.elsewhere).first()
    assert foreign is not None
    ours, theirs = str(member(world, "developer").pk), Membership.objects.get(user=world.outsider)
    assert admin.get(reverse("teams"), {"team": str(foreign.pk)}).status_code == 404
    assert send(admin, "join", team=str(foreign.pk), person=ours).status_code == 404
    assert send(admin, "join", team=str(team(world, "reviewers").pk), person=str(theirs.pk)).status_code == 404
    assert send(admin, "create", name="finance", organization=str(world.elsewhere.pk)).status_code == 400
    assert not StandingChange.objects.exists()


def test_a_name_that_is_no_short_slug_a_missing_reason_and_other_roles_are_refused(world: World) -> None:
    admin = browser(world, "administrator")
    refused = send(admin, "create", name="Not A Slug")
    assert (refused.status_code, "use up to 40 small letters" in text(refused)) == (422, True)
    assert 'value="Not A Slug"' in refused.content.decode()
    assert send(admin, "create", name="finance", reason=" ").status_code == 422
    assert send(admin, "erase", name="finance").status_code == 400
    assert send(browser(world, "auditor"), "create", name="finance").status_code == 403
    assert send(browser(world, "reviewer"), "create", name="finance").status_code == 403
    assert not Team.objects.filter(name="finance").exists()
