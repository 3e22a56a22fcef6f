"""T80: what nobody foresaw is answered without a word about the inside, and pages that show it do not exist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as product
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.support.walking import BACKEND, addresses, place
from tests.support.world import World
from traces.ids import uuid7

SECRET = "hunter2-and-the-key-of-everything"
PATTERNS = dict(addresses())
TELLS = ("Traceback", "RuntimeError", ".py", "site-packages", "DEBUG = True", "/work", "psycopg", "django", SECRET)
NOT_THERE = (
    "metrics", "-/metrics", "flower/", "debug/", "__debug__/", "admin/", "silk/", "server-status", ".env",
    ".git/config", "static/../lam_app/settings.py", "phpinfo", "actuator/env", "console", "graphql", "docs",
    "api/v1/docs",
)  # fmt: skip


def entries(resolver: URLResolver | None = None) -> Iterator[URLPattern]:
    """Every route there is."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLPattern):
            yield entry
        else:
            yield from entries(entry)


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every view breaks, with a secret at hand."""

    def broken(request: Any, *_: Any, **__: Any) -> Any:
        secret = f"{SECRET} {product.SECRET_KEY}"
        raise RuntimeError(secret)

    for entry in entries():
        monkeypatch.setattr(entry, "callback", broken)


@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
@pytest.mark.usefixtures("breaking")
def test_t80_no_view_that_breaks_says_why(world: World, accept: str) -> None:
    strangers, members = Client(raise_request_exception=False), Client(raise_request_exception=False)
    members.force_login(world.administrator, backend=BACKEND)
    asked = 0
    for key, pattern in PATTERNS.items():
        for client in (strangers, members):
            answer = client.get(place(pattern, str(uuid7())), headers={"Accept": accept})
            said = answer.content.decode()
            assert answer.status_code == 500, key
            assert [word for word in (*TELLS, product.SECRET_KEY) if word in said] == [], key
            asked += 1
    assert asked == 2 * len(PATTERNS) > 100


@pytest.mark.parametrize("path", NOT_THERE)
def test_t80_pages_that_show_the_inside_do_not_exist(world: World, path: str) -> None:
    client = Client()
    client.force_login(world.administrator, backend=BACKEND)
    answer = client.get(f"/{path}")
    assert answer.status_code == 404
    assert [word for word in TELLS if word in answer.content.decode()] == []


def test_t80_an_address_that_is_nowhere_lists_no_addresses(world: World) -> None:
    said = Client().get("/nowhere/").content.decode()
    assert "urlpatterns" not in said.lower()
    assert "URLconf" not in said
    assert product.DEBUG is False


def test_t80_the_installation_begins_without_debug() -> None:
    assert not [name for name in (*product.INSTALLED_APPS, *product.MIDDLEWARE) if "debug" in name.lower()]
    assert product.ALLOWED_HOSTS != ["*"]
