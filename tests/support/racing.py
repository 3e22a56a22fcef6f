"""Real races: threads with database connections of their own, let go at the same moment."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db import connection, connections


def race(*calls: Callable[[], Any], seconds: float = 60) -> list[Any]:
    """What each call returned or raised, in the order given; all begin together, each with its own connection."""
    gate = threading.Barrier(len(calls))
    came: list[Any] = [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            gate.wait(seconds)
            came[place] = call()
        except Exception as error:
            came[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place, call)) for place, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
        assert not thread.is_alive(), "a racer is stuck"
    return came


def kinds(came: Sequence[Any]) -> dict[str, int]:
    """How often each class came of a race."""
    counted: dict[str, int] = {}
    for one in came:
        counted[type(one).__name__] = counted.get(type(one).__name__, 0) + 1
    return counted


@contextlib.contextmanager
def acting_as(role: str) -> Iterator[None]:
    """Inside the block Django speaks to the database as this account (web or worker), in every thread."""
    url = urlsplit(os.environ[f"COUNTERSIGN_TEST_{role.upper()}"])
    settings = connections.settings["default"]
    before = {name: settings[name] for name in ("USER", "PASSWORD")}
    connections.close_all()
    settings.update(USER=unquote(url.username or ""), PASSWORD=unquote(url.password or ""))
    try:
        yield
    finally:
        connections.close_all()
        settings.update(before)
