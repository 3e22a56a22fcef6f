"""The provider and the stand-in over real HTTP: a run from its goal to its end, and the trace of a call."""

import json
import math
import subprocess
import sys
from dataclasses import replace

import pytest

from lam_app.planner.intent import Act, Finish, StepSeen
from lam_app.planner.providers import ModelConfig, forget, plan
from lam_app.planner.standin import NAME
from tests.support.planning import CONTEXT, GOAL


@pytest.fixture(autouse=True)
def forgotten():
    yield
    forget()


@pytest.fixture(scope="module")
def standin():
    command = [sys.executable, "-m", "lam_app.planner.standin", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    yield ModelConfig(process.stdout.readline().split()[-1], "", "any", timeout=10)
    process.terminate()
    process.communicate(timeout=5)


def test_the_standin_imports_neither_django_nor_a_client_and_so_starts_at_once():
    unwanted = "{'django', 'openai', 'celery', 'jsonschema'}"
    script = f"import sys, lam_app.planner.standin.server; print(sorted({unwanted} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_run_goes_from_goal_to_finish_with_the_standin(standin):
    first = plan(CONTEXT, config=standin)
    assert isinstance(first.intent, Act)
    assert first.intent.arguments == {
        "to": "customer of order 1009",
        "body": "Your order 1009 is delayed until Friday.",
    }
    done = StepSeen(1, first.intent.tool, first.intent.arguments, "done", result={"id": 1})
    assert isinstance(plan(replace(CONTEXT, steps=(done,)), config=standin).intent, Finish)


def test_the_trace_of_a_good_call_is_complete(standin):
    trace = plan(CONTEXT, config=standin).trace
    assert (trace.model, trace.model_version, trace.tool) == (NAME, f"{NAME}-1", "send_message")
    assert 0.9 < math.exp(trace.logprob) < 1
    assert [one.tool for one in trace.alternatives] == ["write_note"]
    assert math.exp(trace.logprob) + trace.alternatives[0].probability == pytest.approx(1)
    assert (trace.finish_reason, trace.refusal, trace.error, trace.structured) == ("stop", None, None, True)
    assert trace.tokens_in > 100
    assert trace.tokens_out > 20
    assert trace.latency_ms > 0
    assert trace.request_id.startswith("chatcmpl-")
    assert trace.schema_digest.startswith("sha256:")
    assert GOAL in "".join(part.content for part in trace.prompt)
    assert json.loads(trace.text)["reasoning"] == trace.reasoning
