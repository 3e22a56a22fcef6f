"""What a run means to do: stated with its first answer, shown, told to the model again, corrected by who asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from approvals.models import Action
from approvals.tasks import execute_permitted, sign_permits
from lam_app.correct import correct_goal
from lam_app.exceptions import NothingToCorrect, RunMovedOn, RunNotFound, TooLateToCorrect
from lam_app.loop import _take
from lam_app.models import Run, RunPlan
from lam_app.outline import outline
from lam_app.runs import cancel
from lam_app.tasks import advance_runs
from tests.support.model import Script, finish, fresh, note, only_notes, said
from tests.support.voting import signed_in
from tests.support.world import World, approved
from tools.presence import present
from traces.models import Event

STEP = {"tool": "write_note", "does": "keep it", "arguments": [{"name": "text", "value": "rain"}], "after": []}
PLAN = {"goal": "Note that it rains", "steps": [STEP, {**STEP, "after": [1]}], "missing": ["how hard"]}


def planned(following: Any, plan: Any = PLAN) -> dict[str, Any]:
    """An answer that states a plan as well."""
    content = json.dumps({"reasoning": "r", "plan": plan, "considered": [], "next": following})
    return said(following, text=content)


def prompt(script: Script, call: int) -> str:
    return "\n\n".join(message["content"] for message in script.asked[call]["messages"])


def noted(world: World, script: Script, *answers: dict[str, Any]) -> Run:
    """A run of which the model has said its first word."""
    only_notes(world)
    left = iter(answers)
    script.say = lambda _: (200, next(left))
    run: Run = world.run("Note that it rains")
    advance_runs()
    return fresh(run)


def corrected(world: World, run: Run, text: str = "Note that it snows", by: str = "operator") -> Run:
    return correct_goal(actor=world.people[by], organization=world.organization.id, run_id=run.id, text=text)


def test_the_first_answer_states_a_plan_and_the_next_call_is_told_of_it(world: World, script: Script) -> None:
    run = noted(world, script, planned(note("rain")), said(finish()))
    plan = RunPlan.objects.get(run=run)
    assert (plan.number, plan.goal, plan.author, plan.missing) == (1, "Note that it rains", None, ["how hard"])
    assert [step["after"] for step in plan.steps] == [[], [1]]
    assert "plan" in script.asked[0]["response_format"]["json_schema"]["schema"]["properties"]
    cancelled = Action.objects.get(run=run.id)
    approved(world, cancelled)
    sign_permits()
    execute_permitted()
    advance_runs()
    assert '"missing": ["how hard"]' in prompt(script, 1)
    assert "plan" not in script.asked[1]["response_format"]["json_schema"]["schema"]["properties"]
    assert fresh(run).status == "succeeded"


@pytest.mark.parametrize("plan", [None, 7, {}, {"goal": " ", "steps": []}, {"goal": [], "steps": "all"}, [PLAN]])
def test_a_model_that_cannot_plan_is_no_reason_to_stop(world: World, script: Script, plan: Any) -> None:
    run = noted(world, script, planned(note("rain"), plan))
    assert (run.status, Action.objects.get(run=run.id).tool_name) == ("waiting", "write_note")
    assert not RunPlan.objects.exists()


def test_what_does_not_fit_into_a_plan_is_left_out_of_it(world: World, script: Script) -> None:
    steps = [STEP, "?", {"does": "no tool"}, {**STEP, "after": [3, 1, True, -1]}]
    run = noted(world, script, planned(note("rain"), {"goal": "x" * 9999, "steps": steps * 20, "missing": [{}, "y"]}))
    plan = RunPlan.objects.get(run=run)
    assert (len(plan.goal), plan.missing) == (2000, ["y"])
    assert len(plan.steps) == 15
    assert plan.steps[1]["after"] == [1]


@pytest.mark.usefixtures("standin")
def test_the_model_that_ships_with_the_product_plans_each_part_of_a_goal(world: World) -> None:
    run = world.run("Tell the customer of order 1009 that it is delayed, and write a note about it")
    advance_runs()
    plan = RunPlan.objects.get(run=run)
    assert [step["tool"] for step in plan.steps] == ["send_message", "write_note"]
    assert plan.steps[1]["after"] == [1]


def test_a_plan_is_never_changed(world: World, script: Script) -> None:
    run = noted(world, script, planned(note("rain")))
    with pytest.raises(DatabaseError, match="rows are written once"), transaction.atomic():
        RunPlan.objects.filter(run=run).update(goal="another")


def test_a_corrected_goal_withdraws_what_waits_and_is_planned_anew(world: World, script: Script) -> None:
    snow = {**PLAN, "goal": "Note that it snows"}
    run = noted(world, script, planned(note("rain")), planned(note("snow"), snow))
    corrected(world, run)
    first = Action.objects.get(run=run.id)
    assert first.status == "withdrawn"
    plans = list(RunPlan.objects.filter(run=run).order_by("number"))
    assert [(plan.goal, plan.author) for plan in plans][1] == ("Note that it snows", world.operator)
    advance_runs()
    told = prompt(script, 1)
    assert "Note that it snows" in told
    assert "withdrawn because the goal was corrected" in told
    assert "plan" in script.asked[1]["response_format"]["json_schema"]["schema"]["properties"]
    assert [plan.number for plan in RunPlan.objects.filter(run=run, author=None).order_by("number")] == [1, 3]
    assert Action.objects.get(run=run.id, step=2).status == "in_review"
    assert Event.objects.filter(subject=run.id, verb="corrected").count() == 1


@pytest.mark.usefixtures("standin")
def test_the_model_that_ships_with_the_product_goes_by_the_corrected_goal(world: World) -> None:
    run = world.run()
    advance_runs()
    corrected(world, run, "Tell the customer of order 1010 that it is delayed until Monday")
    advance_runs()
    second = Action.objects.get(run=run.id, step=2)
    assert "1010" in second.summary
    assert second.status == "in_review"


def test_a_question_is_moot_once_the_goal_is_corrected(world: World, script: Script) -> None:
    asked = planned({"kind": "ask", "question": "Rain or snow?"})
    run = noted(world, script, asked, planned(note("snow")))
    assert (run.status, RunPlan.objects.count()) == ("needs_input", 1)
    assert corrected(world, run).question == ""
    advance_runs()
    assert fresh(run).status == "waiting"


def test_a_planner_at_work_on_the_old_reading_loses_its_hold(world: World, script: Script) -> None:
    run = noted(world, script, planned({"kind": "ask", "question": "?"}), planned(note("snow")))
    corrected(world, run)
    worker = present("planner").worker
    turn = _take(run.id, worker)
    assert turn is not None
    corrected(world, run, "Note that it hails")
    assert not Run.objects.filter(id=run.id, planner=worker).exists()


def test_once_something_was_changed_the_goal_stands(world: World, script: Script) -> None:
    run = noted(world, script, planned(note("rain")), said(note("again")))
    approved(world, Action.objects.get(run=run.id))
    sign_permits()
    execute_permitted()
    with pytest.raises(TooLateToCorrect):
        corrected(world, run)
    advance_runs()
    with pytest.raises(TooLateToCorrect):
        corrected(world, run)
    assert Action.objects.get(run=run.id, step=2).status == "in_review"
    assert RunPlan.objects.filter(run=run, author__isnull=False).count() == 0


def test_a_goal_that_nobody_has_read_yet_or_that_is_over_cannot_be_corrected(world: World, script: Script) -> None:
    run = noted(world, script, said(note("rain")))
    with pytest.raises(NothingToCorrect):
        corrected(world, run)
    cancel(actor=world.operator, organization=world.organization.id, run_id=run.id)
    with pytest.raises(RunMovedOn):
        corrected(world, run)


def test_only_who_asked_or_administers_says_how_a_goal_was_meant(world: World, script: Script) -> None:
    run = noted(world, script, planned(note("rain")))
    for name in ("reviewer", "auditor", "outsider"):
        with pytest.raises(RunNotFound):
            corrected(world, run, by=name)
    assert Action.objects.get(run=run.id).status == "in_review"


def test_the_page_shows_the_plan_and_offers_to_correct_it_while_that_is_possible(world: World, script: Script) -> None:
    run = noted(world, script, planned(note("rain")), said(finish()))
    page = signed_in(world, "operator").get(f"/runs/{run.id}/").content.decode()
    assert "How was it meant?" in page
    assert "0 of 2 planned steps done" in page
    assert "How was it meant?" not in signed_in(world, "reviewer").get(f"/runs/{run.id}/").content.decode()
    answer = signed_in(world, "operator").post(f"/runs/{run.id}/correct/", {"goal": "Note that it snows"})
    assert answer.status_code == 302
    page = signed_in(world, "operator").get(f"/runs/{run.id}/").content.decode()
    assert "That is how it was meant" in page


def test_the_fragment_marks_the_step_that_an_action_is(world: World, script: Script) -> None:
    run = noted(world, script, planned(note("rain")))
    shown = signed_in(world, "reviewer").get(f"/runs/{run.id}/plan/?step=1").content.decode()
    assert shown.count('aria-current="step"') == 1
    assert shown.index('aria-current="step"') < shown.index(str(Action.objects.get(run=run.id).id))
    assert signed_in(world, "reviewer").get(f"/runs/{run.id}/plan/?step=x").status_code == 400


def test_a_step_tried_again_is_the_same_planned_step_and_others_stand_beside_it(world: World) -> None:
    run = world.run()
    RunPlan.objects.create(
        organization=world.organization, run=run, number=1, goal="g", steps=[{"tool": "send_message", "does": "tell"}]
    )
    actions = [world.staged(run=run.id, step=1), world.staged("write_note", {"text": "x"}, run=run.id, step=2)]
    found = outline(run, actions)
    assert found is not None
    assert [(node.action, node.current) for node in found.nodes] == [(actions[0], True)]
    assert found.beside == 1
    actions[0].status = "rejected"
    again = world.staged(arguments={"to": "customer of order 1", "body": "b"}, run=run.id, step=3)
    found = outline(run, [*actions, again])
    assert found is not None
    assert found.nodes[0].action == again
