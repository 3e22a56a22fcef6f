"""A run is taken back: the plan before anybody asks, the compensation through the same gate, and what then stands."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from sandbox.demo import SAGA
from tests.browser.conftest import faults_everywhere, give_goal, says_yes
from tests.support.up import Up


def decided(reviewer: Page, summary: str, *, ends: str) -> None:
    """Approve what waits under this summary, and wait until it has ended so."""
    reviewer.goto("/")
    reviewer.locator(".row", has_text=summary).first.click()
    expect(reviewer.locator("#sentence")).to_contain_text(summary)
    says_yes(reviewer)
    expect(reviewer.locator("#card-status")).to_have_text(ends)


def half_done(operator: Page, reviewer: Page, goal: str) -> str:
    """A run whose flight is booked and whose hotel is full; the address of its page."""
    run = give_goal(operator, goal)
    decided(reviewer, "Book a flight to Lisbon", ends="Done")
    operator.locator("#step-2 [data-status=in_review]").wait_for()
    decided(reviewer, "Book a hotel in Lisbon", ends="Failed")
    expect(operator.locator(".run-state")).to_contain_text("Needs a person")
    return run


def asked_for(operator: Page, reason: str) -> None:
    """Open the plan and ask for it; the run's page says that it is under way."""
    operator.get_by_role("link", name="Undo…", exact=True).click()
    operator.get_by_label("Why").fill(reason)
    operator.get_by_role("button", name="Ask to undo the one step").click()
    expect(operator.locator(".run-state")).to_contain_text("Undoing")
    operator.locator("#step-3 [data-status=in_review]").wait_for()


def test_a_half_done_run_is_taken_back_through_the_gate_and_once(product: Up, sign_in: Callable[..., Page]) -> None:
    product.office.reset()
    operator, reviewer = sign_in("operator"), sign_in("reviewer")
    half_done(operator, reviewer, SAGA)
    booked = product.office.effects("book_flight")
    assert (booked, product.office.effects("cancel_flight")) == (1, 0)

    operator.get_by_role("link", name="Undo…", exact=True).click()
    plan = operator.get_by_role("region", name="What would be taken back")
    expect(plan.locator(".step")).to_have_count(1)
    expect(plan).to_contain_text("Cancel flight booking")
    expect(plan).to_contain_text("Step 1: Book a flight to Lisbon")
    expect(operator.locator("main")).to_contain_text("You cannot approve it yourself")
    assert faults_everywhere(operator, "undo") == []
    operator.go_back()
    asked_for(operator, "The trip makes no sense without a room.")
    expect(operator.locator("#step-3")).to_contain_text("Takes step 1 back")
    expect(operator.locator("#step-1")).to_contain_text("Step 3 is to take it back")
    assert product.office.effects("cancel_flight") == 0  # asked for is not done: it waits for a person
    assert faults_everywhere(operator) == []

    reviewer.goto("/")
    reviewer.locator(".row", has_text="Cancel flight booking").first.click()
    expect(reviewer.locator(".card-top")).to_contain_text("Takes back step 1: Book a flight to Lisbon")
    expect(reviewer.locator(".card-top")).to_contain_text("Cannot be undone")
    reviewer.locator("#claim summary").click()
    expect(reviewer.locator("#claim-body")).to_contain_text("The trip makes no sense without a room.")
    assert faults_everywhere(reviewer) == []
    decided(reviewer, "Cancel flight booking", ends="Done")

    expect(operator.locator(".run-state")).to_contain_text("Undone")
    expect(operator.locator("#step-1 [data-status=undone]")).to_be_visible()
    expect(operator.locator("#step-1")).to_contain_text("Taken back by step 3")
    expect(operator.locator("main")).to_contain_text("Everything that it changed has been taken back")
    expect(operator.get_by_role("link", name="Undo…", exact=True)).to_have_count(0)
    assert faults_everywhere(operator, "run-undone") == []
    assert product.office.effects("cancel_flight") == 1
    operator.locator("#step-1 .list-title").click()
    expect(operator.locator("#decide")).to_contain_text("Step 3 took it back")
    assert faults_everywhere(operator, "card-undone") == []


def test_an_inverse_that_fails_leaves_a_person_what_is_done_and_what_is_not(
    product: Up, sign_in: Callable[..., Page]
) -> None:
    product.office.reset()
    operator, reviewer = sign_in("operator"), sign_in("reviewer")
    half_done(operator, reviewer, SAGA.replace("Priya Raman", "Ines Duarte"))
    asked_for(operator, "There is no room.")
    product.office.fault("cancel_flight", "redirect")  # it is sent elsewhere, and nothing was done
    decided(reviewer, "Cancel flight booking", ends="Failed")

    expect(operator.locator(".run-state")).to_contain_text("Needs a person")
    expect(operator.locator("h2", has_text="The undoing stopped and needs a person")).to_be_visible()
    still = operator.locator(".note", has_text="Step 1 still stands")
    expect(still).to_contain_text("its undoing (step 3, cancel_flight) failed")
    expect(operator.locator("#step-1 [data-status=done]")).to_be_visible()
    expect(operator.locator("#step-3 [data-status=failed]")).to_be_visible()
    expect(operator.get_by_role("link", name="Undo…", exact=True)).to_be_visible()
    assert (product.office.effects("book_flight"), product.office.effects("cancel_flight")) == (1, 0)
    assert faults_everywhere(operator) == []
