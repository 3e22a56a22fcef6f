"""The table of HTTP failures, row by row, over the wire (F27, F28, F29, T93)."""

from __future__ import annotations

import gzip
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.rude import Rude, certificate, closed_port, drips, hangs, raw, reset, resets, rude, says, server_side
from tools import egress
from tools.connecting import Call
from tools.connectors.http import HttpConnector
from tools.connectors.http_table import BROKEN, Row
from tools.contract import Contract, Idempotency, Outcome, OutcomeStatus, Tier
from traces.ids import uuid7

DONE, FAILED, UNCERTAIN = OutcomeStatus.DONE, OutcomeStatus.FAILED, OutcomeStatus.UNCERTAIN
CONNECTOR = HttpConnector()
OK = b"HTTP/1.1 200 OK\r\n"


def a_contract(url: str, *, method: str = "POST", keyed: bool = False, timeout: float = 5.0) -> Contract:
    """A tool at that address: a write with one argument, or a read without."""
    read = method == "GET"
    binding: dict[str, Any] = {"method": method, "server": url, "path": "/things", "parameters": []}
    if not read:
        binding |= {"body": {"fields": {"text": "text"}}, "key_header": "Idempotency-Key"}
    return Contract(
        name="make_thing",
        title="Make a thing",
        description="Makes a thing.",
        arguments_schema={"type": "object", "properties": {"text": {"type": "string"}}, "additionalProperties": False},
        tier=Tier.READ if read else Tier.WRITE,
        idempotency=Idempotency.keyed(3600) if keyed or read else Idempotency.neither(),
        summary="Make a thing",
        consent="Make a thing",
        connector="http",
        binding=binding,
        network=(url.split("://")[1],),
        timeout=timeout,
    ).validate()


def called(contract: Contract, *, attempt: int = 1, text: str = "hello") -> Outcome:
    request = CONNECTOR.prepare(contract, {"text": text})
    return CONNECTOR.call(contract, Call(uuid7(), uuid7(), uuid7(), "key-1", request, attempt))


@pytest.fixture
def opened(settings: Any) -> Any:
    """Let tools reach a service on loopback."""

    def opens(place: str) -> str:
        settings.LAM_EGRESS_PRIVATE = settings.LAM_EGRESS_PRIVATE | {place}
        return place

    return opens


