"""Spans from a request through Celery to the tool's call, as a receiver reads them; and nothing at all without one."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.exceptions import MiddlewareNotUsed

from approvals.models import Action
from approvals.tasks import execute_permitted, sign_permits
from lam_app.models import Run
from lam_app.tasks import advance_runs
from tests.support import tools as odd
from tests.support.model import Script, note, only_notes, said
from tests.support.otlp import Receiver, receiving
from tests.support.voting import browser, signed_in
from tests.support.world import World, approved
from tools.models import Tool
from traces import telemetry
from traces.doorbell import _ring_now
from traces.models import Event
from traces.request_spans import RequestSpans

GOAL = "Write a note about order 4711: the canary sings"
SERVER, INTERNAL, CLIENT, CONSUMER = 2, 1, 3, 5


@pytest.fixture
def receiver(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Where spans go in this test, and nowhere behind it; they are sent when the test says so, and waited for."""
    monkeypatch.setattr(telemetry, "SECONDS", 30.0)
    monkeypatch.setattr(telemetry, "EVERY_MS", 600_000)
    with receiving() as found:
        settings.OTEL_EXPORTER_OTLP_ENDPOINT = found.url
        yield found
        telemetry.forget()


def walk(world: World) -> Run:
    """From the form to the tool's call, every part as its process does it."""
    assert signed_in(world, "operator").post("/runs/new/", {"goal": GOAL}).status_code == 302
    run = Run.objects.order_by("-id")[0]
    advance_runs.apply()
    action = Action.objects.get(run=run.pk)
    answer = browser(world, "reviewer").post(
        f"/actions/{action.pk}/decide/", {"decision": "approve", "digest": action.digest, "reason": ""}
    )
    assert answer.status_code == 302
    sign_permits.apply()
    execute_permitted.apply()
    assert Action.objects.get(pk=action.pk).status == "done"
    telemetry.flush()
    return run


@pytest.mark.usefixtures("standin")
def test_a_run_is_one_trace_from_the_request_to_the_tools_call(world: World, receiver: Receiver) -> None:
    only_notes(world)
    run = walk(world)
    action = Action.objects.get(run=run.pk)
    [submit] = receiver.named("POST /runs/new/")
    [turn], [chat], [propose] = (receiver.named(name) for name in ("invoke_agent planner", "chat ", "propose"))
    [sign], [tool] = receiver.named("sign_permit"), receiver.named("execute_tool write_note")
    assert {one.trace for one in (submit, turn, chat, propose, sign, tool)} == {submit.trace}
    assert (submit.parent, turn.parent, sign.parent, tool.parent) == ("", submit.id, submit.id, submit.id)
    assert (chat.parent, propose.parent) == (turn.id, turn.id)
    assert (submit.kind, turn.kind, chat.kind, tool.kind) == (SERVER, INTERNAL, CLIENT, INTERNAL)
    tasks = {one.attributes["messaging.destination.name"]: one for one in receiver.named("process ")}
    assert {"planning", "gatekeeper", "execution"} <= set(tasks)
    assert {one.kind for one in tasks.values()} == {CONSUMER}
    assert turn.links == (tasks["planning"].trace,)
    assert tool.links == (tasks["execution"].trace,)
    assert submit.attributes == {
        "http.request.method": "POST", "http.route": "/runs/new/", "http.response.status_code": 302,
    }  # fmt: skip
    assert chat.attributes["gen_ai.operation.name"] == "chat"
    assert chat.attributes["gen_ai.usage.input_tokens"] > 0
    assert chat.attributes["gen_ai.conversation.id"] == str(run.pk)
    assert turn.attributes["gen_ai.agent.name"] == "planner"
    assert propose.attributes["countersign.verdict"] == "review"
    assert tool.attributes["gen_ai.operation.name"] == "execute_tool"
    assert tool.attributes["gen_ai.tool.call.id"] == str(action.pk)
    assert tool.attributes["countersign.outcome"] == "done"
    [decide] = receiver.named("POST /actions/")
    assert decide.attributes["countersign.subject"] == str(action.pk)


@pytest.mark.usefixtures("standin")
def test_events_keep_the_ids_of_the_span_in_which_they_were_written(world: World, receiver: Receiver) -> None:
    only_notes(world)
    run = walk(world)
    by_id = {one.id: one for one in receiver.spans}
    events = {event.verb: event for event in Event.objects.filter(run=run.pk, subject_kind__in=["run", "action"])}
    for verb, name in (
        ("submitted", "POST /runs/new/"),
        ("ruled", "propose"),
        ("approve", "POST /actions/"),
        ("permit_signed", "process gatekeeper"),
        ("claimed", "process execution"),
    ):
        written = by_id[events[verb].span_id]
        assert written.name.startswith(name), verb
        assert written.trace == events[verb].trace_id


