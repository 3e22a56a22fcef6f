"""A flood of headers is answered before anything reads it, and one without an end is not even kept (T89)."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from lam_app.asgi import application
from lam_app.serving import BoundedHead
from lam_app.supervisor import roles
from tests.support.up import until
from traces.bodies import LARGEST_HEAD, MOST_HEADERS

BEGIN = b"GET /accounts/login/ HTTP/1.1\r\nHost: localhost\r\n"
FLOOD = b"X-Flood: 1\r\n"


@contextlib.contextmanager
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """The web role as it is configured, in a thread; its requests are counted where Django would begin."""
    made: list[uvicorn.Server] = []
    run = uvicorn.Server.run

    def remembered(self: uvicorn.Server, sockets: Any = None) -> None:
        made.append(self)
        run(self, sockets)

    monkeypatch.setattr(uvicorn.Server, "run", remembered)
    monkeypatch.setattr(uvicorn.Server, "capture_signals", contextlib.nullcontext)
    with socket.create_server(("127.0.0.1", 0)) as free:
        place = free.getsockname()[:2]
    up = threading.Event()
    thread = threading.Thread(target=roles.web, args=(*place, up.set))
    thread.start()
    try:
        until(up.is_set, 20, "the web role serves")
        yield place
    finally:
        made[0].should_exit = True
        thread.join(10)


def answered(place: tuple[str, int], head: bytes) -> tuple[bytes, int]:
    """What came back for these bytes, and how many of them were taken."""
    with socket.create_connection(place, timeout=20) as connection:
        taken, said = 0, b""
        with contextlib.suppress(ConnectionError):
            for start in range(0, len(head), 16_384):
                taken += connection.send(head[start : start + 16_384])
        with contextlib.suppress(ConnectionError):
            while piece := connection.recv(65_536):
                said += piece
                if b"\r\n\r\n" in said:
                    break
        return said, taken


@pytest.mark.filterwarnings("ignore:There is no current event loop")
def test_t89_a_flood_of_headers_is_refused_and_the_server_goes_on(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[str] = []
    real = application.app

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["path"])
        await real(scope, receive, send)

    monkeypatch.setattr(application, "app", counted)
    with serving(monkeypatch) as place:
        said, _ = answered(place, BEGIN + FLOOD * 10_000 + b"\r\n")
        assert said.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400")), said[:100]
        said, _ = answered(place, BEGIN + FLOOD * (MOST_HEADERS + 1) + b"\r\n")
        assert said.startswith(b"HTTP/1.1 431"), said[:100]
        said, _ = answered(place, BEGIN + b"X: " + b"y" * (LARGEST_HEAD - 10) + b"\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 431"), said[:100]
        # Its end never comes: without a limit there is no answer either.
        said, taken = answered(place, BEGIN + FLOOD * 1_000_000)
        assert taken < 12_000_000
        assert said.startswith(b"HTTP/1.1 431") or said == b"", said[:100]  # a reset may overtake the words
        assert reached == [], "nobody read them"
        said, _ = answered(place, BEGIN + FLOOD * 20 + b"Connection: close\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 200"), said[:100]


def test_t89_a_head_without_an_end_is_hung_up_on() -> None:
    """Line after line, or one line for ever: what is kept stays bounded."""

    class Wire:
        closed, written = False, b""

        def write(self, data: bytes) -> None:
            self.written += data

        def close(self) -> None:
            self.closed = True

        def is_closing(self) -> bool:
            return self.closed

        def get_extra_info(self, _: str) -> None:
            return None

    import asyncio

    async def fed(piece: bytes) -> tuple[Wire, int]:
        config = uvicorn.Config(application, http=BoundedHead, lifespan="off", log_config=None)
        config.load()
        heard, wire, pieces = BoundedHead(config, uvicorn.server.ServerState(), {}), Wire(), 0
        heard.connection_made(wire)
        heard.data_received(BEGIN)
        while not wire.closed and pieces < 10_000:
            heard.data_received(piece)
            pieces += 1
        return wire, pieces * len(piece)

    for piece in (FLOOD * 100, b"y" * 1000, b"X-Long: " + b"y" * 992):
        wire, kept = asyncio.run(fed(piece))
        assert wire.written.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))
        assert kept <= LARGEST_HEAD + 2 * len(piece)
