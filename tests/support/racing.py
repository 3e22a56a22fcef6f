"""Real races: threads with database connections of their own, let go at the same moment."""

from __future__ import annotations

import contextlib
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db import connection, connections

from accounts.rows import within

SECONDS = 60


@contextlib.contextmanager
def racers(number: int) -> Iterator[Callable[..., list[Any]]]:
    """So many threads, kept with their connections over several races; gives what ``race`` is."""

    def run(gate: threading.Barrier, call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            gate.wait(SECONDS)
            return call()
        except Exception as error:
            return error

    with ThreadPoolExecutor(number) as threads:

        def begin(*calls: Callable[[], Any]) -> list[Any]:
            gate = threading.Barrier(number)
            begun = [threads.submit(run, gate, call) for call in calls]
            return [one.result(SECONDS) for one in begun]

        try:
            yield begin
        finally:
            begin(*[connections.close_all] * number)


def race(*calls: Callable[[], Any]) -> list[Any]:
    """What each call returned or raised, in the order given; all begin together, each with its own connection."""
    with racers(len(calls)) as begin:
        return begin(*calls)


def kinds(came: Sequence[Any]) -> dict[str, int]:
    """How often each class came of a race."""
    counted: dict[str, int] = {}
    for one in came:
        counted[type(one).__name__] = counted.get(type(one).__name__, 0) + 1
    return counted


@contextlib.contextmanager
def acting_as(role: str, organization: uuid.UUID | None = None) -> Iterator[None]:
    """Inside the block Django speaks to the database as this account (web or worker), in every thread; in this one for
    the organization, as a request of one of its people would."""
    url = urlsplit(os.environ[f"COUNTERSIGN_TEST_{role.upper()}"])
    settings = connections.settings["default"]
    before = {name: settings[name] for name in ("USER", "PASSWORD")}
    connections.close_all()
    settings.update(USER=unquote(url.username or ""), PASSWORD=unquote(url.password or ""))
    try:
        with within(organization):
            yield
    finally:
        connections.close_all()
        settings.update(before)
