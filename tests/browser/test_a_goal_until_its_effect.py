"""What a person can do on the first day: a goal is given, somebody else approves, the effect is there once.

Whether it is there is asked of the demo's back office, which writes its own ledger and believes nobody.
"""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, faults_everywhere, give_goal, picture, says_yes
from tests.support.up import Up

GOAL = "Tell the customer of order 1009 that it is delayed until Friday"
TWO_PARTS = "Refund order 1009, the kettle arrived broken, and tell the customer"


def messages(product: Up, order: str) -> list[str]:
    """What the customer of this order was really sent."""
    lines = product.office.ledger(operation="send_message")
    return [line["arguments"]["body"] for line in lines if line["applied"] and order in line["arguments"]["to"]]


def test_a_goal_is_approved_by_somebody_else_and_takes_effect_once(product: Up, sign_in: Callable[..., Page]) -> None:
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
    asked = reviewer.locator("#approve-dialog")
    expect(asked).to_contain_text("This cannot be taken back")
    assert messages(product, "1009") == []
    asked.get_by_role("button", name="Approve message to customer of order 1009").click()
    expect(reviewer.locator("#card-status")).to_have_text("Done")
    expect(reviewer.locator(".stage")).to_have_count(4)
    expect(reviewer.locator("#card-story")).to_contain_text("Permit signed")
    picture(reviewer, "action-done")

    assert messages(product, "1009").count("Your order 1009 is delayed until Friday.") == 1

    operator.goto(run)
    expect(operator.locator(".run-state")).to_contain_text("Succeeded")
    report = operator.locator("section", has=operator.get_by_role("heading", name="Report"))
    expect(report).to_contain_text("Send a message to customer of order 1009")
    expect(report).to_contain_text("Unverified")
    picture(operator, "run-succeeded", whole=True)

    auditor = sign_in("auditor")
    auditor.goto("/audit/?verb=approve")
    expect(auditor.locator("tbody tr").first).to_contain_text("reviewer")


def test_a_goal_of_two_parts_waits_twice_and_both_effects_are_in_the_office(
    product: Up, sign_in: Callable[..., Page]
) -> None:
    operator, reviewer = sign_in("operator"), sign_in("reviewer")
    run = give_goal(operator, TWO_PARTS)
    reviewer.goto("/")
    reviewer.locator(".row", has_text="Refund order 1009").click()
    expect(reviewer.locator("#sentence")).to_have_text("Refund order 1009: The kettle arrived broken.")
    assert faults_everywhere(reviewer, "refund") == []
    assert product.office.effects("create_refund") == 0
    expect(reviewer.locator("#decide [data-key=approve]")).to_contain_text("Approve refund of order 1009")
    says_yes(reviewer)
    expect(reviewer.locator("#card-status")).to_have_text("Done")
    operator.locator(".step [data-status=in_review]").first.wait_for()
    reviewer.goto("/")
    reviewer.locator(".row", has_text="Send a message to customer of order 1009").click()
    expect(reviewer.locator(".args")).to_contain_text("has been refunded")
    says_yes(reviewer)
    expect(reviewer.locator("#card-status")).to_have_text("Done")

    operator.goto(run)
    expect(operator.locator(".run-state")).to_contain_text("Succeeded")
    assert faults_everywhere(operator, "run-two-parts") == []
    (refund,) = product.office.ledger(operation="create_refund")
    assert refund["applied"]
    assert refund["arguments"] == {"order_id": 1009, "reason": "The kettle arrived broken."}
    assert messages(product, "1009").count("Your order 1009 has been refunded, as the kettle arrived broken.") == 1
    operator.goto(product.office.url)
    expect(operator.locator("tr[data-operation=create_refund]")).to_contain_text("1009")
    assert faults_everywhere(operator, "office") == []


def test_a_rejected_request_is_told_to_the_agent_and_nothing_is_sent(product: Up, sign_in: Callable[..., Page]) -> None:
    operator, reviewer = sign_in("operator"), sign_in("reviewer")
    run = give_goal(operator, "Tell the customer of order 1010 that it is delayed until Monday")
    reviewer.goto("/")
    reviewer.locator(".row", has_text="1010").click()
    expect(reviewer.locator("#sentence")).to_contain_text("1010")
    reviewer.get_by_role("button", name="Reject…").click()
    picture(reviewer, "reject")
    reviewer.get_by_role("radio", name="Not allowed").check()
    reviewer.locator("#reject-dialog").get_by_label("Tell the agent").fill("The customer asked not to be written to.")
    reviewer.get_by_role("button", name="Reject and tell the agent").click()
    expect(reviewer.locator("#card-status")).to_have_text("Rejected")
    expect(reviewer.locator("#card-votes")).to_contain_text("asked not to be written to")
    assert messages(product, "1010") == []
    operator.goto(run)
    expect(operator.locator(".step").first).to_contain_text("Rejected")


def test_the_same_journey_on_a_phone(product: Up, sign_in: Callable[..., Page]) -> None:
    operator, reviewer = sign_in("operator", size=PHONE), sign_in("reviewer2", size=PHONE)
    give_goal(operator, "Tell the customer of order 1011 that it is delayed until Tuesday")
    reviewer.goto("/")
    reviewer.locator(".row", has_text="1011").click()
    expect(reviewer.locator("#sentence")).to_be_visible()
    expect(reviewer.locator(".pane-list")).to_be_hidden()
    says_yes(reviewer)
    expect(reviewer.locator("#card-status")).to_have_text("Done")
    assert messages(product, "1011") == ["Your order 1011 is delayed until Tuesday."]
