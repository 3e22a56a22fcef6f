"""The stand-in's HTTP side: the few routes of the OpenAI API that a planner needs."""

import argparse
import hashlib
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from lam_app.planner.standin import NAME
from lam_app.planner.standin.answer import Answer, NotForMe, answer, read, tokens

LARGEST_REQUEST = 8_000_000
NO_MODEL = (
    "I am Countersign's stand-in, no language model. I match a goal with the tools of a catalogue, and answer only the "
    "requests that Countersign's planner makes. Set OPENAI_BASE_URL, OPENAI_API_KEY and LAM_MODEL to use a model."
)


def completion(body: dict[str, Any]) -> dict[str, Any]:
    """The chat completion for a request."""
    try:
        said: Answer | None = answer(read(body))
        text = json.dumps(said.said, ensure_ascii=False) if said else ""
    except NotForMe:
        said, text = None, NO_MODEL
    listed = list(tokens(text, said)) if said else []
    top = body.get("top_logprobs")
    for token in listed:
        likeliest = sorted(token["top_logprobs"], key=lambda one: -one["logprob"])
        token["top_logprobs"] = likeliest[: top if isinstance(top, int) else 0]
    told, heard = max(1, len(listed)), len(json.dumps(body.get("messages"))) // 4
    return {
        "id": f"chatcmpl-{hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:24]}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": NAME,
        "system_fingerprint": f"{NAME}-1",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "finish_reason": "stop",
                "logprobs": {"content": listed, "refusal": None} if body.get("logprobs") and said else None,
            }
        ],
        "usage": {"prompt_tokens": heard, "completion_tokens": told, "total_tokens": heard + told},
    }


class Handler(BaseHTTPRequestHandler):
    """One connection; nothing is logged and nothing is kept."""

    protocol_version = "HTTP/1.1"
    server_version = NAME
    timeout = 120
    wbufsize = -1  # headers and body leave in one write, or delayed acknowledgements add 40 ms
    disable_nagle_algorithm: ClassVar[bool] = True

    def do_GET(self) -> None:
        """Say which model this is."""
        if self.path.split("?")[0].rstrip("/") == "/v1/models":
            card = {"id": NAME, "object": "model", "created": 0, "owned_by": "countersign"}
            return self.reply(200, {"object": "list", "data": [card]})
        return self.fail(404, "there is nothing here")

    def do_POST(self) -> None:
        """Answer a chat request."""
        if self.path.split("?")[0].rstrip("/") != "/v1/chat/completions":
            return self.fail(404, "there is nothing here")
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST_REQUEST:
            return self.fail(413, "the request has no length or is too large")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            return self.fail(400, "the request is not JSON")
        if not isinstance(body, dict):
            return self.fail(400, "the request is not an object")
        if body.get("stream"):
            return self.fail(400, "the stand-in does not stream")
        return self.reply(200, completion(body))

    def reply(self, status: int, value: dict[str, Any]) -> None:
        """Send JSON."""
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def fail(self, status: int, message: str) -> None:
        """Send an error as the API does; what was not read of the request ends the connection."""
        self.close_connection = True
        self.reply(
            status, {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}
        )

    def log_message(self, *_: object) -> None:
        """Requests hold goals; they are remembered in traces, not in logs."""


class Server(ThreadingHTTPServer):
    """Threads end with the process."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up needs no traceback; anything else does."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def main(argv: list[str] | None = None) -> None:
    """Serve until the process ends; prints one line once it listens (port 0: any free one)."""
    options = argparse.ArgumentParser(prog="python -m lam_app.planner.standin", description=__doc__)
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--host", default="127.0.0.1")
    chosen = options.parse_args(argv)
    with Server((chosen.host, chosen.port), Handler) as server:
        print(f"{NAME} listening on http://{chosen.host}:{server.server_address[1]}/v1", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.exit(0)
