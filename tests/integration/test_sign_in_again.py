"""High risk asks for a password that was given a moment ago; an old session, or a stolen one, decides nothing of it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from approvals.exceptions import SignInAgain
from approvals.models import Action, Decision
from approvals.services.deciding import AHEAD
from approvals.tasks import execute_permitted, sign_permits
from tests.support import tools as odd
from tests.support.telling import risky as of_risk
from tests.support.voting import browser, decide, long_ago, policy, risky, status, yes
from tests.support.world import PASSWORD, World, approved
from traces.models import Event, EventDetail


@pytest.fixture
def grave(world: World) -> Action:
    """An action of high risk."""
    risky(world)
    action = world.staged()
    assert action.risk == "high"
    return action


@pytest.mark.parametrize("ago", [301, 3600, None])
def test_t39_an_old_session_decides_nothing_of_high_risk(ago: float | None, grave: Action, world: World) -> None:
    answer = decide(browser(world, "reviewer", ago=ago), grave)
    page = answer.content.decode()
    assert answer.status_code == 401
    assert 'name="password"' in page
    assert f'name="next" value="/actions/{grave.pk}/"' in page
    assert status(grave) == "in_review"
    assert not Decision.objects.exists()
    event = Event.objects.get(subject=grave.id, verb="refused")
    assert event.actor == world.reviewer.pk


def test_t39_a_session_of_a_moment_ago_decides(grave: Action, world: World) -> None:
    assert decide(browser(world, "reviewer", ago=290), grave).status_code == 302
    assert status(grave) == "permitted"


def test_t39_programs_and_fragments_are_told_in_their_own_way(grave: Action, world: World) -> None:
    client = browser(world, "reviewer", ago=600)
    form = {"decision": "approve", "digest": grave.digest}
    document = client.post(f"/actions/{grave.pk}/decide/", form, headers={"Accept": "application/json"})
    assert (document.status_code, document.json()["code"]) == (401, "sign_in_again")
    fragment = client.post(f"/actions/{grave.pk}/decide/", form, headers={"HX-Request": "true"})
    assert fragment["HX-Redirect"] == f"/accounts/reauthenticate/?next=%2Factions%2F{grave.pk}%2F"
    assert not Decision.objects.exists()


def test_t39_whoever_signs_in_again_comes_back_and_decides_themselves(grave: Action, world: World) -> None:
    client = browser(world, "reviewer", ago=600)
    decide(client, grave)
    back = f"/actions/{grave.pk}/"
    wrong = client.post("/accounts/reauthenticate/", {"password": "not theirs", "next": back})
    assert wrong.status_code == 200
    assert "Check it and try again" in wrong.content.decode()
    assert decide(client, grave).status_code == 401
    right = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": back})
    assert (right.status_code, right["Location"]) == (302, back)
    assert status(grave) == "in_review", "a password is no decision"
    assert decide(client, grave).status_code == 302
    assert status(grave) == "permitted"


def test_t39_a_copy_of_the_old_cookie_is_worth_nothing_once_its_owner_signs_in_again(
    grave: Action, world: World
) -> None:
    client = browser(world, "reviewer", ago=600)
    stolen = Client()
    stolen.cookies.load(client.cookies.output(header=""))
    assert stolen.get("/").status_code == 200
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert stolen.get("/")["Location"].startswith("/accounts/login/")
    assert decide(stolen, grave).status_code == 302
    assert status(grave) == "in_review"


def test_t39_the_password_at_the_door_is_fresh_enough(grave: Action, world: World) -> None:
    client = Client()
    client.post("/accounts/login/", {"login": "reviewer", "password": PASSWORD})
    assert decide(client, grave).status_code == 302
    assert status(grave) == "permitted"


def test_somebody_elses_sign_in_in_the_same_session_is_none(grave: Action, world: World) -> None:
    client = browser(world, "reviewer")
    session = client.session
    session["account_authentication_methods_user"] = str(world.reviewer2.pk)
    session.save()
    assert decide(client, grave).status_code == 401


@pytest.mark.parametrize("junk", ["then", {"method": "password"}, [{"method": "password", "at": "now"}], [{"at": 9e9}]])
def test_a_session_that_says_nothing_readable_is_not_fresh(junk: Any, grave: Action, world: World) -> None:
    client = browser(world, "reviewer")
    session = client.session
    session["account_authentication_methods"] = junk
    session.save()
    assert decide(client, grave).status_code == 401


def test_a_sign_in_from_the_future_is_none(grave: Action, world: World) -> None:
    with pytest.raises(SignInAgain):
        yes(world, world.reviewer, grave, signed_in_at=datetime.now(UTC) + AHEAD + timedelta(seconds=30))


def test_how_fresh_is_the_policys_word(grave: Action, world: World) -> None:
    policy(world, fresh_seconds=30)
    with pytest.raises(SignInAgain) as refused:
        yes(world, world.reviewer, grave, signed_in_at=long_ago(60))
    assert refused.value.extra["within"] == 30


def test_below_high_risk_and_for_a_no_an_old_session_will_do(grave: Action, world: World) -> None:
    old = browser(world, "reviewer", ago=9_000)
    assert decide(old, grave, "reject", reason="Not now.").status_code == 302
    world.tool().__class__.objects.filter(name="send_message").update(tier="write")
    mild = world.staged()
    assert mild.risk == "medium"
    assert decide(old, mild).status_code == 302


def in_doubt(world: World) -> Action:
    """A call of high risk that broke off after its effect, so that nobody knows of it."""
    odd.reset()
    odd.ORDERS.append("break_after")
    action = world.staged("odd_neither", {"text": "once"})
    approved(world, action)
    sign_permits()
    execute_permitted()
    of_risk(action, "high")
    assert status(action) == "uncertain"
    action.refresh_from_db()
    return action


@pytest.mark.parametrize(("word", "becomes"), [("happened", "done"), ("did_not_happen", "failed")])
def test_t39_what_became_of_a_call_of_high_risk_is_said_with_a_fresh_password(
    world: World, word: str, becomes: str
) -> None:
    action = in_doubt(world)
    old = browser(world, "reviewer", ago=301)
    assert "asked for your password" in old.get(f"/actions/{action.pk}/").content.decode()
    answer = decide(old, action, word, reason="I looked.")
    assert answer.status_code == 401
    assert f'name="next" value="/actions/{action.pk}/"' in answer.content.decode()
    assert status(action) == "uncertain"
    assert [one.verb for one in Decision.objects.all()] == ["approve"]
    fresh = browser(world, "reviewer", ago=290)
    assert "asked for your password" not in fresh.get(f"/actions/{action.pk}/").content.decode()
    assert decide(fresh, action, word, reason="I looked.").status_code == 302
    assert status(action) == becomes


def test_the_card_says_beforehand_that_a_password_is_asked_for(grave: Action, world: World) -> None:
    words = "asked for your password"
    assert words in browser(world, "reviewer", ago=600).get(f"/actions/{grave.pk}/").content.decode()
    assert words not in browser(world, "reviewer").get(f"/actions/{grave.pk}/").content.decode()


def test_the_record_says_when_whoever_decided_had_signed_in(grave: Action, world: World) -> None:
    before = time.time()
    decide(browser(world, "reviewer", ago=100), grave)
    event = Event.objects.get(subject=grave.id, verb="approve")
    detail = EventDetail.objects.get(event=event.pk).detail
    assert "signed_in_at" in detail
    assert f"{datetime.fromtimestamp(before - 100, tz=UTC):%Y-%m-%dT%H:%M}"[:15] in detail
