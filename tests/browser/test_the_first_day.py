"""What somebody sees who has just started the demo: work that waits, and work that has been done."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import faults_everywhere
from tests.support.up import Up, until


@pytest.fixture(scope="module")
def product() -> Iterator[Up]:
    """The demo as a visitor starts it."""
    with Up(LAM_DEMO="day") as up:
        until(lambda: "\nday: " in up.said, 120, "the day is over")
        yield up


def test_seven_requests_wait_and_one_outcome_is_unknown(sign_in: Callable[..., Page]) -> None:
    reviewer = sign_in("reviewer")
    reviewer.goto("/")
    expect(reviewer.locator(".row")).to_have_count(7)
    reviewer.locator(".row", has_text="Refund order 1013").click()
    expect(reviewer.get_by_role("button", name="Approve refund of order 1013")).to_be_visible()
    assert faults_everywhere(reviewer, "day-inbox") == []
    reviewer.locator(".row", has_text="Delete user U-12").click()
    expect(reviewer.get_by_role("button", name=re.compile("^Approve deleting U-12"))).to_be_visible()
    reviewer.get_by_role("link", name=re.compile("^Unknown outcome")).first.click()
    reviewer.locator(".row", has_text="Reply to ticket T-301").click()
    expect(reviewer.locator("#card-outcome")).to_contain_text("No answer")
    expect(reviewer.locator("#card-votes")).to_contain_text("in the name of reviewer")
    assert faults_everywhere(reviewer, "day-unknown") == []


def test_the_runs_of_the_day_stand_where_they_ended(sign_in: Callable[..., Page]) -> None:
    operator = sign_in("operator")
    operator.goto("/runs/")
    expect(operator.locator("main")).to_contain_text("Show me order 1009")
    assert faults_everywhere(operator, "day-runs") == []
    operator.get_by_role("link", name=re.compile("Book a flight for Priya")).click()
    expect(operator.locator(".run-state")).to_contain_text("Undone")
    expect(operator.locator(".step")).to_have_count(3)
    expect(operator.locator("#step-3")).to_contain_text("Takes step 1 back")
    assert faults_everywhere(operator, "day-run") == []