ANSWERS: list[tuple[str, Any, OutcomeStatus, str, bool]] = [
    ("200 with JSON", says(200, '{"id": 7}'), DONE, "", False),
    ("201 with JSON", says(201, "[1]"), DONE, "", False),
    ("204 without a body", raw(b"HTTP/1.1 204 No Content\r\n\r\n"), DONE, "", False),
    ("200 after 103", raw(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\n{}"), DONE, "", False),
    ("200 in chunks", raw(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), DONE, "", False),
    ("200 with an error in it", says(200, '{"error": "no such order"}'), DONE, "", False),
    ("200 with wrong JSON", says(200, '{"id": '), DONE, "", False),
    ("200 that is compressed", says(200, gzip.compress(b"{}"), "Content-Encoding: gzip"), DONE, "", False),
    ("200 to the end of the connection", raw(OK + b'\r\n{"id": 7}'), DONE, "", False),
    ("200 perhaps cut", raw(OK + b'\r\n{"id": '), UNCERTAIN, "answer_unreadable", True),
    ("200 cut short", says(200, '{"id": ', length=500), UNCERTAIN, "answer_cut_short", True),
    ("200 with a chunk missing", raw(OK + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{}"), UNCERTAIN, "answer_cut_short", True),  # noqa: E501
    ("a gigabyte announced and begun", says(200, b" " * 2_000_000, length=2**30), UNCERTAIN, "answer_too_large", False),
    ("an endless head", raw(OK + b"X: y\r\n" * 200_000), UNCERTAIN, "answer_not_http", False),
    ("a reset after the request", resets, UNCERTAIN, "connection_lost", True),
    ("a farewell after the request", raw(b""), UNCERTAIN, "answer_cut_short", True),
    ("another language", raw(b"220 smtp.example ESMTP\r\n\r\n"), UNCERTAIN, "answer_not_http", False),
    ("301", says(301, b"", "Location: http://169.254.169.254/"), FAILED, "redirected", False),
    ("302 to a write", says(302, b"", "Location: /things/7"), UNCERTAIN, "redirected", False),
    ("303 to a write", says(303, b"", "Location: /things/7"), UNCERTAIN, "redirected", False),
    ("304", raw(b"HTTP/1.1 304 Not Modified\r\n\r\n"), FAILED, "redirected", False),
    ("307", says(307, b"", "Location: http://169.254.169.254/"), FAILED, "redirected", False),
    ("308", says(308, b"", "Location: http://169.254.169.254/"), FAILED, "redirected", False),
    ("400", says(400, '{"detail": "no text"}'), FAILED, "tool_refused", False),
    ("401", says(401), FAILED, "tool_refused", False),
    ("404", says(404), FAILED, "tool_refused", False),
    ("408", says(408), UNCERTAIN, "tool_gave_up", True),
    ("409", says(409), FAILED, "tool_refused", False),
    ("422", says(422, '{"error": "Order is delivered"}'), FAILED, "tool_refused", False),
    ("422 cut short", says(422, '{"error": "Order', length=500), FAILED, "tool_refused", False),
    ("425", says(425), FAILED, "tool_busy", True),
    ("429 with Retry-After", says(429, b"", "Retry-After: 3"), FAILED, "tool_busy", True),
    ("429", says(429), FAILED, "tool_busy", True),
    ("500 after the effect", says(500, '{"error": "boom"}'), UNCERTAIN, "tool_error", True),
    ("502", says(502, "<html>"), UNCERTAIN, "tool_error", True),
    ("503", says(503), UNCERTAIN, "tool_error", True),
    ("503 with Retry-After", says(503, b"", "Retry-After: 3"), UNCERTAIN, "tool_error", True),
    ("504", says(504), UNCERTAIN, "tool_error", True),
    ("600", says(600), UNCERTAIN, "answer_unknown", False),
]  # fmt: skip


@pytest.mark.parametrize(("manner", "status", "code", "again"), [r[1:] for r in ANSWERS], ids=[r[0] for r in ANSWERS])
def test_f29_what_came_back_has_its_row(
    manner: Any, status: OutcomeStatus, code: str, again: bool, opened: Any
) -> None:
    with rude(manner) as server:
        opened(server.place)
        outcome = called(a_contract(server.url))
        assert outcome.status is status
        assert (outcome.error.code if outcome.error else "") == code
        assert outcome.sent is True
        assert outcome.retryable is again
        assert server.connections == 1, "the request went out once"
        assert len(server.requests) == 1


def test_f28_a_refused_connection_has_sent_nothing(opened: Any) -> None:
    place = opened(f"127.0.0.1:{closed_port()}")
    outcome = called(a_contract(f"http://{place}"))
    assert (outcome.status, outcome.sent, outcome.retryable) == (FAILED, False, True)
    assert outcome.error is not None
    assert outcome.error.code == "connect_refused"


def test_f28_a_name_that_nobody_knows_has_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise OSError("Name or service not known")

    monkeypatch.setattr(egress, "lookup", unknown)
    outcome = called(a_contract("http://nowhere.example"))
    assert (outcome.status, outcome.sent, outcome.retryable) == (FAILED, False, True)
    assert outcome.error is not None
    assert outcome.error.code == "dns_failed"


def test_a_resolver_that_hangs_is_left_behind_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    over = threading.Event()

    def slow(host: str, port: int) -> list[str]:
        over.wait(10)
        return ["192.0.2.1"]

    monkeypatch.setattr(egress, "lookup", slow)
    began = time.monotonic()
    outcome = called(a_contract("http://slow.example", timeout=0.2))
    over.set()
    assert time.monotonic() - began < 2
    assert (outcome.status, outcome.sent) == (FAILED, False)
    assert outcome.error is not None
    assert outcome.error.code == "connect_timeout"


def test_f28_a_certificate_of_a_stranger_has_sent_nothing(tmp_path: Path, opened: Any) -> None:
    with rude(says(200), secured=server_side(certificate(tmp_path, "localhost"))) as server:
        place = opened(server.place.replace("127.0.0.1", "localhost"))
        outcome = called(a_contract(f"https://{place}"))
        assert server.requests == []
    assert (outcome.status, outcome.sent, outcome.retryable) == (FAILED, False, True)
    assert outcome.error is not None
    assert outcome.error.code == "tls_failed"


def test_a_reset_during_the_handshake_has_sent_nothing(opened: Any) -> None:
    with rude(lambda server, connection: reset(connection)) as server:
        place = opened(server.place)
        outcome = called(a_contract(f"https://{place}"))
    assert (outcome.status, outcome.sent, outcome.retryable) == (FAILED, False, True)


def test_a_handshake_that_hangs_has_sent_nothing(opened: Any) -> None:
    with rude(lambda server, connection: server.over.wait(10)) as server:  # type: ignore[arg-type, return-value]
        outcome = called(a_contract(f"https://{opened(server.place)}", timeout=0.3))
    assert (outcome.status, outcome.sent, outcome.retryable) == (FAILED, False, True)
    assert outcome.error is not None
    assert outcome.error.code == "connect_timeout"


@pytest.mark.parametrize("ends", [reset, socket.socket.close], ids=["reset", "farewell"])
def test_f28_an_end_before_the_first_byte_has_sent_nothing(
    ends: Any, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import select

    from tools import wire

    connect = wire.connect

    def and_wait(*args: Any, **options: Any) -> Any:
        connection = connect(*args, **options)
        select.select([connection], [], [], 5)  # readable once the end has arrived
        return connection

    monkeypatch.setattr(wire, "connect", and_wait)
    with rude(lambda server, connection: ends(connection)) as server:
        opened(server.place)
        outcome = called(a_contract(server.url))
    assert (outcome.status, outcome.sent, outcome.retryable) == (FAILED, False, True)
    assert outcome.error is not None
    assert outcome.error.code in {"reset_before_sending", "connect_refused"}  # sometimes it is noticed earlier


@pytest.mark.parametrize("manner", [hangs, drips], ids=["silence", "one byte at a time"])
def test_no_answer_in_time_is_uncertain_and_the_clock_is_the_walls(manner: Any, opened: Any) -> None:
    with rude(manner) as server:
        opened(server.place)
        began = time.monotonic()
        outcome = called(a_contract(server.url, timeout=0.4))
        assert time.monotonic() - began < 2
    assert (outcome.status, outcome.sent) == (UNCERTAIN, True)
    assert outcome.error is not None
    assert outcome.error.code == "timed_out"


def test_a_request_that_is_not_taken_is_uncertain_once_it_has_begun(opened: Any) -> None:
    with rude(lambda server, connection: server.over.wait(10)) as server:  # type: ignore[arg-type, return-value]
        opened(server.place)
        outcome = called(a_contract(server.url, timeout=0.4), text="x" * 20_000_000)
    assert (outcome.status, outcome.sent) == (UNCERTAIN, True)


def test_a_service_that_answers_before_it_has_heard_all_is_still_heard(opened: Any) -> None:
    def early(server: Rude, connection: Any) -> None:
        connection.recv(1000)
        connection.sendall(b'HTTP/1.1 413 Large\r\nContent-Length: 22\r\n\r\n{"error": "too large"}')
        while connection.recv(1_000_000):
            pass

    with rude(early) as server:
        opened(server.place)
        outcome = called(a_contract(server.url), text="x" * 2_000_000)
    assert outcome.status is FAILED
    assert outcome.error is not None
    assert "too large" in outcome.error.text


@pytest.mark.parametrize("status", [401, 403, 409, 425, 429])
def test_a_repeat_of_a_keyed_call_that_is_turned_away_settles_nothing(status: int, opened: Any) -> None:
    with rude(says(status)) as server:
        opened(server.place)
        keyed = a_contract(server.url, keyed=True)
        assert called(keyed, attempt=1).status is FAILED
        assert called(keyed, attempt=2).status is UNCERTAIN
        assert called(a_contract(server.url), attempt=2).status is FAILED, "neither: the earlier one was not sent"


def test_a_read_is_asked_again_and_then_has_failed(opened: Any) -> None:
    with rude(says(500)) as server:
        opened(server.place)
        read = a_contract(server.url, method="GET")
        assert [called(read, attempt=n).status for n in (1, 2, 3)] == [UNCERTAIN, UNCERTAIN, FAILED]
    with rude(says(302, b"", "Location: /x")) as server:
        opened(server.place)
        assert called(a_contract(server.url, method="GET")).status is FAILED


def test_a_refusal_is_told_in_the_tools_own_words_within_bounds(opened: Any) -> None:
    words = '{"error": {"message": "Order\\u202e is\\nlate ' + "x" * 5_000 + '"}}'
    with rude(says(422, words)) as server:
        opened(server.place)
        outcome = called(a_contract(server.url))
    assert outcome.error is not None
    assert outcome.error.text.startswith("The tool answered 422: Order⟨U+202E⟩ is ⏎ late xxx")
    assert len(outcome.error.text) < 700
    assert outcome.evidence["http_status"] == 422


def test_a_result_that_is_not_json_is_kept_as_text_and_says_so(opened: Any) -> None:
    with rude(says(200, "All is well.\x00" + "y" * 100_000, "Content-Type: text/plain")) as server:
        opened(server.place)
        outcome = called(a_contract(server.url))
    assert outcome.status is DONE
    assert outcome.result["text"].startswith("All is well.⟨U+0000⟩")
    assert len(outcome.result["text"]) < 21_000
    assert outcome.evidence["unreadable"]


def test_a_compressed_answer_is_not_unpacked(opened: Any) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    with rude(says(200, bomb, "Content-Encoding: gzip")) as server:
        opened(server.place)
        outcome = called(a_contract(server.url))
        assert server.headers()["accept-encoding"] == "identity"
    assert (outcome.status, outcome.result) == (DONE, None)


def test_every_row_of_the_table_says_failed_only_where_nothing_left() -> None:
    for row in BROKEN.values():
        assert isinstance(row, Row)
        assert (row.status is FAILED) == (not row.sent), row
