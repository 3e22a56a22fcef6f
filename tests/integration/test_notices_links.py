"""T50: what a notice links to is a page behind a session. Whoever only follows links, decides and marks nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from approvals.models import Notice
from approvals.services.assign import escalate
from tests.support.desking import does
from tests.support.postbox import Postbox, postbox
from tests.support.rude import Rude, rude, says
from tests.support.telling import by_mail, by_webhook, pass_on
from tests.support.walking import BACKEND, rows_of
from tests.support.world import World
from tools.killswitch import engage

BASE = "https://countersign.example.org"
LINK = re.compile(r"https://[^\s\"<>)]+")
SCANNERS = ("Mozilla/5.0 (compatible; mail scanner)", "Slackbot-LinkExpanding 1.0", "curl/8")


@pytest.fixture
def hook(settings: Any) -> Iterator[Rude]:
    with rude(says(200, "ok")) as hook:
        settings.LAM_NOTICE_PRIVATE = frozenset({hook.place})
        yield hook


@pytest.fixture
def box(settings: Any) -> Iterator[Postbox]:
    with postbox() as box:
        settings.LAM_MAIL_FROM, settings.LAM_PUBLIC_URL = "countersign@example.org", BASE
        settings.LAM_MAIL_SERVER = {
            "host": "127.0.0.1", "port": box.port, "username": "", "password": "", "use_tls": False, "use_ssl": False,
        }  # fmt: skip
        yield box


@pytest.fixture
def links(world: World, box: Postbox, hook: Rude) -> set[str]:
    """Every link of letters, calls and the list in the page, of notices of several sorts."""
    for name in ("reviewer", "administrator", "operator"):
        by_mail(world, name)
    by_webhook(world, hook.url, team="reviewers")
    action = world.staged()
    does(world, escalate, "reviewer", action, reason="Please look.")
    engage(actor=world.reviewer2, organization=world.organization.pk, scope="agent", target=world.agent.pk, reason="x")
    pass_on()
    assert len(box.letters) >= 3
    assert hook.requests
    said = [letter.part(part) for letter in box.letters for part in ("plain", "html")]
    said += [request.decode() for request in hook.requests]
    found = {urlsplit(link) for text in said for link in LINK.findall(text.replace("\\n", " "))}
    assert {part.netloc for part in found} == {"countersign.example.org"}
    return {part.path for part in found} | set(Notice.objects.values_list("path", flat=True))


def test_t50_a_link_that_is_fetched_without_a_session_shows_and_changes_nothing(world: World, links: set[str]) -> None:
    assert any(link.startswith("/actions/") for link in links)
    before = rows_of(world.organization.pk)
    for scanner in SCANNERS:
        for link in links:
            for method in ("get", "head"):
                answer = getattr(Client(headers={"User-Agent": scanner}), method)(link)
                assert answer.status_code in {302, 405}
                assert answer.headers.get("Location", "/accounts/login/").startswith("/accounts/login/")
    assert rows_of(world.organization.pk) == before


@pytest.mark.parametrize("name", ["reviewer", "operator", "administrator", "auditor"])
def test_t50_a_link_that_is_opened_in_a_session_changes_nothing_either(
    world: World, links: set[str], name: str
) -> None:
    client = Client()
    client.force_login(world.people[name], backend=BACKEND)
    before = rows_of(world.organization.pk)
    for link in links:
        for method in ("get", "head"):
            assert getattr(client, method)(link).status_code in {200, 404, 405}
    assert rows_of(world.organization.pk) == before


@pytest.mark.parametrize("query", ["?decision=approve", "?what=all", "?approve=1&digest=x"])
def test_t50_a_link_that_asks_for_more_gets_no_more(world: World, links: set[str], query: str) -> None:
    client = Client()
    client.force_login(world.reviewer, backend=BACKEND)
    before = rows_of(world.organization.pk)
    for link in links:
        client.get(f"{link}{query}")
        client.head(f"{link}{query}")
    assert rows_of(world.organization.pk) == before


def test_t50_no_link_carries_a_way_in(links: set[str]) -> None:
    assert all(re.fullmatch(r"/[a-z/]*([0-9a-f-]{36}/)?", link) for link in links)
