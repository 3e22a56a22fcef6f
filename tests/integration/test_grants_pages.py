"""The pages of grants: nothing is sent that was not looked at first, and what is listed counts down."""

import re
from typing import Any

import pytest
from django.test import Client

from approvals.models import Action, Grant
from tests.support.granting import TOOL, allow, may_grant, pay
from tests.support.voting import approve_as, browser
from tests.support.world import World
from traces.clock import now

FORM = {"uses": "3", "days": "7", "total": "250", "team": "", "reason": "Small ones.", "k1": "equals",
        "k2": "at_most", "v2": "100"}  # fmt: skip


@pytest.fixture
def granting(world: World) -> World:
    may_grant(world)
    return world


@pytest.fixture
def page(granting: World) -> Any:
    """A browser of a person who has just signed in."""
    return lambda name="reviewer", **more: browser(granting, name, **more)


def post(client: Client, action: Action, **changes: str) -> Any:
    return client.post(f"/actions/{action.id}/allow/", {**FORM, "digest": action.digest, "then": "check", **changes})


def seen(answer: Any) -> str:
    (found,) = re.findall(r'name="seen" value="([^"]*)"', answer.content.decode())
    return str(found)


def test_the_form_shows_what_it_would_have_let_go_before_it_can_be_sent(granting: World, page: Any) -> None:
    for amount in ("30", "70", "700"):
        old = pay(granting, amount)
        if amount != "70":
            approve_as(granting, granting.reviewer, old, signed_in_at=now())
    shown, client = pay(granting, "40"), page()
    assert 'value="send"' not in client.get(f"/actions/{shown.id}/allow/").content.decode()
    looked = post(client, shown)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", looked.content.decode()))
    assert "2 of the last 3 calls of this tool" in text
    assert "Approved by people 2 1" in text
    assert "Still waits 1 1" in text
    assert not Grant.objects.exists()
    assert 'value="send"' in looked.content.decode()
    sent = post(client, shown, then="send", seen=seen(looked))
    assert (sent.status_code, sent.headers["Location"]) == (302, "/policy/grants/")
    assert Action.objects.get(id=shown.id).status == "permitted"
    assert pay(granting, "99").status == "permitted"


@pytest.mark.parametrize("changes", [{"seen": ""}, {"v2": "1000"}, {"uses": "900"}, {"total": "9999"}, {"days": "30"}])
def test_what_was_not_looked_at_is_not_sent(granting: World, page: Any, changes: dict[str, str]) -> None:
    shown, client = pay(granting, "40"), page()
    first = seen(post(client, shown))
    answer = post(client, shown, **{"then": "send", "seen": first, **changes})
    assert answer.status_code == 200
    assert seen(answer) not in {"", changes.get("seen", first)} or "seen" in changes
    assert not Grant.objects.exists()
    assert Action.objects.get(id=shown.id).status == "in_review"


def test_t73_an_unknown_field_is_refused(granting: World, page: Any) -> None:
    shown = pay(granting, "40")
    for more in ("made_by", "organization", "expires_at", "k3"):
        assert post(page(), shown, **{more: "1"}).status_code == 400
    assert not Grant.objects.exists()


def test_what_is_wrong_is_said_beside_its_field(granting: World, page: Any) -> None:
    answer = post(page(), pay(granting, "40"), k2="anything", uses="0")
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "Tick that anything is meant." in text
    assert "From 1 to 1000 calls." in text


def test_only_who_may_review_and_configure_is_offered_it(granting: World, page: Any) -> None:
    shown = pay(granting, "40")
    offer = f"/actions/{shown.id}/allow/"
    assert offer in page().get(f"/actions/{shown.id}/").content.decode()
    for name in ("reviewer2", "administrator"):
        assert offer not in page(name).get(f"/actions/{shown.id}/").content.decode()
        assert page(name).get(offer).status_code == 302
        assert post(page(name), shown).status_code == 403


def test_who_signed_in_long_ago_is_asked_for_the_password_first(granting: World, page: Any) -> None:
    shown = pay(granting, "40")
    assert page(ago=600).get(f"/actions/{shown.id}/allow/").status_code == 401


def test_the_list_counts_down_and_a_grant_is_revoked_there(granting: World, page: Any) -> None:
    grant = allow(granting)
    pay(granting, "60")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page("auditor").get("/policy/grants/").content.decode()))
    assert "1 of 3" in text
    assert "60 of 250 EUR" in text
    assert "at most 100" in text
    end = f"/policy/grants/{grant.id}/revoke/"
    assert end not in page("auditor").get("/policy/grants/").content.decode()
    assert page("reviewer2").post(end, {"reason": "No."}).status_code == 403
    assert page().post(end, {"reason": " "}).status_code == 422
    assert page().post(end, {"reason": "No more."}).status_code == 302
    assert pay(granting, "1").status == "in_review"
    assert "Revoked" in page().get("/policy/grants/").content.decode()


def test_anybody_else_s_grant_is_nowhere(granting: World, page: Any) -> None:
    grant = allow(granting)
    assert page("outsider").post(f"/policy/grants/{grant.id}/revoke/", {"reason": "No."}).status_code == 404
    assert TOOL not in page("outsider").get("/policy/grants/").content.decode()
