"""People who are signed in in several browsers, some of them just now."""

from __future__ import annotations

from django.test import Client

from tests.support.voting import browser
from tests.support.world import World

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/17.0 Mobile/15E148 Safari/604.1"
)


def fresh(world: World, name: str = "administrator") -> Client:
    """A browser whose person gave the password just now."""
    return browser(world, name)


def stale(world: World, name: str = "administrator") -> Client:
    """A browser whose person gave the password a while ago."""
    return browser(world, name, ago=301)


def alive(client: Client) -> bool:
    """Whether this browser still sees a page of somebody who is signed in."""
    answer = client.get("/runs/")
    assert answer.status_code == 200 or answer.url.startswith("/accounts/login/"), answer
    return bool(answer.status_code == 200)
