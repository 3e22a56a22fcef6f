"""Bodies are read strictly, whatever the route: T81, T82, T83, T87; and every refusal is a problem document."""

import asyncio
import json
import time
from typing import Any

import pytest
from django.test import override_settings

from approvals.models import Action
from lam_app.models import Run
from tests.support.api import ROOT, Api, problem

DEEP = "[" * 100_000
MESSAGE = '"to": "x", "body": "y"'


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ("{", ""),
        ("nonsense", ""),
        ('{"tool": "a", "tool": "b", "arguments": {}}', "tool"),
        ('{"tool": "send_message", "arguments": {"to": "a", "to": "b"}}', "arguments.to"),
        ('{"tool": "send_message", "arguments": {"to": ["x", "a\\u0000b"]}}', "arguments.to[1]"),
        ('{"tool": "send_message", "arguments": {"to": "\\ud800"}}', "arguments.to"),
        ('{"tool": "send_message", "arguments": {"n": NaN}}', "arguments.n"),
        ('{"tool": "send_message", "arguments": {"n": 9007199254740993}}', "arguments.n"),
        ('{"tool": "send_message", "arguments": {"n": 0.1234567890123456789}}', "arguments.n"),
        ('{"tool": "send_message", "arguments": {"n": 1' + "0" * 1_000_000 + "}}", ""),
        ('{"tool": "send_message", "arguments": {"n": 1' + "0" * 900_000 + "}}", "arguments.n"),
        ('{"tool": "send_message", "arguments": {"n": ' + DEEP + "}}", ""),
        ('{"arguments": {' + ",".join(f'"k{i}": 1' for i in range(60_000)) + "}}", ""),
        (b'{"tool": "\xff"}', ""),
    ],
)
def test_t05_t83_t87_what_can_be_understood_in_two_ways_is_refused_with_its_path(
    api: Api, body: Any, path: str
) -> None:
    began = time.monotonic()
    found = problem(api.bot.post("actions", body), 400, "bad_json")
    assert time.monotonic() - began < 3
    assert found["path"] == path
    assert not Action.objects.exists()
    assert api.bot.get("tools").status_code == 200


def test_t81_a_body_over_the_limit_is_refused_before_it_is_read(api: Api) -> None:
    began = time.monotonic()
    problem(api.operator.post("runs", b'{"goal": "' + b"x" * 3_000_000 + b'"}'), 413, "too_large")
    assert time.monotonic() - began < 3
    assert not Run.objects.exists()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_t81_a_body_without_a_length_is_cut_off_while_it_arrives(api: Api) -> None:
    from lam_app.asgi import application

    sent: list[dict[str, Any]] = []
    chunks = 0

    async def receive() -> dict[str, Any]:
        nonlocal chunks
        chunks += 1
        return {"type": "http.request", "body": b"x" * 65_536, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    scope = {
        "type": "http",
        "method": "POST",
        "path": f"{ROOT}/runs",
        "raw_path": f"{ROOT}/runs".encode(),
        "query_string": b"",
        "headers": [
            (b"host", b"localhost"),
            (b"content-type", b"application/json"),
            (b"authorization", f"Bearer {api.operator.token}".encode()),
        ],
        "http_version": "1.1",
        "asgi": {"version": "3.0"},
        "server": ("localhost", 80),
    }
    asyncio.run(application(scope, receive, send))
    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["code"] == "too_large"
    assert chunks < 40


def test_t82_a_compressed_body_is_never_unpacked(api: Api) -> None:
    for encoding in ("gzip", "deflate", "br", "gzip, gzip", "zstd"):
        found = problem(api.operator.post("runs", b"\x1f\x8b" * 100, Content_Encoding=encoding), 415, "encoding_not_supported")  # fmt: skip  # noqa: E501
        assert "as it is" in found["detail"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "text/json"])
def test_another_media_type_is_refused(api: Api, kind: str) -> None:
    problem(api.operator.post("runs", '{"goal": "x"}', Content_Type=kind), 415, "media_type_not_supported")
    assert not Run.objects.exists()


def test_a_charset_beside_the_media_type_does_no_harm(api: Api) -> None:
    answer = api.operator.post("runs", '{"goal": "Grüße"}', Content_Type="application/json; charset=utf-8")
    assert (answer.status_code, answer.json()["goal"]) == (201, "Grüße")


def test_t87_nul_and_broken_utf8_in_query_and_path_are_refused(api: Api) -> None:
    for query in ("verb=%00", "verb=a%00b", "verb=%ff", "%00=1"):
        problem(api.auditor._ask("GET", "audit/events", QUERY_STRING=query), 400, "bad_text")
    for path in ("tools/%00", "tools/a%00b", "tools/%ff", "runs/%00"):
        assert api.operator._ask("GET", path).status_code in {400, 404}


SQL = ["'", "';--", "1 OR 1=1", "1) UNION SELECT 1--", "$$", "%' AND pg_sleep(5)--", "{}", "\\", "a__b", "-id"]


def test_t88_parameters_are_values_and_never_sql(api: Api) -> None:
    began = time.monotonic()
    for text in SQL:
        sent = text.replace("%", "%25").replace(" ", "+").replace("#", "%23")
        for path in (f"audit/events?verb={sent}", f"audit/events?before={sent}"):
            assert api.auditor._ask("GET", f"{ROOT}/{path}").status_code in {200, 422}
        assert api.operator._ask("GET", f"{ROOT}/runs?status={sent}").status_code == 422
        assert api.operator.post("runs", {"goal": "x", "context": {text: text}}).status_code == 201
        assert api.bot.post("actions", {"tool": "send_message", "arguments": {text: text}}).status_code == 202
    assert time.monotonic() - began < 5 + len(SQL)


def test_an_address_that_does_not_exist_and_a_method_that_is_not_answered_are_problems_too(api: Api) -> None:
    problem(api.operator.get("nothing"), 404, "not_found")
    problem(api.operator.get(""), 404, "not_found")
    problem(api.operator.get("runs/1"), 404, "not_found")
    answer = api.operator._ask("DELETE", "runs")
    problem(answer, 405, "method_not_allowed")
    assert set(answer["Allow"].split(", ")) == {"GET", "POST"}


@pytest.mark.filterwarnings("ignore:Django checks for ServeStatic")
@pytest.mark.parametrize("debug", [False, True])
def test_what_nobody_foresaw_is_answered_without_details(
    api: Api, monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("lam_app.runs_api.submit", broken)
    monkeypatch.setattr("approvals.api._read", broken)
    staged = api.staged()
    with override_settings(DEBUG=debug):
        for answer in (
            api.operator.post("runs", {"goal": "x"}),
            api.bot.get(f"actions/{staged['id']}"),
        ):
            problem(answer, 500, "internal_error")
            assert b"secret" not in answer.content


def test_no_answer_is_kept_by_anybody(api: Api) -> None:
    for answer in (api.operator.get("runs"), api.stranger.get("runs"), api.operator.get("runs/1")):
        assert answer["Cache-Control"] == "no-store"
