"""The provider over real HTTP, against a server that answers whatever a test tells it to."""

import json
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lam_app.planner import errors
from lam_app.planner.providers import ModelConfig, forget, plan
from tests.support.planning import CONTEXT


@pytest.fixture(autouse=True)
def forgotten():
    yield
    forget()


def good(following=None, **choice):
    following = following or {"kind": "finish", "answer": "Done."}
    text = json.dumps({"reasoning": "r", "considered": [], "next": following})
    message = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": "c-1",
        "model": "m-2",
        "choices": [{"message": message, "finish_reason": "stop", **choice}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
    }


class Scripted(ThreadingHTTPServer):
    """Answers with what `answers` gives for each request; keeps the requests."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), ScriptedHandler)
        self.answer = lambda body: (200, good(), {})
        self.seen, self.released = [], threading.Event()

    def handle_error(self, *_):
        """A client that hangs up is what several of these tests are about."""

    @property
    def config(self):
        return ModelConfig(f"http://127.0.0.1:{self.server_address[1]}/v1", "key", "m", timeout=5)


class ScriptedHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(body)
        status, value, headers = self.server.answer(body)
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, header in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, header)
        self.end_headers()
        try:
            self.wfile.write(data)
        except OSError:
            self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Scripted() as made:
        threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
        yield made
        made.released.set()
        made.shutdown()


def failing(server, status, value, **headers):
    server.answer = lambda body: (status, value, headers)
    with pytest.raises(errors.PlannerError) as caught:
        plan(CONTEXT, config=server.config)
    assert caught.value.trace is not None
    assert caught.value.trace.prompt
    assert caught.value.trace.error == caught.value.code
    assert caught.value.trace.latency_ms is not None
    return caught.value


def test_the_request_is_strict_and_asks_for_probabilities(server):
    plan(CONTEXT, config=server.config)
    (body,) = server.seen
    assert body["response_format"]["json_schema"]["strict"] is True
    assert (body["logprobs"], body["top_logprobs"]) == (True, 5)
    assert "temperature" not in body


def test_equal_contexts_make_equal_requests(server):
    plan(CONTEXT, config=server.config)
    plan(replace(CONTEXT), config=server.config)
    assert server.seen[0] == server.seen[1]


def test_a_refusal_keeps_its_words(server):
    answer = good()
    answer["choices"][0]["message"] = {"role": "assistant", "content": None, "refusal": "I will not."}
    error = failing(server, 200, answer)
    assert isinstance(error, errors.Refused)
    assert error.trace.refusal == "I will not."


def test_a_cut_answer_keeps_its_text_and_its_tokens(server):
    answer = good(finish_reason="length")
    answer["choices"][0]["message"]["content"] = '{"reasoning": "half'
    error = failing(server, 200, answer)
    assert isinstance(error, errors.Truncated)
    assert (error.trace.text, error.trace.tokens_out) == ('{"reasoning": "half', 4)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (None, errors.Empty),
        ("", errors.Empty),
        ("{", errors.Malformed),
        (json.dumps({"reasoning": "a\0b", "considered": [], "next": {}}), errors.Malformed),
        ("\ud800", errors.Malformed),
        ([{"type": "text", "text": "{}"}], errors.Empty),
    ],
)
def test_a_bad_answer_is_typed_and_its_trace_can_be_stored(server, content, kind):
    answer = good()
    answer["choices"][0]["message"]["content"] = content
    error = failing(server, 200, answer)
    assert type(error) is kind
    stored = f"{error.trace.text}{error.trace.reasoning}"
    assert "\0" not in stored
    stored.encode()


def test_an_unknown_tool_is_remembered_by_name(server):
    error = failing(server, 200, good({"kind": "act", "tool": "send_v9", "arguments": {}, "confidence": None}))
    assert isinstance(error, errors.UnknownTool)
    assert (error.trace.tool, error.trace.reasoning) == ("send_v9", "r")


def test_a_content_filter_is_not_asked_again(server):
    assert not failing(server, 200, good(finish_reason="content_filter")).retry


@pytest.mark.parametrize(
    "value", [b"<html>", b"[]", b"{}", b'{"choices": []}', b'{"choices": [3]}', b"[" * 100_000, b""]
)
def test_what_is_no_completion_is_not_taken_for_one(server, value):
    error = failing(server, 200, value)
    assert isinstance(error, errors.ProviderUnavailable)
    assert error.trace.text == value[:20_000].decode()


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_f33_a_busy_or_broken_server_is_asked_the_same_again(server, status):
    error = failing(server, status, {"error": {"message": "busy"}}, **{"Retry-After": "7"})
    assert isinstance(error, errors.ProviderUnavailable)
    assert (error.retry, error.correct, error.retry_after) == (True, False, 7.0)
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [401, 403, 413])
def test_a_rejected_request_is_not_asked_again(server, status):
    error = failing(server, status, {"error": {"message": "no such key"}})
    assert isinstance(error, errors.ProviderRejected)
    assert not error.retry
    assert "no such key" in error.message
    assert len(server.seen) == 1


def test_a_redirect_is_not_followed(server):
    error = failing(server, 307, b"", Location="http://127.0.0.1:9/v1/chat/completions")
    assert isinstance(error, errors.ProviderRejected)


def test_a_server_that_is_not_there_is_unavailable():
    with pytest.raises(errors.ProviderUnavailable) as caught:
        plan(CONTEXT, config=ModelConfig("http://127.0.0.1:9/v1", "k", "m", timeout=2))
    assert caught.value.trace.prompt


def test_f31_a_slow_server_is_left_after_the_timeout(server):
    def late(body):
        server.released.wait(5)
        return 200, good(), {}

    server.answer = late
    with pytest.raises(errors.ProviderUnavailable, match="within"):
        plan(CONTEXT, config=replace(server.config, timeout=0.3))


def test_f31_an_answer_that_trickles_is_left_after_the_timeout(server):
    server.RequestHandlerClass = type("Slow", (ScriptedHandler,), {"do_POST": trickle})
    began = time.monotonic()
    with pytest.raises(errors.ProviderUnavailable):
        plan(CONTEXT, config=replace(server.config, timeout=0.6))
    assert time.monotonic() - began < 3


def trickle(handler):
    handler.rfile.read(int(handler.headers["Content-Length"]))
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    try:
        while not handler.server.released.wait(0.05):
            handler.wfile.write(b" ")
    except OSError:
        handler.close_connection = True


def test_a_huge_answer_is_cut_off(server):
    assert isinstance(failing(server, 200, b"x" * 9_000_000), errors.TooLarge)


def test_a_compressed_answer_is_refused(server):
    assert isinstance(failing(server, 200, b"\x1f\x8b", **{"Content-Encoding": "gzip"}), errors.ProviderUnavailable)


def refusing(*words):
    """A server that knows none of `words` in a request."""

    def answer(body):
        unknown = next((word for word in words if word in body), None)
        return (400, {"error": {"message": f"{unknown} is not supported"}}, {}) if unknown else (200, good(), {})

    return answer


def test_a_server_without_probabilities_is_asked_without_them_and_only_once(server):
    server.answer = refusing("logprobs")
    for _ in range(2):
        trace = plan(CONTEXT, config=server.config).trace
        assert (trace.logprob, trace.structured) == (None, True)
    assert [("logprobs" in body, "response_format" in body) for body in server.seen] == [
        (True, True),
        (False, True),
        (False, True),
    ]


def test_a_server_without_structured_outputs_gets_the_schema_in_words(server):
    server.answer = refusing("response_format", "logprobs")
    planned = plan(CONTEXT, config=server.config)
    assert not planned.trace.structured
    assert '"anyOf"' in server.seen[-1]["messages"][-1]["content"]


def test_a_code_block_is_unwrapped_only_where_nothing_held_the_answer_to_the_schema(server):
    answer = good()
    answer["choices"][0]["message"]["content"] = f"```json\n{answer['choices'][0]['message']['content']}\n```"
    assert isinstance(failing(server, 200, answer), errors.Malformed)


def test_what_a_server_could_do_once_is_never_given_up(server):
    plan(CONTEXT, config=server.config)
    server.answer = refusing("response_format")
    with pytest.raises(errors.ProviderRejected):
        plan(CONTEXT, config=server.config)
    assert "response_format" in server.seen[-1]
    assert len(server.seen) == 2


def test_a_request_that_stays_refused_ends(server):
    error = failing(server, 400, {"error": {"message": "no"}})
    assert isinstance(error, errors.ProviderRejected)
    assert len(server.seen) == 3
