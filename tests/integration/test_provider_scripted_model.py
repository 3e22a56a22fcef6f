"""The provider against the scripted model of ../shared: real tasks, and every fault that it can play."""

import json
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from lam_app.planner import errors
from lam_app.planner.intent import Act, Finish, PlannerContext, StepSeen, ToolCard
from lam_app.planner.providers import ModelConfig, forget, plan

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
if not (SHARED / "harness" / "model_server.py").exists():
    pytest.skip("../shared/harness is not here: the scripted model cannot be started", allow_module_level=True)


@pytest.fixture(autouse=True)
def forgotten():
    yield
    forget()


class Scripted:
    """The scripted model as a process of its own."""

    def __init__(self, port):
        self.base = f"http://127.0.0.1:{port}"
        self.cases = {
            name: json.loads((SHARED / "cases" / f"{name}.json").read_text("utf-8")) for name in ("retail", "banking")
        }

    def call(self, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        with urllib.request.urlopen(urllib.request.Request(self.base + path, data), timeout=10) as answer:
            return json.load(answer)

    def begin(self, domain, task, **more):
        """A run set up on the server, its first context, and how to reach it."""
        run = f"{domain}-{task}-{time.monotonic_ns()}"
        goal = self.call("/control/runs", {"run_id": run, "domain": domain, "task": task, **more})["goal"]
        tools = tuple(
            ToolCard(tool["name"], tool["description"], tool["input_schema"], "write", "1")
            for tool in self.cases[domain]["tools"]
        )
        config = ModelConfig(f"{self.base}/run/{run}/v1", "x", "scripted", timeout=10)
        return PlannerContext("r", goal, "olga", "2026-11-20", "UTC", tools=tools), config

    def task(self, domain, task):
        return next(one for one in self.cases[domain]["tasks"] if one["id"] == task)


@pytest.fixture(scope="module")
def scripted():
    command = [sys.executable, "-u", str(SHARED / "harness" / "model_server.py"), "--port", "0"]
    command += ["--cases", str(SHARED / "cases")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    line = process.stdout.readline()
    port = int("".join(c if c.isdigit() else " " for c in line.split("127.0.0.1")[-1]).split()[0])
    yield Scripted(port)
    process.terminate()
    process.communicate(timeout=5)


def play(context, config):
    """All acts until it finishes."""
    acts = []
    while isinstance(intent := plan(context, config=config).intent, Act):
        acts.append(intent)
        step = StepSeen(len(acts), intent.tool, intent.arguments, "done", result="ok")
        context = replace(context, steps=(*context.steps, step))
    return acts, intent


def without_nulls(value):
    return {name: inner for name, inner in value.items() if inner is not None}


@pytest.mark.parametrize(("domain", "share"), [("retail", 12), ("banking", 1)])
def test_real_tasks_come_through_call_by_call(scripted, domain, share):
    for task in scripted.cases[domain]["tasks"][::share]:
        calls = [call for call in task["calls"] if call.get("actor", "agent") == "agent"]
        acts, end = play(*scripted.begin(domain, task["id"]))
        assert isinstance(end, Finish)
        assert [act.tool for act in acts] == [call["tool"] for call in calls]
        for act, call in zip(acts, calls, strict=True):
            assert act.arguments == without_nulls(call["arguments"])


def test_the_run_is_found_by_its_goal_alone(scripted):
    context, config = scripted.begin("retail", "0", activate=False)
    scripted.begin("retail", "1")
    intent = plan(context, config=replace(config, base_url=f"{scripted.base}/v1")).intent
    assert intent.tool == scripted.task("retail", "0")["calls"][0]["tool"]


def test_the_tools_probability_and_its_alternatives_are_found(scripted):
    trace = plan(*scripted.begin("retail", "0")[:1], config=scripted.begin("retail", "0")[1]).trace
    assert trace.logprob < 0
    assert trace.alternatives


FAULTS = {
    "http_500": (errors.ProviderUnavailable, False),
    "rate_limit": (errors.ProviderUnavailable, False),
    "bad_json": (errors.Malformed, True),
    "truncated": (errors.Truncated, True),
    "refusal": (errors.Refused, True),
    "unknown_tool": (errors.Refused, True),  # held to the schema, it can only say that the tool is not offered
}


@pytest.mark.parametrize(("fault", "expected"), FAULTS.items())
def test_each_fault_is_a_typed_error_that_keeps_its_trace(scripted, fault, expected):
    kind, correct = expected
    context, config = scripted.begin("retail", "0", faults={"0": fault})
    with pytest.raises(errors.PlannerError) as caught:
        plan(context, config=config)
    assert type(caught.value) is kind
    assert caught.value.retry
    assert caught.value.correct is correct
    assert caught.value.trace.prompt
    again = replace(context, corrections=(caught.value.feedback(),)) if correct else context
    assert plan(again, config=config).intent
    if fault == "rate_limit":
        assert caught.value.retry_after == 1.0


def test_the_answer_to_a_request_that_was_too_slow_is_had_by_asking_the_same_again(scripted):
    context, config = scripted.begin("retail", "0", faults={"0": "slow"}, slow_s=1)
    with pytest.raises(errors.ProviderUnavailable):
        plan(context, config=replace(config, timeout=0.4))
    intent = plan(context, config=config).intent
    assert intent.tool == scripted.task("retail", "0")["calls"][0]["tool"]


@pytest.mark.parametrize("fault", ["extra_argument", "wrong_type", "missing_argument"])
def test_arguments_that_a_schema_can_forbid_never_arrive(scripted, fault):
    context, config = scripted.begin("retail", "0", faults={"0": fault})
    intent = plan(context, config=config).intent
    card = next(tool for tool in context.tools if tool.name == intent.tool)
    assert intent.arguments.keys() <= card.schema["properties"].keys()
    assert all(name in intent.arguments for name in card.schema["required"])


@pytest.mark.parametrize("fault", ["extra_argument", "wrong_type", "missing_argument"])
def test_arguments_that_travel_as_text_are_judged_when_they_arrive(scripted, fault):
    context, config = scripted.begin("retail", "0", faults={"0": fault})
    # An open part makes each tool's arguments travel as text, so nothing held the model to the schema.
    tools = tuple(
        replace(tool, schema={**tool.schema, "additionalProperties": False, "patternProperties": {"^x-": {}}})
        for tool in context.tools
    )
    with pytest.raises(errors.BadArguments) as caught:
        plan(replace(context, tools=tools), config=config)
    assert caught.value.path.startswith("arguments")
    assert caught.value.trace.text
