"""One HTTP/1.1 exchange over a connection of its own, so that it is always known how far the request got.

A connection is never used twice: when the other side closes a kept connection at the moment a request is written,
nobody can tell whether the request arrived, and for a call that must not happen twice that doubt is dearer than a
handshake. Answers are limited in size and by the wall clock; nothing is decompressed, no redirect is followed.
"""

import contextlib
import os
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import h11

from tools.egress import Deadline, EgressRefused, NotConnected, admit, connect

LARGEST_ANSWER = 1_048_576
"""Bytes of an answer's body."""
LARGEST_HEAD = 65_536
LARGEST_EXCUSE = 65_536
"""Bytes that are read of an answer that is not a success: enough for its words."""
_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    """Names in lower case; the first of several with one name."""
    body: bytes
    framed: bool = True
    """Whether the answer said how long it is, so that a cut one would have been noticed."""


@dataclass(frozen=True, slots=True)
class Broken:
    """An exchange without a whole answer: `why` is a row of the connector's table."""

    why: str
    text: str
    evidence: dict[str, str | int] = field(default_factory=dict)


class NotWritable(Exception):
    """A request that HTTP has no words for; nothing was opened."""


class _Stopped(Exception):
    """The exchange ended early."""

    def __init__(self, why: str, text: str) -> None:
        self.why, self.text = why, text
        super().__init__(why)


def exchange(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    *,
    network: Collection[str],
    private: Collection[str],
    seconds: float,
    largest: int = LARGEST_ANSWER,
) -> Answer | Broken:
    """Send one request to an allowed address and read its answer; never raises for what the network does.

    Raises NotWritable for a request that cannot be written as HTTP, before anything is opened.
    """
    deadline = Deadline(seconds)
    try:
        asked = admit(url, network=network, private=private)
        talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_HEAD)
        request = _written(talk, method, asked.rest, {"Host": asked.authority, **headers}, body)
        connection = connect(asked, private=private, deadline=deadline)
    except EgressRefused as refused:
        return Broken("egress_refused", refused.message)
    except NotConnected as failed:
        return Broken(failed.reason, failed.message)
    except h11.LocalProtocolError as error:
        raise NotWritable(str(error)) from None
    with contextlib.closing(connection):
        return _converse(talk, connection, request, deadline, largest)


def _written(talk: h11.Connection, method: str, rest: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """The bytes of the request."""
    length = {} if body is None and method in {"GET", "HEAD", "DELETE"} else {"Content-Length": str(len(body or b""))}
    # `identity`: a compressed answer of a kilobyte may unpack to a gigabyte, so none is asked for and none unpacked.
    ours = {"Accept-Encoding": "identity", "User-Agent": "countersign", "Connection": "close"}
    fields = list({**headers, **ours, **length}.items())
    written = talk.send(h11.Request(method=method, target=rest, headers=fields)) or b""
    if body:
        written += talk.send(h11.Data(data=body)) or b""
    return written + (talk.send(h11.EndOfMessage()) or b"")


@dataclass(slots=True)
class _Heard:
    """What has arrived of an answer so far."""

    head: h11.Response | None = None
    body: bytearray = field(default_factory=bytearray)
    received: int = 0
    ended: bool = False
    """Whether the other side has ended the connection."""


def _converse(
    talk: h11.Connection, connection: socket.socket, request: bytes, deadline: Deadline, largest: int
) -> Answer | Broken:
    heard = _Heard()
    try:
        _still_open(connection)
        _send(connection, request, deadline)
        _listen(talk, connection, deadline, largest, heard)
    except _Stopped as stopped:
        why, text = stopped.why, stopped.text
    except h11.RemoteProtocolError:
        why, text = "not_http", "The answer is not HTTP."
        if heard.ended:
            why, text = "cut_short", "The connection ended before the answer did."
    else:
        return _answer(heard)
    if heard.head is None:
        return Broken(why, text)
    if heard.head.status_code >= 300:
        return _answer(heard)  # the head says it all; the rest would only have been its words
    return Broken(why, text, {"http_status": heard.head.status_code})


def _listen(talk: h11.Connection, connection: socket.socket, deadline: Deadline, largest: int, heard: _Heard) -> None:
    """Read until the answer is complete. Raises _Stopped or h11.RemoteProtocolError where it is not."""
    limit = largest
    while True:
        event = talk.next_event()
        if event is h11.NEED_DATA:
            piece = _receive(connection, deadline)
            heard.ended = not piece
            heard.received += len(piece)
            talk.receive_data(piece)
        elif isinstance(event, h11.Response):
            heard.head = event
            limit = largest if event.status_code < 300 else LARGEST_EXCUSE
        elif isinstance(event, h11.Data):
            heard.body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return
        elif not isinstance(event, h11.InformationalResponse):
            raise _Stopped("not_http", "The answer is not HTTP.")
        # The second figure holds endless heads and tiny chunks, which are more wrapping than content.
        if len(heard.body) > limit or heard.received > largest + 4 * LARGEST_HEAD:
            raise _Stopped("too_large", f"The answer is longer than {limit} bytes.")


def _answer(heard: _Heard) -> Answer:
    assert heard.head is not None
    status, headers = heard.head.status_code, dict[str, str]()
    for name, value in heard.head.headers:
        headers.setdefault(name.decode("ascii"), value.decode("latin-1"))
    framed = bool({"content-length", "transfer-encoding"} & headers.keys()) or status in {204, 304}
    return Answer(status, headers, bytes(heard.body), framed)


def _still_open(connection: socket.socket) -> None:
    """Raises _Stopped if the other side has hung up already, while it is still certain that nothing was sent."""
    try:
        # Through a descriptor of its own, because a TLS socket does not let anybody peek.
        with socket.socket(fileno=os.dup(connection.fileno())) as plain:
            gone = plain.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        gone = False
    except OSError:
        gone = True
    if gone:
        raise _Stopped("reset_before_sending", "The connection ended before anything was sent.")


def _send(connection: socket.socket, request: bytes, deadline: Deadline) -> None:
    """Write the whole request. Raises _Stopped."""
    sent = 0
    try:
        while sent < len(request):
            connection.settimeout(deadline.left())
            sent += connection.send(request[sent : sent + _PIECE])
    except TimeoutError:
        if sent:
            raise _Stopped("timed_out", "The request was not taken in time.") from None
        raise _Stopped("timed_out_before_sending", "The request was not begun in time.") from None
    except OSError:
        if sent == 0:
            raise _Stopped("reset_before_sending", "The connection ended before anything was sent.") from None
        # What stands in the way may have answered before it hung up; reading tells.


def _receive(connection: socket.socket, deadline: Deadline) -> bytes:
    try:
        connection.settimeout(deadline.left())
        return connection.recv(_PIECE)
    except TimeoutError:
        raise _Stopped("timed_out", "No answer came in time.") from None
    except OSError:
        raise _Stopped("connection_lost", "The connection was lost before the answer was complete.") from None
