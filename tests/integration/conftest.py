"""Models to ask, and browsers of the people, for every test here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.model import script, standin, standin_server

if TYPE_CHECKING:
    from django.test import Client

    from tests.support.world import World

__all__ = ["script", "standin", "standin_server"]


@pytest.fixture
def page(world: World) -> Any:
    """A browser of the administrator, or of the person that is asked for."""

    def of(name: str = "administrator") -> Client:
        from django.test import Client

        from tests.support.walking import BACKEND

        client = Client()
        client.force_login(world.people[name], backend=BACKEND)
        return client

    return of
