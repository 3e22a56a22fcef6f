"""What holds for every page of a member, whatever it shows: sign-in, form tokens, and what a browser may run.

Who is answered what at which address stands in ``tests.support.routes`` and is asked in ``test_every_route``.
"""

import pytest
from django.test import Client
from django.urls import reverse

from tests.support.routes import ROWS, SIGNED, SIGNING_IN
from tests.support.walking import BACKEND, Walk, addresses, kind_of, made, make_walk, place
from tests.support.world import World

OPEN = SIGNING_IN | SIGNED | {"healthz", "readyz", "jwks"}
PAGES = {name: pattern for name, pattern in addresses() if not pattern.startswith("api/") and name not in OPEN}
MEMBERS = ("operator", "reviewer", "administrator", "auditor", "developer")


@pytest.fixture
def walk(world: World) -> Walk:
    """Everybody, and things of each kind."""
    return make_walk(world)


def own(walk: Walk, name: str, person: str) -> str:
    """The page's address, for a new thing of that person's own."""
    kind = kind_of(PAGES[name])
    return place(PAGES[name], made(walk.side(person)[0], kind) if kind else "")


def admitted(name: str, method: str) -> str:
    """Somebody at home whom the page answers, with its own words and not with somewhere else to go where it can be."""
    answers = ROWS[name][method]
    best = min((status for status, callers in answers.items() if set(callers.split()) & set(MEMBERS)), key=_last)
    return next(person for person in MEMBERS if person in answers[best].split())


def _last(status: int) -> tuple[bool, int]:
    return status in {403, 404}, status


@pytest.mark.parametrize("name", PAGES)
def test_a_fragment_sends_its_whole_page_to_sign_in(name: str, walk: Walk) -> None:
    for method in ROWS[name]:
        answer = Client(headers={"HX-Request": "true"}).generic(method, own(walk, name, admitted(name, method)))
        assert answer.content == b"", (name, method)
        assert "HX-Refresh" in answer.headers or answer.headers["HX-Redirect"] == reverse("account_login")


@pytest.mark.parametrize("name", [name for name in PAGES if "POST" in ROWS[name]])
def test_t67_a_form_without_its_token_changes_nothing(name: str, walk: Walk, world: World) -> None:
    person = admitted(name, "POST")
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.people[person], backend=BACKEND)
    assert client.post(own(walk, name, person), {}).status_code == 403


@pytest.mark.parametrize("name", [name for name in PAGES if "GET" in ROWS[name]])
def test_no_page_of_a_member_is_kept_or_may_run_code_of_others(name: str, walk: Walk) -> None:
    person = admitted(name, "GET")
    answer = walk.client(person).get(own(walk, name, person))
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
