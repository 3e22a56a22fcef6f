"""The connector and the importer against the tool server of ../shared: real tools that nobody here wrote."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.rude import closed_port
from tools.arguments import normalise
from tools.connecting import Call
from tools.connectors.http import HttpConnector
from tools.contract import Contract, OutcomeStatus, Tier
from tools.openapi import Imported, Trust, imported, read
from traces.ids import uuid7

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
if not (SHARED / "harness" / "tool_server.py").exists():
    pytest.skip("../shared/harness is not here: the tool server cannot be started", allow_module_level=True)
if missing := [name for name in ("mcp", "starlette", "uvicorn") if importlib.util.find_spec(name) is None]:
    pytest.skip(f"the tool server needs {', '.join(missing)}, not installed here", allow_module_level=True)

DOMAINS = ("retail", "banking")
CONNECTOR = HttpConnector()


class ToolServer:
    """A domain's tools as a process of their own, its case file, and its control."""

    def __init__(self, domain: str, port: int) -> None:
        self.case = json.loads((SHARED / "cases" / f"{domain}.json").read_text("utf-8"))
        self.place = f"127.0.0.1:{port}"
        self.url = f"http://{self.place}"

    def ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data), timeout=10) as answer:
            return json.load(answer)

    def contracts(self, **trust: Any) -> dict[str, Contract]:
        document = read(json.dumps(self.ask("/openapi.json")))
        found = list(imported(document, trust=Trust(**trust)))
        assert all(isinstance(one, Imported) for one in found), found
        return {one.contract.name: one.contract for one in found if isinstance(one, Imported)}

    def ledger(self, name: str) -> list[dict[str, Any]]:
        return [row for row in self.ask("/control/ledger")["calls"] if row["tool"] == name]

    def examples(self, effect: str) -> Iterator[dict[str, Any]]:
        """Calls of verified tasks that this domain's own environment has answered."""
        for task in self.case["tasks"]:
            for call in task["calls"]:
                if call["effect"] == effect and not call.get("error") and task["verified"]:
                    yield call


@contextlib.contextmanager
def serving(domain: str) -> Iterator[ToolServer]:
    server = ToolServer(domain, closed_port())
    command = [sys.executable, str(SHARED / "harness" / "tool_server.py"), "--domain", domain, "--backend", "recorded"]
    command += ["--cases", str(SHARED / "cases"), "--port", server.place.split(":")[1]]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        end = time.monotonic() + 30
        while True:
            try:
                server.ask("/openapi.json")
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    process.kill()
                    raise RuntimeError(f"the tool server did not start: {process.communicate()[0]}") from None
                time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        try:
            process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module", params=DOMAINS)
def running(request: pytest.FixtureRequest) -> Iterator[ToolServer]:
    with serving(request.param) as server:
        yield server


@pytest.fixture
def server(running: ToolServer, settings: Any) -> ToolServer:
    """The tool server as new, and within the executors' reach."""
    running.ask("/control/reset", {})
    settings.LAM_EGRESS_PRIVATE = frozenset({running.place})
    return running


def called(contract: Contract, arguments: Any, *, key: str = "key-1", attempt: int = 1) -> Any:
    definite = normalise(contract.arguments_schema, arguments).arguments
    request = CONNECTOR.prepare(contract, definite)
    return CONNECTOR.call(contract, Call(uuid7(), uuid7(), uuid7(), key, request, attempt))


def test_every_tool_is_imported_under_its_own_name_and_takes_every_real_call(server: ToolServer) -> None:
    contracts = server.contracts()
    assert set(contracts) == {tool["name"] for tool in server.case["tools"]}
    calls = [call for task in server.case["tasks"] for call in task["calls"]]
    assert calls
    for call in calls:
        contract = contracts[call["tool"]]
        definite = normalise(contract.arguments_schema, call["arguments"]).arguments
        given = {name: definite[name] for name in call["arguments"]}
        assert given == call["arguments"], "nothing of a real call is changed"
        assert CONNECTOR.prepare(contract, definite)["body"] == definite
        assert "(not given)" not in contract.summary_of(definite)


def test_what_is_posted_counts_as_a_write_that_is_never_repeated(server: ToolServer) -> None:
    for contract in server.contracts().values():
        assert contract.tier is Tier.WRITE
        assert contract.idempotency.kind.value == "neither"
        assert contract.network == (server.place,)
        assert contract.binding["key_header"].lower() == "idempotency-key"


@pytest.mark.parametrize("effect", ["read", "write"])
def test_a_call_is_made_once_with_its_key_and_brings_its_result(server: ToolServer, effect: str) -> None:
    example = next(server.examples(effect))
    outcome = called(server.contracts()[example["tool"]], example["arguments"], key="key-of-this-step")
    assert outcome.status is OutcomeStatus.DONE, outcome
    assert outcome.result == {"result": example["result"]}
    (row,) = server.ledger(example["tool"])
    assert row["executed"]
    assert row["meta"]["idempotency-key"] == "key-of-this-step"


@pytest.mark.parametrize(
    ("fault", "status", "executed"),
    [
        ({"kind": "error_before"}, OutcomeStatus.UNCERTAIN, False),
        ({"kind": "error_after"}, OutcomeStatus.UNCERTAIN, True),
        ({"kind": "hang_after", "seconds": 1.5}, OutcomeStatus.UNCERTAIN, True),
        ({"kind": "slow", "seconds": 0.1}, OutcomeStatus.DONE, True),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_a_lost_answer_is_a_doubt_and_never_a_failure(
    server: ToolServer, fault: dict[str, Any], status: OutcomeStatus, executed: bool
) -> None:
    """F27, F29. A 503 without Retry-After comes from before the effect or from after it: nobody can tell."""
    from dataclasses import replace

    example = next(server.examples("write"))
    contract = replace(server.contracts()[example["tool"]], timeout=0.7)
    server.ask("/control/faults", {"tool": contract.name, **fault})
    outcome = called(contract, example["arguments"])
    assert outcome.status is status
    assert outcome.sent is True
    (row,) = server.ledger(contract.name)
    assert row["executed"] is executed


def test_a_tools_own_refusal_has_failed_in_its_own_words(server: ToolServer) -> None:
    contract = next(iter(server.contracts().values()))
    request = CONNECTOR.prepare(contract, {})
    gone = {**request, "url": f"{server.url}/tools/nobody"}
    outcome = CONNECTOR.call(contract, Call(uuid7(), uuid7(), uuid7(), "key-1", gone))
    assert outcome.status is OutcomeStatus.FAILED
    assert outcome.error is not None
    assert outcome.error.text == "The tool answered 404: no such tool"


def test_a_declared_key_header_is_no_promise(server: ToolServer) -> None:
    """Why importing it makes nothing keyed: this service declares the header and does the work twice."""
    example = next(server.examples("write"))
    contract = server.contracts()[example["tool"]]
    for attempt in (1, 2):
        called(contract, example["arguments"], key="one and the same", attempt=attempt)
    rows = server.ledger(contract.name)
    assert [row["executed"] for row in rows] == [True, True]
    assert {row["meta"]["idempotency-key"] for row in rows} == {"one and the same"}


def test_without_leave_the_service_on_loopback_is_not_reached(server: ToolServer, settings: Any) -> None:
    settings.LAM_EGRESS_PRIVATE = frozenset()
    example = next(server.examples("write"))
    outcome = called(server.contracts()[example["tool"]], example["arguments"])
    assert (outcome.status, outcome.sent) == (OutcomeStatus.FAILED, False)
    assert outcome.error.code == "egress_refused"
    assert server.ledger(example["tool"]) == []
