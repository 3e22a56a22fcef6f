"""The office over HTTP: one thread a connection, answers written in one piece, and faults where they were ordered."""

from __future__ import annotations

import json
import math
import re
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from pydantic import ValidationError

from sandbox import __version__
from sandbox.demo import DAY
from sandbox.desk import Answer, Desk
from sandbox.faults import AFTER, Fault, Faults, Mode
from sandbox.openapi import document
from sandbox.operations import Operation
from sandbox.page import CSP, page
from sandbox.routes import body, read_json, route
from sandbox.shapes import JSON, Refused, invalid
from sandbox.store import Store

MOST_BYTES: Final = 1_000_000
_LENGTH: Final = re.compile(r"\d{1,10}")


class Unanswered(Exception):
    """The connection is closed without a word, or in the middle of one."""


class Server(ThreadingHTTPServer):
    """Serves one store. `address` is where; port 0 takes a free one."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, store: Store, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.desk = Desk(store)
        self.faults = Faults()
        self.ending = threading.Event()
        self._open: set[socket.socket] = set()
        super().__init__((host, port), Handler)

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the signature is socketserver's
        """A caller who hangs up is no error of ours."""
        if not self.ending.is_set() and not isinstance(sys.exception(), ConnectionError | TimeoutError):
            traceback.print_exc()

    def server_close(self) -> None:
        """Hang up on everybody and let go of the store."""
        self.ending.set()
        for one in list(self._open):
            self.shutdown_request(one)
        super().server_close()
        self.desk.store.close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 600

    def _serve(self) -> None:
        try:
            raw = self._raw()
            own = OWN.get((self.command, urlsplit(self.path).path))
            if own is not None:
                own(self, raw)
            else:
                self._operate(raw)
        except Refused as refused:
            self._answer(Answer.no(refused))
        except ConnectionError:
            raise
        except Unanswered:
            self.close_connection = True
        except Exception:
            traceback.print_exc()
            self._answer(Answer.no(Refused(500, "broken", "Something broke. Nothing was changed.")))

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Whatever the method, `do_GET` or `do_QUERY`: a route or a 405 answers it."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def version_string(self) -> str:
        return f"back-office/{__version__}"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the signature is http.server's
        """The ledger says what happened; requests are not logged."""

    def _raw(self) -> bytes:
        """The whole body. A body that cannot be skipped ends the connection."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not _LENGTH.fullmatch(length):
            self.close_connection = True
            raise Refused(411, "length_required", "Send a Content-Length.")
        if int(length) > MOST_BYTES:
            self.close_connection = True
            raise Refused(413, "too_large", f"A body has at most {MOST_BYTES} bytes.")
        return self.rfile.read(int(length))

    def _operate(self, raw: bytes) -> None:
        operation, given = route(self.command, self.path)
        fault = self.server.faults.take(operation.name)
        if fault and fault.mode not in AFTER:
            if fault.mode is not Mode.SLOW:
                self._refuse_first(fault)
                return
            self.server.ending.wait(fault.seconds)
        given |= body(operation, raw, self.headers.get("Content-Type", ""))
        answer = self.server.desk.call(operation.name, given, key=self._key(operation))
        if fault and fault.mode in AFTER:
            answer = self._spoil(fault, answer)
        self._answer(answer)

    def _key(self, operation: Operation) -> str | None:
        """The caller's name for this call. It is written down even where it is not honoured."""
        found = [self.headers.get_all(name, []) for name in dict.fromkeys((operation.key_header, "Idempotency-Key"))]
        given = next((values for values in found if values), [])
        if len(given) > 1:
            raise invalid(f"header.{operation.key_header}", "It is given twice")
        return given[0] if given else None

    # Trouble

    def _refuse_first(self, fault: Fault) -> None:
        if fault.mode is Mode.REDIRECT:
            self._send(307, b"", "text/plain", {"Location": fault.location})
        elif fault.mode is Mode.RATE_LIMITED:
            after = {"Retry-After": str(math.ceil(fault.seconds))}
            self._answer(Answer.no(Refused(429, "rate_limited", "Too many calls. Nothing was done.", headers=after)))
        else:
            self._answer(Answer.no(Refused(503, "unavailable", "Not now. Nothing was done.")))

    def _spoil(self, fault: Fault, answer: Answer) -> Answer:
        match fault.mode:
            case Mode.FAIL_AFTER:
                return Answer.no(Refused(500, "broken", "Something broke after the call was taken in."))
            case Mode.SLOW_AFTER:
                self.server.ending.wait(fault.seconds)
                return answer
            case Mode.WRONG_JSON:
                self._send(answer.status, b'{"result": <html>all good</html>', "application/json")
            case Mode.CUT_ANSWER:
                self.close_connection = True
                content = json.dumps(answer.body).encode()
                half = content[: len(content) // 2]
                self._send(answer.status, half, "application/json", length=len(content))
        raise Unanswered

    # Answers

    def _answer(self, answer: Answer) -> None:
        kind = "application/problem+json" if answer.status >= 400 else "application/json"
        more = answer.headers | ({"Idempotent-Replayed": "true"} if answer.repeated else {})
        self._send(answer.status, json.dumps(answer.body).encode(), kind, more)

    def _send(
        self,
        status: int,
        content: bytes,
        kind: str,
        headers: Mapping[str, str] | None = None,
        *,
        length: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if self.close_connection:
            self.send_header("Connection", "close")
        written = b"" if self.command == "HEAD" else content
        self._headers_buffer.append(b"\r\n" + written)  # type: ignore[attr-defined] # one write, one packet
        self.flush_headers()

    def _json(self, value: JSON) -> None:
        self._send(200, json.dumps(value).encode(), "application/json")

    # What is not in the document: for people, supervisors and tests

    def _home(self, _: bytes) -> None:
        shown = page(self.server.desk.store.ledger(), self.server.faults.waiting()).encode()
        self._send(200, shown, "text/html; charset=utf-8", {"Content-Security-Policy": CSP})

    def _health(self, _: bytes) -> None:
        self._json({"ok": True})

    def _document(self, _: bytes) -> None:
        self._json(document())

    def _ledger(self, _: bytes) -> None:
        asked = dict(parse_qsl(urlsplit(self.path).query))
        effects = self.server.desk.store.ledger(operation=asked.get("operation"), key=asked.get("key"))
        self._json({"effects": [one._asdict() for one in effects], "applied": sum(one.applied for one in effects)})

    def _day(self, _: bytes) -> None:
        self._json({"errands": [asdict(one) for one in DAY]})

    def _reset(self, _: bytes) -> None:
        self.server.faults.clear()
        self.server.desk.reset()
        self._json({"ok": True})

    def _faults(self, _: bytes) -> None:
        self._json({"faults": [one.model_dump(mode="json") for one in self.server.faults.waiting()]})

    def _order(self, raw: bytes) -> None:
        try:
            fault = Fault.model_validate(read_json(raw, self.headers.get("Content-Type", "")))
        except ValidationError as error:
            first = error.errors()[0]
            raise invalid(".".join(["body", *map(str, first["loc"])]), first["msg"]) from error
        self.server.faults.order(fault)
        self._faults(raw)

    def _clear(self, raw: bytes) -> None:
        self.server.faults.clear()
        self._faults(raw)


OWN: Final[dict[tuple[str, str], Callable[[Handler, bytes], None]]] = {
    ("GET", "/"): Handler._home,  # noqa: SLF001 - the table of this very class
    ("GET", "/healthz"): Handler._health,  # noqa: SLF001
    ("GET", "/openapi.json"): Handler._document,  # noqa: SLF001
    ("GET", "/ledger"): Handler._ledger,  # noqa: SLF001
    ("GET", "/control/day"): Handler._day,  # noqa: SLF001
    ("POST", "/control/reset"): Handler._reset,  # noqa: SLF001
    ("GET", "/control/faults"): Handler._faults,  # noqa: SLF001
    ("POST", "/control/faults"): Handler._order,  # noqa: SLF001
    ("DELETE", "/control/faults"): Handler._clear,  # noqa: SLF001
}