@pytest.mark.usefixtures("standin")
def test_no_argument_prompt_or_answer_is_in_any_span(world: World, receiver: Receiver) -> None:
    only_notes(world)
    walk(world)
    signed_in(world, "operator").get("/runs/?state=4711canary")
    with pytest.raises(ValueError, match="4711"), telemetry.span("probe"):
        raise ValueError("order 4711: the canary sings")
    telemetry.flush()
    sent = b"".join(receiver.bodies)
    assert b"execute_tool" in sent
    for kept in (b"4711", b"canary", b"operator", GOAL.encode()):
        assert kept not in sent
    [probe] = receiver.named("probe")
    assert (probe.failed, probe.attributes, probe.events) == (True, {"error.type": "ValueError"}, 0)


def test_what_goes_wrong_is_told_in_a_word_of_ours(world: World, receiver: Receiver, script: Script) -> None:
    only_notes(world)
    left = iter([{"kind": "nonsense"}, note("Call back")])
    script.say = lambda _: (200, said(next(left)))
    run = world.run()
    advance_runs.apply()
    approved(world, Action.objects.get(run=run.pk))
    telemetry.flush()
    first, second = receiver.named("chat ")
    assert (first.failed, second.failed) == (True, False)
    assert first.attributes["error.type"] not in {"Malformed", ""}  # our code for it, not the class that was raised
    odd.reset()
    Tool.objects.filter(name="put_odd").update(enabled=True)
    approved(world, world.staged("put_odd", {"thing": "cup"}))
    odd.ORDERS.append("refuse")
    sign_permits.apply()
    execute_permitted.apply()
    telemetry.flush()
    [tool] = receiver.named("execute_tool put_odd")
    assert (tool.failed, tool.attributes["error.type"]) == (True, "failed")


def test_a_message_carries_the_span_in_which_it_was_sent(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []

    class App:
        def send_task(self, name: str, **options: Any) -> None:
            sent.append(options)

    monkeypatch.setattr("traces.doorbell._app", App)
    monkeypatch.setattr("traces.doorbell._silenced", lambda _: True)
    with telemetry.span("ring"):
        _ring_now("lam_app.tasks.advance_runs", "planning")
    advance_runs.apply(headers=sent[0]["headers"])
    telemetry.flush()
    [ring], [task] = receiver.named("ring"), receiver.named("process planning")
    assert (task.trace, task.parent) == (ring.trace, ring.id)


@pytest.mark.parametrize("carried", ["", "00-x-y-01", "00", "00-0-0-01", f"00-{'f' * 40}-1-01"])
def test_a_message_that_carries_nonsense_is_worked_off_all_the_same(
    world: World, receiver: Receiver, carried: str
) -> None:
    advance_runs.apply(headers={telemetry.CARRIED: carried})
    telemetry.flush()
    [task] = receiver.named("process planning")
    assert task.parent == ""


def test_a_receiver_that_is_away_stops_nothing(world: World, settings: Any, page: Any) -> None:
    class Refuses(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_error(503)

        def log_message(self, *_: Any) -> None:
            """Nothing is written for a request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuses)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        assert page("operator").post("/runs/new/", {"goal": GOAL}).status_code == 302
        telemetry.flush()
    finally:
        telemetry.forget()
        server.shutdown()
        server.server_close()
        thread.join()
    assert Run.objects.filter(goal=GOAL).exists()


@pytest.mark.usefixtures("standin")
def test_without_an_address_nothing_is_made_and_nothing_is_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    only_notes(world)
    calls: list[str] = []
    for name in ("_provider", "_placed", "_origin", "_read"):
        monkeypatch.setattr(telemetry, name, lambda *_, name=name: calls.append(name))
    with pytest.raises(MiddlewareNotUsed):
        RequestSpans(lambda _: None)  # type: ignore[arg-type, return-value]
    run = walk(world)
    assert calls == []
    assert telemetry.carry() == {}
    assert set(Event.objects.filter(run=run.pk).values_list("trace_id", "span_id")) == {("", "")}


def test_without_an_address_what_would_send_is_not_even_imported() -> None:
    asked = (
        "import sys, lam_app.asgi, lam_app.celery; lam_app.celery.app.loader.import_default_modules();"
        "from django.urls import get_resolver; get_resolver().url_patterns;"
        "sys.exit(','.join(sorted(name for name in sys.modules if name.startswith('opentelemetry.exporter'))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")
