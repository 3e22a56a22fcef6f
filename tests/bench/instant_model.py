"""A model that answers at once: one message, then done. What is left of a run's time is the product's own."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ACT = {
    "kind": "act",
    "tool": "send_message",
    "arguments": {"to": "customer of order 1009", "subject": "Your order", "body": "It is delayed until Friday."},
    "confidence": 0.9,
}
DONE = {"kind": "finish", "answer": "The customer has been told."}


class Handler(BaseHTTPRequestHandler):
    """`/v1/chat/completions`, and nothing else."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Act until the prompt holds a step, then finish."""
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        intent = {"reasoning": "Asked for.", "considered": [], "next": DONE if "Steps so far" in asked else ACT}
        message = {"role": "assistant", "content": json.dumps(intent), "refusal": None}
        answer = {
            "id": "instant",
            "object": "chat.completion",
            "created": 0,
            "model": "instant",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
            "usage": {"prompt_tokens": len(asked) // 4, "completion_tokens": 60, "total_tokens": len(asked) // 4 + 60},
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silence: a line a request would be measured too."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
