"""The loop with a model that answers badly, wrongly or not at all: bounded, remembered, and left to a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from approvals.models import Action
from lam_app import loop
from lam_app.loop import MOST_CALLS_A_STEP
from lam_app.models import Run, Step
from lam_app.tasks import advance_runs
from tests.support.model import Script, fresh, note, only_notes, said
from tests.support.world import World
from tools.models import Tool
from traces.models import Event, Trace

NOBODY = "http://127.0.0.1:1/v1"

BAD: dict[str, tuple[Callable[[dict[str, Any]], tuple[int, Any]], str]] = {
    "nonsense": (lambda _: (200, said(None, text="Sure! Here you go")), "malformed"),
    "duplicate keys": (
        lambda _: (
            200,
            said(None, text='{"reasoning":"","considered":[],"next":{"kind":"finish","answer":"a","answer":"b"}}'),
        ),
        "malformed",
    ),
    "nothing": (lambda _: (200, said(None, text="")), "empty"),
    "refusal": (lambda _: (200, said(None, refusal="I would rather not.")), "refused_by_model"),
    "cut off": (lambda _: (200, said(None, text='{"reasoning": "so', reason="length")), "truncated"),
    "unknown tool": (
        lambda _: (200, said({"kind": "act", "tool": "drop_tables", "arguments": {}, "confidence": 1})),
        "unknown_tool",
    ),
    "bad arguments": (
        lambda _: (
            200,
            said(
                {
                    "kind": "act",
                    "tool": "write_note",
                    "arguments": {"text": 7, "about": ""},
                    "confidence": 1,
                }
            ),
        ),
        "bad_arguments",
    ),
}


def test_f32_every_bad_answer_is_a_typed_error_a_bounded_number_of_calls_and_a_run_that_a_person_sees(
    world: World, script: Script
) -> None:
    only_notes(world)
    for what, (say, code) in BAD.items():
        script.say = say
        script.asked.clear()
        run = world.run("Write it down")
        advance_runs()
        run = fresh(run)
        assert (run.status, run.planner, bool(run.problem)) == ("needs_human", None, True), what
        assert len(script.asked) == MOST_CALLS_A_STEP, what
        errors = list(Trace.objects.filter(run=run.id).values_list("error", flat=True))
        assert errors == [code] * MOST_CALLS_A_STEP, what
        assert Event.objects.about(world.organization.id, run.id).last().target == "needs_human"
    assert not Action.objects.exists()


def test_a_corrected_answer_is_taken_and_the_model_was_told_what_was_wrong(world: World, script: Script) -> None:
    only_notes(world)
    answers = iter([said(None, text="oops"), said(note())])
    script.say = lambda _: (200, next(answers))
    run = world.run("Write it down")
    advance_runs()
    assert fresh(run).status == "waiting"
    assert list(Trace.objects.filter(run=run.id).order_by("attempt").values_list("attempt", "error")) == [
        (1, "malformed"),
        (2, ""),
    ]
    assert len(script.asked[1]["messages"]) >= len(script.asked[0]["messages"])
    assert script.asked[1]["messages"] != script.asked[0]["messages"]


def test_f33_a_model_that_cannot_be_reached_is_waited_for_and_not_for_ever(world: World, settings: Any) -> None:
    settings.OPENAI_BASE_URL = NOBODY
    run = world.run()
    for attempt in range(1, MOST_CALLS_A_STEP + 1):
        advance_runs()
        run = fresh(run)
        assert (run.status, run.planner) == ("planning", None)
        assert advance_runs() == 0  # not before its time
        assert Trace.objects.filter(run=run.id, error="provider_unavailable").count() == attempt
        Run.objects.filter(id=run.id).update(planner_until="2020-01-01T00:00:00Z")
    advance_runs()
    assert fresh(run).status == "needs_human"
    assert not Action.objects.exists()


def test_a_refused_key_is_not_tried_again(world: World, script: Script) -> None:
    script.say = lambda _: (401, {"error": {"message": "bad key"}})
    run = world.run()
    advance_runs()
    assert (fresh(run).status, len(script.asked)) == ("needs_human", 1)


def test_a_mistake_of_our_own_stops_the_run_and_leaves_it_to_a_person(
    world: World, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_notes(world)
    script.say = lambda _: (200, said(note()))
    monkeypatch.setattr(loop, "propose", lambda _: 1 / 0)
    run = world.run("Write it down")
    advance_runs()
    run = fresh(run)
    assert (run.status, run.step, "ZeroDivisionError" in run.problem) == ("needs_human", 0, True)
    assert len(script.asked) == 1
    assert not Step.objects.exists()


def test_t102_a_model_that_proposes_for_ever_is_stopped_at_a_limit(
    world: World, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_notes(world)
    monkeypatch.setattr(loop, "MOST_STEPS", 3)
    Tool.objects.filter(name="write_note").update(tier="admin")  # denied each time, so the run goes straight on
    script.say = lambda _: (200, said(note()))
    run = world.run("Write it down")
    advance_runs()
    run = fresh(run)
    assert (run.status, run.step, Action.objects.filter(run=run.id).count()) == ("needs_human", 3, 3)
