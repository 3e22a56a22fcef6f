"""Ninety-nine real tasks that nobody here wrote: tools over HTTP, a scripted model, the real processes.

Every call is approved over HTTP by a scripted reviewer, and what counts is the tool server's own ledger: each task's
writes happen exactly once and in order, also when the answer to every write is lost after its effect. The whole set
of lost answers takes minutes, so one task in four is tried by default; COUNTERSIGN_ALL_TASKS=1 tries them all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.desk import Client, Session
from tests.support.up import PROJECT, Up, free_port, until

SHARED = PROJECT.parent / "shared"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (SHARED / "cases" / "retail.json").exists(), reason="needs the case files in ../shared"),
]

ENDED = {"succeeded", "failed", "cancelled", "needs_human", "needs_input", "halted"}
ALL = os.environ.get("COUNTERSIGN_ALL_TASKS") == "1"


def tasks() -> list[dict[str, Any]]:
    """The verified tasks."""
    place = SHARED / "cases" / "retail.json"
    if not place.exists():
        return []
    found: list[dict[str, Any]] = json.loads(place.read_text(encoding="utf-8"))["tasks"]
    return [task for task in found if task["verified"]]


def ask(address: str, body: Any = None, *, method: str | None = None) -> Any:
    """The harness's own controls, which the product is never shown."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@dataclass
class Shop:
    """A running product with the shop's tools in its catalogue."""

    up: Up
    model: str
    tools: str
    operator: Client
    reviewer: Session
    scripted: list[str] = field(default_factory=list)

    def work(self, task: dict[str, Any], *, lost: str = "", fault: str = "") -> dict[str, Any]:
        """Give a task's goal, approve what the task needs and nothing else, settle what is unknown by the ledger.

        With ``lost`` the answer to every write is lost after its effect, in that manner; with ``fault`` the model's
        first answer goes wrong in that manner. Returns the run as it ended.
        """
        ask(f"{self.tools}/control/reset", {"task": task["id"]})
        name = f"task-{task['id']}-{lost}{fault}"
        for other in self.scripted:  # goals may begin alike, and then only one of them may be known to the model
            ask(f"{self.model}/control/runs/{other}", method="DELETE")
        self.scripted = [name]
        faults = {"0": fault} if fault else {}
        ask(
            f"{self.model}/control/runs",
            {"run_id": name, "domain": "retail", "task": task["id"], "faults": faults, "slow_s": 1},
        )
        for call in writes_of(task) if lost else []:
            ask(f"{self.tools}/control/faults", {"tool": call["tool"], "kind": lost, "times": 1, "seconds": 0.3})
        run = self.operator("POST", "/runs", {"goal": task["goal"]})
        end = time.monotonic() + 120
        while run["status"] not in ENDED:
            assert time.monotonic() < end, f"task {task['id']} stands at {run['status']}: {run['actions']}"
            for action in run["actions"]:
                if action["status"] == "in_review":
                    wanted = {"tool": action["tool"], "arguments": action["arguments"]} in calls_of(task)
                    verdict = ("approve", "") if wanted else ("reject", "Nobody asked for this.")
                    assert self.reviewer.decide(action["id"], action["digest"], *verdict) == 200
                elif action["status"] == "uncertain":
                    self.find_out(action)
            time.sleep(0.05)
            run = self.operator("GET", f"/runs/{run['id']}")
        return run

    def find_out(self, action: dict[str, Any]) -> None:
        """What a person does about an unknown outcome: look at the world, and say what is there."""
        there = [
            row for row in self.ledger() if row["tool"] == action["tool"] and row["arguments"] == action["arguments"]
        ]
        verdict = "happened" if there and there[-1]["executed"] else "did_not_happen"
        assert self.reviewer.decide(action["id"], action["digest"], verdict, "Looked it up in the shop.") == 200

    def ledger(self) -> list[dict[str, Any]]:
        """Every call that reached the tool server."""
        calls: list[dict[str, Any]] = ask(f"{self.tools}/control/ledger")["calls"]
        return calls


def calls_of(task: dict[str, Any]) -> list[dict[str, Any]]:
    """All that a task should call, in order."""
    return [{"tool": c["tool"], "arguments": c["arguments"]} for c in task["calls"]]


def writes_of(task: dict[str, Any]) -> list[dict[str, Any]]:
    """The writes that a task should cause, in order."""
    return [{"tool": c["tool"], "arguments": c["arguments"]} for c in task["calls"] if c["effect"] == "write"]


