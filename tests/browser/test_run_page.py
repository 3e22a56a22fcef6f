"""The page of a run in a browser: its plan, a reviewer's question, the agent's own, the goal corrected, the list."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from approvals.models import Action, Remark
from approvals.services.ask import ask
from approvals.tasks import execute_permitted, sign_permits
from lam_app.models import Run
from lam_app.tasks import advance_runs
from tests.browser.conftest import faults_everywhere
from tests.support.model import Script, finish, said, script  # noqa: F401 - a fixture
from tests.support.world import World, approved
from tools.models import Tool

pytestmark = pytest.mark.usefixtures("world")
AtDesk = Callable[..., Page]
GOAL = "Tell the customer of order 1009 that it is delayed until Friday, and keep a note of it"
TELL = {
    "kind": "act",
    "tool": "send_message",
    "arguments": {"to": "customer of order 1009", "subject": None, "body": "Your order 1009 is delayed until Friday."},
    "confidence": 0.9,
}
KEEP = {
    "kind": "act",
    "tool": "write_note",
    "arguments": {"text": "Order 1009 is delayed until Friday.", "about": "order 1009"},
    "confidence": 0.9,
}


def step(tool: str, does: str, after: list[int], **known: str) -> dict[str, Any]:
    arguments = [{"name": name, "value": value} for name, value in known.items()]
    return {"tool": tool, "does": does, "arguments": arguments, "after": after}


def planned(following: Any, *steps: dict[str, Any], goal: str = "Tell the customer, then note it") -> dict[str, Any]:
    plan = {"goal": goal, "steps": list(steps), "missing": ["why it is delayed"]}
    content = json.dumps({"reasoning": "r", "plan": plan, "considered": [], "next": following})
    return said(following, text=content)


PLAN = (
    step("send_message", "say that it is late", [], to="customer of order 1009"),
    step("write_note", "keep what was said", [1], about="order 1009"),
    step("write_note", "keep when it will come", [1], about="order 1009"),
)


def begun(world: World, model: Script, *answers: dict[str, Any]) -> Run:
    """A run of which the model has said its first word; it says the others when it is asked."""
    Tool.objects.exclude(name__in=["send_message", "write_note"]).update(enabled=False)
    left = iter(answers)
    model.say = lambda _: (200, next(left))
    run: Run = world.run(GOAL)
    advance_runs()
    return run


def carried_out(world: World, run: Run) -> None:
    approved(world, Action.objects.get(run=run.id, status="in_review"))
    sign_permits()
    execute_permitted()
    advance_runs()


def test_a_run_from_its_plan_to_its_report(world: World, script: Script, at_desk: AtDesk) -> None:  # noqa: F811
    run = begun(world, script, planned(TELL, *PLAN), said(KEEP), said(finish("I told them.")))
    page = at_desk("operator")
    page.goto(f"/runs/{run.id}/")
    expect(page.get_by_role("img", name="Plan: 1")).to_be_visible()
    expect(page.locator(".node[data-current]")).to_contain_text("In review")
    page.locator("#h-plan").locator("xpath=../..").get_by_text("How the agent reads the goal").click()
    expect(page.get_by_text("It says that it does not know: why it is delayed.")).to_be_visible()
    assert faults_everywhere(page, "run-plan") == []
    carried_out(world, run)
    expect(page.locator(".node[data-current]")).to_contain_text("2 Write note")
    carried_out(world, run)
    expect(page.locator(".run-state")).to_contain_text("Succeeded")
    expect(page.locator("#h-report")).to_have_text("Report")
    expect(page.locator(".node").nth(2)).to_contain_text("Not taken")
    assert faults_everywhere(page, "run-ended") == []


def test_a_reviewers_question_is_answered_where_the_initiator_looks(
    world: World,
    script: Script,  # noqa: F811
    at_desk: AtDesk,
) -> None:
    run = begun(world, script, planned(TELL, *PLAN))
    action = Action.objects.get(run=run.id)
    ask(
        actor=world.reviewer, organization=world.organization.id, action_id=action.id, digest=action.digest,
        reason="Do they know the reason?",
    )  # fmt: skip
    page = at_desk("operator")
    page.goto("/runs/")
    expect(page.get_by_text("a reviewer asks you something")).to_be_visible()
    assert faults_everywhere(page, "runs-asked") == []
    page.get_by_role("link", name=GOAL).click()
    asked = page.get_by_role("region", name="A reviewer asks about step 1")
    expect(asked).to_contain_text("Do they know the reason?")
    assert faults_everywhere(page, "run-asked") == []
    asked.get_by_label("Your answer").fill("Yes, I wrote to them.")
    asked.get_by_role("button", name="Send the answer").click()
    expect(asked).to_have_count(0)
    assert Remark.objects.get(kind="answer").text == "Yes, I wrote to them."
    action.refresh_from_db()
    assert action.status == "in_review"


def test_the_goal_is_corrected_by_keyboard_alone(world: World, script: Script, at_desk: AtDesk) -> None:  # noqa: F811
    again = planned(TELL, *PLAN, goal="Tell the customer of order 1010")
    run = begun(world, script, planned(TELL, *PLAN), again)
    page = at_desk("operator")
    page.goto(f"/runs/{run.id}/")
    page.get_by_role("button", name="Correct the goal…").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="How was it meant?")
    expect(dialog).to_be_visible()
    assert faults_everywhere(page, "run-correct") == []
    dialog.get_by_label("The goal").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("Tell the customer of order 1010, not 1009")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("That is how it was meant. The agent plans anew.")).to_be_visible()
    assert faults_everywhere(page, "run-corrected") == []
    advance_runs()
    expect(page.locator("#step-2 [data-status=in_review]")).to_be_visible()
    expect(page.locator("#step-1")).to_contain_text("Withdrawn")


def test_the_agents_own_question_is_answered(world: World, script: Script, at_desk: AtDesk) -> None:  # noqa: F811
    run = begun(world, script, planned({"kind": "ask", "question": "Which Friday?"}, *PLAN), said(TELL))
    page = at_desk("operator")
    page.goto("/runs/?state=needs")
    page.get_by_role("link", name=GOAL).click()
    expect(page.get_by_role("region", name="The agent asks")).to_contain_text("Which Friday?")
    assert faults_everywhere(page, "run-needs-input") == []
    page.get_by_label("Your answer").fill("The next one.")
    page.get_by_role("button", name="Send the answer").click()
    expect(page.locator(".run-state")).to_contain_text("Planning")
    advance_runs()
    expect(page.locator("#step-1 [data-status=in_review]")).to_be_visible()
    assert Run.objects.get(id=run.id).context["answers"][0]["answer"] == "The next one."
