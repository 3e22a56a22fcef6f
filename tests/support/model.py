"""Models for the loop to ask, on loopback: the stand-in that ships, and one that says what a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from lam_app.planner.providers import forget
from lam_app.planner.standin.server import Handler, Server

if TYPE_CHECKING:
    from lam_app.models import Run
    from tests.support.world import World


def serving(server: ThreadingHTTPServer) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        forget()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def standin_server() -> Iterator[str]:
    yield from serving(Server(("127.0.0.1", 0), Handler))


@pytest.fixture
def standin(standin_server: str, settings: Any) -> None:
    """The model that ships with the product, over HTTP."""
    settings.OPENAI_BASE_URL = standin_server


class Script(ThreadingHTTPServer):
    """A model that answers what ``say`` returns: an HTTP status and a body."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _ScriptHandler)
        self.say: Callable[[dict[str, Any]], tuple[int, Any]] = lambda _: (200, said(finish()))
        self.asked: list[dict[str, Any]] = []


class _ScriptHandler(BaseHTTPRequestHandler):
    server: Script

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        status, value = self.server.say(body)
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Tests need no log."""


@pytest.fixture
def script(settings: Any) -> Iterator[Script]:
    server = Script()
    for url in serving(server):
        settings.OPENAI_BASE_URL = url
        yield server


def said(
    following: Any, *, reason: str = "stop", text: str | None = None, refusal: str | None = None
) -> dict[str, Any]:
    content = json.dumps({"reasoning": "r", "considered": [], "next": following}) if text is None else text
    message = {"role": "assistant", "content": None if refusal else content, "refusal": refusal}
    return {"id": "c", "model": "m-1", "choices": [{"index": 0, "message": message, "finish_reason": reason}]}


def finish(words: str = "All is done.") -> dict[str, Any]:
    return {"kind": "finish", "answer": words}


def note(text: str = "remember this") -> dict[str, Any]:
    return {
        "kind": "act",
        "tool": "write_note",
        "arguments": {"text": text, "about": ""},
        "confidence": 0.9,
    }


def only_notes(world: World) -> None:
    """A small catalogue, so that scripted answers need not know the others' schemas."""
    from tools.models import Tool

    Tool.objects.exclude(name="write_note").update(enabled=False)


def fresh(run: Run) -> Run:
    return type(run).objects.get(id=run.id)
