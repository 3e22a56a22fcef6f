"""What people do with a step reaches the planner: their code, their words, their edit, their choice, their answer."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from approvals import binding
from approvals.models import Action
from approvals.policy import Facts, Source
from approvals.services.answer import answer
from approvals.services.ask import ask
from approvals.services.edit import edit
from approvals.services.reject import reject
from approvals.tasks import execute_permitted, sign_permits
from lam_app import context
from lam_app.models import Run
from lam_app.tasks import advance_runs
from tests.support.model import Script, finish, fresh, note, only_notes, said
from tests.support.paying import set_free
from tests.support.tools import reset
from tests.support.world import World, approved
from tools.models import Execution, Tool


def steps_told(script: Script) -> list[dict[str, Any]]:
    """The records of steps in the newest prompt."""
    text = "\n".join(message["content"] for message in script.asked[-1]["messages"])
    return [json.loads(line) for line in text.splitlines() if line.startswith('{"step"')]


def begun(world: World, script: Script, *answers: dict[str, Any], goal: str = "Write it down: rain") -> Run:
    only_notes(world)
    left = iter(answers)
    script.say = lambda _: (200, next(left))
    run: Run = world.run(goal)
    advance_runs()
    return fresh(run)


def waiting(run: Run) -> Action:
    return Action.objects.get(run=run.id, status="in_review")


def test_a_no_is_told_by_its_code_and_words_and_not_to_be_retried(world: World, script: Script) -> None:
    run = begun(world, script, said(note("rain")), said(finish()))
    action = waiting(run)
    reject(
        actor=world.reviewer, organization=world.organization.id, action_id=action.id, digest=action.digest,
        reason="They know.", code="duplicate",
    )  # fmt: skip
    advance_runs()
    (step,) = steps_told(script)
    assert step["status"] == "rejected"
    assert step["reason"] == "The same was done or asked for already. They know. Do not retry this call."


def test_what_was_rejected_and_is_proposed_again_is_denied_and_said_so(world: World, script: Script) -> None:
    run = begun(world, script, said(note("rain")), said(note("rain")), said(finish()))
    action = waiting(run)
    reject(
        actor=world.reviewer, organization=world.organization.id, action_id=action.id, digest=action.digest, reason="No"
    )
    advance_runs()
    assert Action.objects.get(run=run.id, step=2).status == "denied"
    assert "A person already rejected this very call" in steps_told(script)[1]["reason"]
    assert not Execution.objects.exists()


def test_an_edit_is_told_with_the_arguments_as_they_ran(world: World, script: Script) -> None:
    run = begun(world, script, said(note("rain")), said(finish()))
    action = waiting(run)
    edit(
        actor=world.reviewer, organization=world.organization.id, action_id=action.id, digest=action.digest,
        arguments={"text": "snow", "about": ""}, signed_in_at=datetime.now(UTC),
    )  # fmt: skip
    approved(world, waiting(run), by="reviewer2")
    sign_permits()
    execute_permitted()
    advance_runs()
    (step,) = steps_told(script)
    assert (step["arguments"]["text"], step["changed by a person"], step["status"]) == ("snow", "text", "done")


def test_a_step_that_nobody_touched_says_nothing_of_it(world: World, script: Script) -> None:
    run = begun(world, script, said(note("rain")), said(finish()))
    approved(world, waiting(run))
    sign_permits()
    execute_permitted()
    advance_runs()
    assert "changed by a person" not in steps_told(script)[0]


def test_a_person_who_chooses_another_tool_is_heard(world: World, script: Script) -> None:
    other = {"candidate": "send_message", "why_not": "They asked for a note."}
    chosen = json.dumps({"reasoning": "r", "considered": [other], "next": note("rain")})
    run = begun(world, script, said(note(), text=chosen), said(finish()))
    action = waiting(run)
    assert action.revisions.get().considered == [{"tool": "send_message", "why_not": "They asked for a note."}]
    type(world.tool()).objects.filter(name="send_message").update(enabled=True)
    edit(
        actor=world.reviewer, organization=world.organization.id, action_id=action.id, digest=action.digest,
        arguments={"to": "customer of order 1009", "body": "It rains."}, tool="send_message",
        signed_in_at=datetime.now(UTC),
    )  # fmt: skip
    type(world.tool()).objects.filter(name="send_message").update(enabled=False)
    changed = waiting(run)
    reject(
        actor=world.reviewer,
        organization=world.organization.id,
        action_id=changed.id,
        digest=changed.digest,
        reason="No",
    )
    advance_runs()
    (step,) = steps_told(script)
    assert (step["tool"], step["changed by a person"]) == ("send_message", "send_message in place of write_note")


def test_a_reviewers_question_and_the_initiators_answer_reach_the_model(world: World, script: Script) -> None:
    run = begun(world, script, said(note("rain")), said(note("by fax to P-7711")))
    action = waiting(run)
    who = {"organization": world.organization.id, "action_id": action.id}
    ask(actor=world.reviewer, digest=action.digest, reason="By post to X-9900?", **who)
    answer(actor=world.operator, text="No, by fax to P-7711.", **who)
    reject(actor=world.reviewer, digest=action.digest, reason="Then not so.", **who)
    advance_runs()
    told = "\n".join(message["content"] for message in script.asked[-1]["messages"])
    assert "About step 1 a reviewer asked: By post to X-9900?" in told
    assert "About step 1 the answer was: No, by fax to P-7711." in told
    second = Action.objects.get(run=run.id, step=2)
    assert sources(second)["text"] == (Source.GOAL, "an answer of operator")


def sources(action: Action) -> dict[str, tuple[Source, str]]:
    """Where the gate was told that each argument comes from."""
    facts = Facts.from_json(binding.parsed(action.revisions.get(number=1).facts))
    return {origin.path: (origin.source, origin.told) for origin in facts.provenance}


def put(thing: str) -> dict[str, Any]:
    return {"kind": "act", "tool": "put_odd", "arguments": {"thing": thing}, "confidence": 0.9}


def acting_freely(world: World, script: Script, *answers: dict[str, Any]) -> Run:
    """A run with one tool, which the dial lets act without a person: what holds it now is where its words are from."""
    reset()
    set_free(world, "put_odd")
    Tool.objects.exclude(name="put_odd").update(enabled=False)
    left = iter(answers)
    script.say = lambda _: (200, next(left))
    run: Run = world.run("Put a teacup away")
    advance_runs()
    return fresh(run)


def objections(action: Action) -> list[tuple[str, str]]:
    """What kept an action from leaving by itself."""
    found = json.loads(action.revisions.get(number=action.revision).ruling)["findings"]
    return [(finding["check"], finding["text"]) for finding in found if finding["verdict"] != "allow"]


@pytest.mark.parametrize(
    ("thing", "status", "why"),
    [
        ("teacup", "permitted", []),
        ("DE-5520", "in_review", [("provenance", "Nobody knows where thing comes from (the agent’s own words).")]),
    ],
)
def test_t103_a_free_tool_is_held_for_what_nobody_has_said(
    world: World, script: Script, thing: str, status: str, why: list[tuple[str, str]]
) -> None:
    run = acting_freely(world, script, said(put(thing)))
    action = Action.objects.get(run=run.id)
    assert (action.status, objections(action)) == (status, why)


@pytest.mark.parametrize("trusted", [True, False])
def test_t103_what_only_a_tools_answer_says_counts_as_much_as_that_tools_word(
    world: World, script: Script, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    run = acting_freely(world, script, said(put("teacup")))
    sign_permits()
    execute_permitted()
    receipt = str(binding.parsed(Execution.objects.get(action__in=Action.objects.of_run(run.id)).result)["receipt"])
    script.say = lambda _: (200, said(put(receipt)))
    seen, talk = context.steps(run.id)
    believed = tuple(replace(step, trusted=trusted) for step in seen)
    monkeypatch.setattr(context, "steps", lambda _run, **_asked: (believed, talk))
    advance_runs()
    second = Action.objects.get(run=run.id, step=2)
    told = "thing comes from text that came from outside (step 1, put_odd)."
    held = ("in_review", [("provenance", told)])
    assert (second.status, objections(second)) == (("permitted", []) if trusted else held)
