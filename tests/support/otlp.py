"""A receiver of spans over OTLP on loopback: it reads the protobuf as a collector would, and keeps every span."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Kept:
    """One span as it came over the wire."""

    name: str
    kind: int
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    """Ids of the traces that it is linked to."""
    failed: bool
    attributes: dict[str, Any]
    events: int


@dataclass
class Receiver:
    """What was sent, and where to."""

    url: str
    spans: list[Kept] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def named(self, start: str) -> list[Kept]:
        """The spans whose names begin so, in the order in which they began to be known."""
        return [one for one in self.spans if one.name.startswith(start)]


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver until the end of the block."""
    found = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            right = self.path == "/v1/traces" and self.headers["Content-Type"] == "application/x-protobuf"
            if right:
                found.bodies.append(body)
                found.spans.extend(_read(body))
            self.send_response(200 if right else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing is written for a request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _read(body: bytes) -> list[Kept]:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    asked = ExportTraceServiceRequest()
    asked.ParseFromString(body)
    return [
        Kept(
            name=span.name,
            kind=span.kind,
            trace=span.trace_id.hex(),
            id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            links=tuple(link.trace_id.hex() for link in span.links),
            failed=span.status.code == 2,
            attributes={one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes},
            events=len(span.events),
        )
        for resource in asked.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
