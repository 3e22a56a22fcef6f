"""T97: fifty canary secrets go through a real instance where secrets belong, and are found in none of its sinks.

Secret arguments are what runs, so they stand in the revision that was approved and nowhere else.
"""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from redis import Redis

from tests.journeys.test_real_tasks import manage
from tests.support.canaries import ALL, ARGUMENTS, GIVEN, MODEL, SENT, shapes
from tests.support.desk import Client, Session
from tests.support.dumping import found
from tests.support.model import Script, said
from tests.support.up import Up, until

pytestmark = pytest.mark.slow


@dataclass
class Lived:
    """An instance through which everything went, and what it showed on the way."""

    up: Up
    run: str
    actions: list[str]
    shown: dict[str, bytes] = field(default_factory=dict)
    commands: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    """A model whose every word holds keys."""
    server = Script()
    values = list(MODEL.values())

    def say(asked: dict[str, Any]) -> tuple[int, Any]:
        steps = "Steps so far" in json.dumps(asked)
        following = (
            {"kind": "finish", "answer": f"Done. {shapes(*values[:3])}"}
            if steps
            else {"kind": "act", "tool": "open_vault", "arguments": {"about": "shelf", "code": ""}, "confidence": 0.9}
        )
        thought = {
            "reasoning": shapes(*values[3:7]),
            "considered": [{"candidate": "break_vault", "why_not": shapes(*values[7:])}],
            "next": following,
        }
        return 200, said(None, text=json.dumps(thought))

    server.say = say
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def lived(model: str) -> Iterator[Lived]:
    given = list(GIVEN.values())
    secrets = {
        "SECRET_KEY": given[0] + given[0],
        "OPENAI_API_KEY": given[1],
        "VAULT_TOKEN": given[2],
        "SOME_PASSWORD": given[3],
        "OTHER_API_KEY": given[4],
        "LAM_MAIL_SECRET_NOTE": given[5],
    }
    with Up(LAM_TOOLS="tests.support.canaries", OPENAI_BASE_URL=model, LAM_MODEL="leaky", **secrets) as up:
        tools = ("--tool", "open_vault", "--tool", "break_vault")
        manage(up, "owner", "agent", "create", "caller", "--organization", "demo", "--owner", "operator", *tools)
        agent = Client(
            up.url, manage(up, "web", "token", "create", "--user", "operator", "--scope", "agent", "--agent", "caller")
        )
        operator = Client(up.url, manage(up, "web", "token", "create", "--user", "operator", "--scope", "operate"))
        reviewer = Session(up.url, "reviewer")
        codes = list(ARGUMENTS.values())
        actions = [
            str(agent("POST", "/actions", {"tool": tool, "arguments": {"about": "shelf", "code": code}})["id"])
            for tool, code in zip(("open_vault", "break_vault", "open_vault", "break_vault"), codes, strict=True)
        ]
        for action in actions:
            approve(agent, reviewer, action)
        run = str(operator("POST", "/runs", {"goal": "Open the vault about the shelf"})["id"])
        for action in waiting(operator, run):
            approve(operator, reviewer, action)
        until(lambda: operator("GET", f"/runs/{run}")["status"] in {"succeeded", "failed"}, 60, "the run is over")
        until(
            lambda: all(agent("GET", f"/actions/{one}")["status"] in {"done", "failed"} for one in actions), 60, "over"
        )
        one = Lived(up, run, actions)
        knock(up)
        look(one)
        yield one


def approve(agent: Client, reviewer: Session, action: str) -> None:
    shown = agent("GET", f"/actions/{action}")
    assert reviewer.decide(action, shown["digest"], "approve") == 200


def waiting(operator: Client, run: str) -> list[str]:
    def ids() -> list[str]:
        return [str(one["id"] if isinstance(one, dict) else one) for one in operator("GET", f"/runs/{run}")["actions"]]

    until(lambda: bool(ids()), 60, "the run has proposed something")
    return ids()


def knock(up: Up) -> None:
    """Callers who send secrets in their headers, most of them in vain."""
    values = list(SENT.values())
    headers = [
        {"Authorization": f"Bearer {values[0]}"},
        {"Authorization": f"Basic {values[1]}"},
        {"Cookie": f"sessionid={values[2]}; token={values[3]}"},
        {"X-Api-Key": values[4]},
        {"Proxy-Authorization": values[5]},
        {"X-Forwarded-For": values[6], "User-Agent": f"api_key={values[7]}"},
        {"Idempotency-Key": values[8], "Referer": f"http://u:{values[9]}@x/"},
    ]
    for path in ("/api/v1/runs", "/runs/", "/nowhere/", "/accounts/login/"):
        for sent in headers:
            for body in (None, b"{broken"):
                asked = urllib.request.Request(f"{up.url}{path}", body, sent)
                try:
                    urllib.request.urlopen(asked, timeout=20).close()
                except urllib.error.HTTPError as error:
                    error.close()


