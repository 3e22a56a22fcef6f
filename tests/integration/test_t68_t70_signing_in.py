"""T68, T70: a session's name from before signing in is worth nothing after; guessing is slowed, and told nothing.

Time is not measured here: what would make one answer slower than another is counted, which is how often a password is
hashed.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from django.conf import settings as product
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import User
from tests.support.walking import BACKEND
from tests.support.world import PASSWORD, World

LOGIN = "/accounts/login/"
WRONG = "not the password"


class Counting(MD5PasswordHasher):
    """Counts how often a password is hashed."""

    algorithm = "counting"
    hashed: ClassVar[list[str]] = []

    def encode(self, password: str, salt: str) -> str:
        """Hash, and remember that it was done."""
        self.hashed.append(password)
        return f"{self.algorithm}${super().encode(password, salt).split('$', 1)[1]}"


@pytest.fixture
def counted(world: World, settings: Any) -> Iterator[list[str]]:
    """Passwords that are hashed, from here on. Everybody's is kept by this hasher."""
    settings.PASSWORD_HASHERS = [f"{__name__}.Counting"]
    for user in User.objects.all():
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
    Counting.hashed.clear()
    return Counting.hashed


@pytest.fixture(autouse=True)
def _attempts_of_its_own(settings: Any) -> None:
    """What is counted against a name or a place is kept apart from other tests that run at the same time."""
    memory = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": memory, "LOCATION": secrets.token_hex(8)}}


@pytest.fixture
def _one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the attempts take, they count as made at once."""
    at = time.time()
    stands = SimpleNamespace(time=lambda: at, monotonic=time.monotonic, sleep=time.sleep)
    monkeypatch.setattr("allauth.core.internal.ratelimit.time", stands)


def stranger() -> Client:
    """A browser at an address of its own."""
    return Client(REMOTE_ADDR=f"198.18.{secrets.randbelow(256)}.{secrets.randbelow(256)}")


def sign_in(client: Client, name: str, password: str) -> Any:
    """The form, sent."""
    return client.post(LOGIN, {"login": name, "password": password})


def plain(answer: Any) -> str:
    """What the answer says, without the name that was typed and what is random."""
    text = answer.content.decode()
    for part in ("csrfmiddlewaretoken", "server-time", 'id="login"', 'name="login"'):
        text = "\n".join(line for line in text.splitlines() if part not in line)
    return text


def test_t68_a_session_that_was_there_before_signing_in_is_nobodys_after(world: World) -> None:
    planted = Client()
    session = planted.session
    session["planted"] = "by somebody else"
    session.save()
    before = session.session_key
    victim = stranger()
    victim.cookies[product.SESSION_COOKIE_NAME] = before
    assert sign_in(victim, "reviewer", PASSWORD).status_code == 302
    after = victim.cookies[product.SESSION_COOKIE_NAME].value
    assert after != before
    assert not Session.objects.filter(session_key=before).exists()
    attacker = Client()
    attacker.cookies[product.SESSION_COOKIE_NAME] = before
    assert attacker.get("/practice/").status_code == 302
    assert victim.get("/practice/").status_code == 200


def test_t68_a_name_that_somebody_made_up_is_not_taken(world: World) -> None:
    victim = stranger()
    made_up = "a" * 32
    victim.cookies[product.SESSION_COOKIE_NAME] = made_up
    assert sign_in(victim, "reviewer", PASSWORD).status_code == 302
    assert victim.cookies[product.SESSION_COOKIE_NAME].value != made_up


def test_t68_signing_in_as_somebody_else_leaves_nothing_of_the_first(world: World) -> None:
    client = Client()
    client.force_login(world.operator, backend=BACKEND)
    session = client.session
    session["organization"] = str(world.elsewhere.pk)
    session.save()
    before = session.session_key
    client.post("/accounts/logout/")
    assert sign_in(client, "reviewer", PASSWORD).status_code == 302
    assert client.cookies[product.SESSION_COOKIE_NAME].value != before
    assert "organization" not in client.session
    assert not Session.objects.filter(session_key=before).exists()


def test_t68_signing_out_ends_the_session_itself_and_not_the_cookie_alone(world: World) -> None:
    client = Client()
    client.force_login(world.reviewer, backend=BACKEND)
    kept = client.cookies[product.SESSION_COOKIE_NAME].value
    client.post("/accounts/logout/")
    copy = Client()
    copy.cookies[product.SESSION_COOKIE_NAME] = kept
    assert copy.get("/practice/").status_code == 302


@pytest.mark.usefixtures("_one_moment")
def test_t70_three_hundred_guesses_from_one_place_are_a_few(counted: list[str]) -> None:
    guesser = stranger()
    for n in range(50):
        sign_in(guesser, f"somebody{n}", f"{WRONG} {n}")
    assert 1 <= len(counted) <= 40
    looked_at = len(counted)
    answers = {sign_in(guesser, f"somebody{n % 7}", f"{WRONG} {n}").status_code for n in range(250)}
    assert answers <= {200, 429}
    assert len(counted) == looked_at


@pytest.mark.parametrize("name", ["reviewer2", "nobody-here"])
@pytest.mark.usefixtures("_one_moment")
def test_t70_guesses_at_one_name_from_many_places_are_a_few(counted: list[str], name: str) -> None:
    for n in range(60):
        sign_in(stranger(), name, f"{WRONG} {n}")
    assert 1 <= len(counted) <= 20
    looked_at = len(counted)
    right = sign_in(stranger(), name, PASSWORD)
    assert right.status_code in {200, 429}  # nor does it say that this one would have been right
    assert "Too many failed login attempts" in right.content.decode()
    assert len(counted) == looked_at


@pytest.mark.usefixtures("_one_moment")
def test_t70_a_header_gives_nobody_another_place(counted: list[str]) -> None:
    guesser = stranger()
    for n in range(60):
        forged = {"X-Forwarded-For": f"203.0.113.{n}", "X-Real-IP": f"203.0.113.{n}", "Forwarded": f"for=203.0.113.{n}"}
        guesser.post(LOGIN, {"login": f"nobody{n}", "password": WRONG}, headers=forged)
    assert len(counted) <= 40


@pytest.mark.parametrize("name", ["nobody-here", "switched-off", "REVIEWER\N{LATIN SMALL LETTER LONG S}", "a" * 150])
def test_t70_who_is_not_there_is_answered_as_who_is(counted: list[str], world: World, name: str) -> None:
    if name == "switched-off":
        User.objects.filter(pk=world.developer.pk).update(username=name, is_active=False)
    there = sign_in(stranger(), "auditor", WRONG)
    of_one = len(counted)
    counted.clear()
    away = sign_in(stranger(), name, WRONG)
    assert away.status_code == there.status_code == 200
    assert plain(away) == plain(there)
    assert of_one >= 1
    assert len(counted) == of_one
