"""The sandbox's back office as tests use it: served in this process on a free port, and a plain caller."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sandbox.server import Server
from sandbox.store import Store


class Said(NamedTuple):
    """An answer."""

    status: int
    headers: http.client.HTTPMessage
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


class BackOffice:
    """A running office. `url` is where; `call` takes one connection a call."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, method: str, path: str, body: Any = None, *, timeout: float = 10, **headers: str) -> Said:
        """One request; `idempotency_key="k"` is sent as Idempotency-Key. Bytes are sent as they are."""
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        named = {"Content-Type": "application/json"} if raw is not None else {}
        named |= {name.replace("_", "-").title(): value for name, value in headers.items()}
        with contextlib.closing(http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=timeout)) as line:
            line.request(method, path, raw, named)
            answer = line.getresponse()
            return Said(answer.status, answer.headers, answer.read())

    def ledger(self, **asked: str) -> list[dict[str, Any]]:
        """The ledger's lines, of one operation or one key."""
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        found: list[dict[str, Any]] = self.call("GET", f"/ledger?{query}").body["effects"]
        return found

    def effects(self, operation: str) -> int:
        """How often an operation really had its effect."""
        return sum(line["applied"] for line in self.ledger(operation=operation))

    def fault(self, operation: str, mode: str, **more: Any) -> None:
        """The next call of this operation goes wrong."""
        answer = self.call("POST", "/control/faults", {"operation": operation, "mode": mode, **more})
        assert answer.status == 200, answer.raw

    def reset(self) -> None:
        """Begin the world anew."""
        assert self.call("POST", "/control/reset").status == 200


@contextlib.contextmanager
def back_office(store: Path | None = None) -> Iterator[BackOffice]:
    """An office in this process, on a free port of the loopback."""
    server = Server(Store(store))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield BackOffice(server.url)
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