def look(one: Lived) -> None:
    """Read every page that tells of it, as everybody who may, and the commands of all processes."""
    paths = [
        "/",
        "/feed/",
        "/runs/",
        f"/runs/{one.run}/",
        f"/runs/{one.run}/report/",
        "/audit/",
        "/tools/",
        "/notices/",
    ]
    for action in one.actions:
        paths += [f"/actions/{action}/", f"/actions/{action}/trace/"]
    for name in ("reviewer", "operator", "auditor", "administrator", "developer"):
        session = Session(one.up.url, name)
        for path in paths:
            try:
                with session.opener.open(f"{one.up.url}{path}", timeout=20) as answer:
                    one.shown[f"{name} {path}"] = answer.read()
            except urllib.error.HTTPError as error:
                one.shown[f"{name} {path}"] = error.read()
    one.up.remember()
    one.commands = {" ".join(process.cmdline()) for process in one.up.family if process.is_running()}


def hits(text: bytes) -> list[str]:
    """The names of the canaries in a text, whether they stand there plainly or as bytes in hexadecimal."""
    low = text.lower()
    return [
        name for name, value in ALL.items() if value.lower().encode() in low or value.encode().hex().encode() in low
    ]


def test_t97_there_are_fifty_and_they_went_through(lived: Lived) -> None:
    assert len(set(ALL.values())) == 50
    rows = lived.up.rows("SELECT status, count(*) FROM tools_execution GROUP BY status ORDER BY status")
    assert dict(rows) == {"done": 3, "failed": 2}
    assert lived.up.rows("SELECT count(*) FROM traces_trace WHERE reasoning LIKE '%[hidden]%'")[0][0] > 0
    assert lived.up.rows("SELECT count(*) FROM tools_execution WHERE result LIKE '%[hidden]%'")[0][0] == 3


def test_t97_the_database_holds_a_secret_argument_in_its_revision_and_no_other_secret(lived: Lived) -> None:
    services = json.loads((lived.up.home / "run" / "services.json").read_text())
    with psycopg.connect(services["owner"]) as owner:
        outside = found(owner, *ALL.values(), but=frozenset({"approvals_revision"}))
        revisions = found(owner, *ALL.values()).get("approvals_revision", [])
    assert outside == {}
    assert set(revisions) == set(ARGUMENTS.values())


def test_t97_redis_holds_none(lived: Lived) -> None:
    services = json.loads((lived.up.home / "run" / "services.json").read_text())
    client = Redis.from_url(services["redis"])
    kept = b"".join(key + (client.dump(key) or b"") for key in client.scan_iter())
    assert hits(kept) == []


def test_t97_no_log_and_no_file_but_the_keys_holds_one(lived: Lived) -> None:
    assert hits(lived.up.output.read_bytes()) == []
    looked = 0
    for place in lived.up.home.rglob("*"):
        inside = place.relative_to(lived.up.home).parts
        if place.is_file() and inside[0] not in {"keys", "services"} and place.stat().st_size < 50_000_000:
            looked += 1
            assert (inside, hits(place.read_bytes())) == (inside, [])
    assert looked > 3


def test_t97_no_page_shows_one(lived: Lived) -> None:
    assert len(lived.shown) > 60
    assert {path: names for path, text in lived.shown.items() if (names := hits(text))} == {}


def test_t97_no_export_holds_one(lived: Lived, tmp_path: Path) -> None:
    manage(lived.up, "worker", "seal", "--once")
    place = tmp_path / "record.jsonl"
    manage(lived.up, "owner", "audit", "export", "--organization", "demo", "--to", str(place))
    assert place.stat().st_size > 10_000
    assert hits(place.read_bytes()) == []


def test_t97_no_command_line_holds_one(lived: Lived) -> None:
    assert len(lived.commands) > 3
    assert {command: names for command in lived.commands if (names := hits(command.encode()))} == {}
    assert not [p for p in psutil.Process(lived.up.process.pid).cmdline() if hits(p.encode())]  # type: ignore[union-attr]
