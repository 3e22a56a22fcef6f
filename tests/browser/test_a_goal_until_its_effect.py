"""What a person can do on the first day: a goal is given, somebody else approves, the effect is there once."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, give_goal, picture

GOAL = "Tell the customer of order 1009 that it is delayed until Friday"


def test_a_goal_is_approved_by_somebody_else_and_takes_effect_once(sign_in: Callable[..., Page]) -> None:
    operator, reviewer = sign_in("operator"), sign_in("reviewer")
    picture(reviewer, "inbox-empty")
    run = give_goal(operator, GOAL)
    expect(operator.locator(".run-state")).to_contain_text("Waits for somebody else")

    operator.locator(".step a").click()
    expect(operator.locator("#decide")).to_contain_text("Yours: someone else must decide")
    expect(operator.get_by_role("button", name=re.compile("^Approve"))).to_have_count(0)

    reviewer.goto("/")
    reviewer.locator(".row", has_text="1009").last.click()
    expect(reviewer.locator("#sentence")).to_have_text("Send a message to customer of order 1009")
    expect(reviewer.locator(".args")).to_contain_text("Friday")
    expect(reviewer.locator("#evidence")).to_contain_text(GOAL)
    reviewer.get_by_role("button", name="Approve message to customer of order 1009").click()
    expect(reviewer.locator("#card-status")).to_have_text("Done")
    expect(reviewer.locator(".stage")).to_have_count(4)
    expect(reviewer.locator("#card-story")).to_contain_text("Permit signed")
    picture(reviewer, "action-done")

    reviewer.goto("/tools/outbox/")
    sent = reviewer.locator("tr[data-message]", has_text="1009")
    expect(sent).to_have_count(1)
    expect(sent).to_contain_text("Friday")

    operator.goto(run)
    expect(operator.locator(".run-state")).to_contain_text("Succeeded")
    report = operator.locator("section", has=operator.get_by_role("heading", name="Report"))
    expect(report).to_contain_text("Send a message to customer of order 1009")
    expect(report).to_contain_text("Unverified")
    picture(operator, "run-succeeded", whole=True)

    auditor = sign_in("auditor")
    auditor.goto("/audit/?verb=approve")
    expect(auditor.locator("tbody tr").first).to_contain_text("reviewer")


def test_a_rejected_request_is_told_to_the_agent_and_nothing_is_sent(sign_in: Callable[..., Page]) -> None:
    operator, reviewer = sign_in("operator"), sign_in("reviewer")
    run = give_goal(operator, "Tell the customer of order 1010 that it is delayed until Monday")
    reviewer.goto("/")
    reviewer.locator(".row", has_text="1010").click()
    expect(reviewer.locator("#sentence")).to_contain_text("1010")
    reviewer.get_by_role("button", name="Reject…").click()
    picture(reviewer, "reject")
    reviewer.get_by_label("Reason").fill("The customer asked not to be written to.")
    reviewer.get_by_role("button", name="Reject and tell the agent").click()
    expect(reviewer.locator("#card-status")).to_have_text("Rejected")
    expect(reviewer.locator("#card-votes")).to_contain_text("asked not to be written to")
    reviewer.goto("/tools/outbox/")
    expect(reviewer.locator("tr[data-message]", has_text="1010")).to_have_count(0)
    operator.goto(run)
    expect(operator.locator(".step").first).to_contain_text("Rejected")


def test_the_same_journey_on_a_phone(sign_in: Callable[..., Page]) -> None:
    operator, reviewer = sign_in("operator", size=PHONE), sign_in("reviewer2", size=PHONE)
    give_goal(operator, "Tell the customer of order 1011 that it is delayed until Tuesday")
    reviewer.goto("/")
    reviewer.locator(".row", has_text="1011").click()
    expect(reviewer.locator("#sentence")).to_be_visible()
    expect(reviewer.locator(".pane-list")).to_be_hidden()
    reviewer.get_by_role("button", name=re.compile("^Approve")).click()
    expect(reviewer.locator("#card-status")).to_have_text("Done")
