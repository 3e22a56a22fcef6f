"""What arrives around a body has an end as well: headers behind it, and what frames its chunks (T81, T89)."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest
import uvicorn

from lam_app.serving import FRAMING, BoundedHead
from traces.bodies import LARGEST_HEAD

BEGIN = b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
ONE = b"1\r\na\r\n"
ENDLESS = {
    "headers behind the body": (b"0\r\n", b"X-Flood: " + b"y" * 1_000 + b"\r\n"),
    "one header behind the body": (b"0\r\nX-Flood: ", b"y" * 1_000),
    "what a chunk is called beside its length": (b"1;", b"y" * 1_000),
}


class Wire(asyncio.Transport):
    """A connection that somebody may close."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Say nothing."""

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        """Go on: what is kept is counted here."""

    def resume_reading(self) -> None:
        """Go on."""


async def nobody(scope: object, receive: object, send: object) -> None:
    await asyncio.Event().wait()


def taken(first: bytes, piece: bytes, *, most: int) -> tuple[bool, int]:
    """Whether it was hung up, and how many bytes were taken behind the beginning."""

    async def fed() -> tuple[bool, int]:
        config = uvicorn.Config(nobody, http=BoundedHead, lifespan="off", log_config=None)
        config.load()
        heard, wire = BoundedHead(config, uvicorn.server.ServerState(), {}), Wire()
        heard.connection_made(wire)
        heard.data_received(BEGIN)
        heard.data_received(first)
        for pieces in count():
            if wire.closed or pieces * len(piece) >= most:
                return wire.closed, pieces * len(piece)
            heard.data_received(piece)
        raise AssertionError

    return asyncio.run(fed())


@pytest.mark.parametrize("what", ENDLESS)
def test_t89_what_never_ends_behind_a_head_is_hung_up_on(what: str) -> None:
    first, piece = ENDLESS[what]
    closed, kept = taken(ONE + first, piece, most=100 * LARGEST_HEAD)
    assert closed
    assert kept <= LARGEST_HEAD + FRAMING * 10 + 2 * len(piece)


def test_a_body_in_chunks_of_one_byte_is_a_body() -> None:
    assert taken(ONE, ONE * 100, most=20 * LARGEST_HEAD)[0] is False
