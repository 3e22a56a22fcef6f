"""The product's web server in this process, on the test's database, and pages that listen to its stream."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from lam_app.serving import Server
from tests.support.up import free_port, until
from tests.support.voting import signed_in
from tests.support.world import World

PATIENCE = 20.0
"""Seconds until something that was expected is missing."""


@dataclass
class Served:
    """A running server."""

    port: int
    server: Server
    thread: threading.Thread

    def stop(self) -> None:
        """Ask it to stop, and wait until it has."""
        self.server.should_exit = True
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


@contextlib.contextmanager
def served() -> Iterator[Served]:
    """Serve until the block ends. Connections are given back behind each request, as the web role's are."""
    kept = connections.settings["default"]
    before, kept["CONN_MAX_AGE"] = kept["CONN_MAX_AGE"], 0
    ready = threading.Event()
    port = free_port()
    server = Server("127.0.0.1", port, ready.set, grace=5)
    thread = threading.Thread(target=server.run, name="served", daemon=True)
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        yield Served(port, server, thread)
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        kept["CONN_MAX_AGE"] = before
    assert not thread.is_alive()


@dataclass
class Heard:
    """One server-sent event."""

    name: str
    data: Any
    at: str


@dataclass
class Listener:
    """A page that is told news: its answer's head, then event after event, read in a thread of its own."""

    status: int
    connection: http.client.HTTPConnection
    answer: http.client.HTTPResponse
    heard: list[Heard] = field(default_factory=list)
    ended: bool = False
    thread: threading.Thread | None = None

    def read(self) -> None:
        """Take everything until the end."""
        said: dict[str, str] = {}
        try:
            while line := self.answer.readline():
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    said[name] = value
                elif "event" in said:
                    self.heard.append(Heard(said["event"], json.loads(said["data"]), said.get("id", "")))
                    said = {}
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            pass  # the test closed it
        self.ended = True

    def names(self) -> list[str]:
        """What it was told, by name."""
        return [one.name for one in list(self.heard)]

    def rows(self) -> list[dict[str, Any]]:
        """Every line that it was told."""
        return [row for one in list(self.heard) if one.name == "news" for row in one.data["rows"]]

    def of(self, action: Any) -> list[str]:
        """Where this action stood each time that it was told of."""
        return [row["status"] for row in self.rows() if row["id"] == str(action.pk)]

    def await_(self, what: Callable[[Listener], bool], why: str = "it was told") -> None:
        """Wait until that is so."""
        until(lambda: what(self), PATIENCE, f"{why}: {self.heard}")

    def close(self) -> None:
        """Go away."""
        if self.connection.sock is not None:
            with contextlib.suppress(OSError):
                self.connection.sock.shutdown(2)
        if self.thread is not None:
            self.thread.join(PATIENCE)
        self.answer.close()
        self.connection.close()


def cookie_of(world: World, name: str) -> str:
    """The session cookie of somebody who is signed in."""
    return str(signed_in(world, name).cookies["sessionid"].value)


def asks(port: int, cookie: str, *, query: str = "", **headers: str) -> Listener:
    """Open the stream as a browser of ours does, and look no further than the answer's head."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    sent = {"Cookie": f"sessionid={cookie}", "Sec-Fetch-Site": "same-origin"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", f"/feed/stream/{query}", headers=sent)
    answer = connection.getresponse()
    return Listener(answer.status, connection, answer)


@contextlib.contextmanager
def listening(port: int, cookie: str, *, query: str = "", **headers: str) -> Iterator[Listener]:
    """A page that listens until the block ends; it has caught up when the block begins."""
    listener = asks(port, cookie, query=query, **headers)
    assert listener.status == 200, listener.answer.read()
    listener.thread = threading.Thread(target=listener.read, daemon=True)
    listener.thread.start()
    try:
        listener.await_(lambda one: bool(one.heard) or one.ended, "it caught up")
        yield listener
    finally:
        listener.close()


def status(port: int, cookie: str, **headers: str) -> int:
    """What whoever asks so is answered, and no more of it."""
    listener = asks(port, cookie, **headers)
    listener.close()
    return listener.status


def quiet(seconds: float) -> None:
    """Let this much time pass: for what must not happen within it."""
    time.sleep(seconds)
