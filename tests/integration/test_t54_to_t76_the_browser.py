"""What other sites, proxies and links may not do to somebody who is signed in: T54, T67, T71, T72, T76."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings as product
from django.test import Client

from approvals.models import Action, Decision
from tests.support.walking import BACKEND
from tests.support.world import PASSWORD, World
from tools.models import KillSwitch
from traces.models import Event

ELSEWHERE = ("//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
             "http:evil.example", "https:///evil.example", "\t//evil.example", "//127.0.0.1:9/")  # fmt: skip
PAGES = ("/", "/runs/", "/stop/", "/tools/", "/practice/")


@pytest.fixture
def reviewer(world: World) -> Client:
    """The demo's reviewer in a browser that checks CSRF tokens."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.reviewer, backend=BACKEND)
    return client


def token(client: Client) -> str:
    """The token that the pages of this session carry."""
    client.get("/stop/")
    return client.cookies["csrftoken"].value


@pytest.mark.parametrize("page", [*PAGES, "/accounts/login/", "/nowhere/"])
def test_t54_no_page_lets_itself_be_framed(reviewer: Client, page: str) -> None:
    for client in (reviewer, Client()):
        answer = client.get(page)
        assert answer.headers["X-Frame-Options"] == "DENY"
        said = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in said
        assert "unsafe-inline" not in said
        assert "unsafe-eval" not in said


def test_t54_the_sessions_cookie_does_not_travel_with_other_sites() -> None:
    assert product.SESSION_COOKIE_SAMESITE in {"Lax", "Strict"}
    assert product.CSRF_COOKIE_SAMESITE in {"Lax", "Strict"}
    assert product.SESSION_COOKIE_HTTPONLY is True


def attempts(digest: str, right: str) -> dict[str, dict[str, Any]]:
    """Ways in which another site could send the decide form for somebody."""
    form = {"decision": "approve", "digest": digest, "reason": ""}
    return {
        "no token": {"data": form},
        "an empty token": {"data": {**form, "csrfmiddlewaretoken": ""}},
        "somebody's token": {"data": {**form, "csrfmiddlewaretoken": "a" * 64}},
        "a foreign origin": {
            "data": {**form, "csrfmiddlewaretoken": right}, "headers": {"Origin": "https://evil.example"},
        },
        "no origin": {"data": {**form, "csrfmiddlewaretoken": right}, "headers": {"Origin": "null"}},
        "json as text": {"data": json.dumps({**form, "csrfmiddlewaretoken": right}), "content_type": "text/plain"},
        "json": {"data": json.dumps({**form, "csrfmiddlewaretoken": right}), "content_type": "application/json"},
    }  # fmt: skip


@pytest.mark.parametrize("how", attempts("", ""))
def test_t67_no_other_site_decides_for_anybody(world: World, reviewer: Client, how: str) -> None:
    action = world.staged()
    asked = attempts(action.digest, token(reviewer))[how]
    answer = reviewer.post(f"/actions/{action.pk}/decide/", **asked)
    assert answer.status_code == 403
    assert not Decision.objects.filter(action=action).exists()
    assert Action.objects.get(pk=action.pk).status == "in_review"


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head", "options"])
def test_t67_nothing_is_decided_or_stopped_by_another_method(world: World, reviewer: Client, method: str) -> None:
    action = world.staged()
    said = f"decision=approve&digest={action.digest}&csrfmiddlewaretoken={token(reviewer)}"
    answer = getattr(reviewer, method)(f"/actions/{action.pk}/decide/?{said}")
    assert answer.status_code in {403, 405}
    stopped = getattr(reviewer, method)(f"/stop/?scope=organization&reason=x&csrfmiddlewaretoken={token(reviewer)}")
    assert stopped.status_code in {400, 403, 405}
    assert not Decision.objects.filter(action=action).exists()
    assert not KillSwitch.objects.exists()


@pytest.mark.parametrize("place", ["/stop/", "/practice/"])
def test_t67_every_form_asks_for_its_token(world: World, reviewer: Client, place: str) -> None:
    assert reviewer.post(place, {"scope": "organization", "reason": "x"}).status_code == 403
    assert not KillSwitch.objects.exists()


@pytest.mark.parametrize("there", ELSEWHERE)
def test_t71_signing_in_leads_nowhere_else(world: World, there: str) -> None:
    client = Client()
    answer = client.post("/accounts/login/", {"login": "reviewer", "password": PASSWORD, "next": there})
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/")
    assert not answer.headers["Location"].startswith(("//", "/\\"))
    assert "evil" not in answer.headers["Location"]
    again = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": there})
    assert "evil" not in again.headers.get("Location", "")


def test_t71_a_place_of_ones_own_is_kept(world: World) -> None:
    answer = Client().post("/accounts/login/", {"login": "reviewer", "password": PASSWORD, "next": "/runs/"})
    assert answer.headers["Location"] == "/runs/"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80@testserver", "[::1"])
def test_t72_a_strangers_name_for_us_is_refused(world: World, host: str, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    for page in ("/", "/accounts/login/"):
        assert Client().get(page, headers={"Host": host}).status_code == 400


def test_t72_a_proxy_that_nobody_named_is_not_believed(world: World, reviewer: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    answer = reviewer.get("/", headers=forged)
    assert answer.status_code == 200
    assert "evil.example" not in answer.content.decode()
    sent = {"scope": "organization", "reason": "a drill", "csrfmiddlewaretoken": token(reviewer)}
    assert reviewer.post("/stop/", sent, headers=forged).status_code == 302
    kept = [str(value) for row in Event.objects.values() for value in row.values()]
    assert not [one for one in kept if "203.0.113.9" in one or "evil.example" in one]


@pytest.mark.parametrize("page", PAGES)
def test_t76_no_cache_keeps_a_page_of_somebodys(reviewer: Client, page: str) -> None:
    answer = reviewer.get(page)
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Cookie" in answer.headers["Vary"]