def manage(up: Up, role: str, *words: str) -> str:
    """A management command beside the running instance; its last word."""
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=PROJECT,
        env={
            **os.environ,
            "LAM_HOME": str(up.home),
            "LAM_ROLE": role,
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "SECRET_KEY": "",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The model server, the tool server, and the product between them."""
    model_port, tool_port = free_port(), free_port()
    log = tmp_path_factory.mktemp("harness") / "harness.log"
    cases = str(SHARED / "cases")
    servers = [
        serve(log, "model_server.py", "--port", str(model_port), "--cases", cases),
        serve(
            log,
            "tool_server.py",
            "--domain",
            "retail",
            "--backend",
            "recorded",
            "--cases",
            cases,
            "--port",
            str(tool_port),
        ),
    ]
    model, tools = f"http://127.0.0.1:{model_port}", f"http://127.0.0.1:{tool_port}"
    try:
        until(lambda: answers(f"{model}/health") and answers(f"{tools}/openapi.json"), 30, f"the harness: {log}")
        private = f"127.0.0.1:{tool_port}"
        scripted = {"OPENAI_BASE_URL": f"{model}/v1", "LAM_MODEL": "scripted-agent"}
        with Up(LAM_DEMO="people", LAM_EGRESS_PRIVATE=private, **scripted) as up:
            manage(up, "owner", "tools", "import-openapi", f"{tools}/openapi.json", "--organization", "demo")
            token = manage(up, "web", "token", "create", "--user", "operator", "--scope", "operate")
            yield Shop(up, model, tools, Client(up.url, token), Session(up.url, "reviewer"))
    finally:
        for server in servers:
            server.kill()
            server.wait()


def serve(log: Path, script: str, *words: str) -> subprocess.Popen[bytes]:
    """A server of the harness."""
    with log.open("ab") as out:
        return subprocess.Popen([sys.executable, str(SHARED / "harness" / script), *words], stdout=out, stderr=out)


def answers(address: str) -> bool:
    """Whether something is served there yet."""
    try:
        ask(address)
    except OSError:
        return False
    return True


def test_every_tasks_writes_happen_exactly_once_and_in_order(shop: Shop) -> None:
    wrong = {}
    for task in tasks():
        run = shop.work(task)
        done = [{"tool": r["tool"], "arguments": r["arguments"]} for r in shop.ledger() if r["effect"] == "write"]
        if run["status"] != "succeeded" or done != writes_of(task):
            wrong[task["id"]] = (run["status"], done)
    assert not wrong
    assert len(tasks()) == 99


@pytest.mark.parametrize("lost", ["error_after", "hang_after"])
def test_a_lost_answer_neither_repeats_a_write_nor_loses_one(shop: Shop, lost: str) -> None:
    """These tools are *neither*: the outcome is unknown, a person finds out, and the run goes on from there."""
    wrong = {}
    some = [task for task in tasks() if writes_of(task)][:: 1 if ALL else 4]
    for task in some:
        run = shop.work(task, lost=lost)
        done = [{"tool": r["tool"], "arguments": r["arguments"]} for r in shop.ledger() if r["effect"] == "write"]
        if run["status"] != "succeeded" or done != writes_of(task):
            wrong[task["id"]] = (run["status"], done)
    assert not wrong
    assert len(some) >= 20


FAULTS = (
    "http_500", "rate_limit", "slow", "bad_json", "truncated", "refusal", "unknown_tool", "extra_argument",
    "wrong_type", "missing_argument",
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_model_that_answers_badly_has_no_effect_and_costs_no_worker(shop: Shop, fault: str) -> None:
    """Its bad answers are counted and bounded, nothing comes of them, and the next goal is worked on as ever."""
    planner = shop.up.child("planner").pid
    short = sorted((task for task in tasks() if writes_of(task)), key=lambda task: len(task["calls"]))
    run = shop.work(short[0], fault=fault)
    assert run["status"] in ENDED
    answers_given = ask(f"{shop.model}/control/runs/{shop.scripted[0]}")["log"]
    assert len(answers_given) <= 6 * (len(short[0]["calls"]) + 1)
    done = [{"tool": row["tool"], "arguments": row["arguments"]} for row in shop.ledger()]
    assert all(call in calls_of(short[0]) for call in done)
    assert shop.work(short[1])["status"] == "succeeded"
    assert shop.up.child("planner").pid == planner
