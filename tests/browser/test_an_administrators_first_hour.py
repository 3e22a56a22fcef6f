"""An administrator's first hour with the dial, as a new user would spend it: set, tried, replayed, and seen to bite."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import faults_everywhere, picture
from tests.support.up import Up

WHY = "We tried it on the first day."


@pytest.fixture(scope="module")
def product() -> Iterator[Up]:
    """The demo with its back office imported, and nothing set yet; what is set here disturbs no other test."""
    with Up() as up:
        yield up


@pytest.fixture(scope="module")
def faults() -> Iterator[dict[str, list[str]]]:
    """What the pages that were walked through had wrong; empty at the end."""
    found: dict[str, list[str]] = {}
    yield found
    assert {name: fault for name, fault in found.items() if fault} == {}


def tool_page(page: Page, name: str) -> None:
    page.goto(f"/tools/?q={name}")
    page.get_by_role("link", name=name, exact=True).click()


def test_a_tool_is_made_ready_and_set_on_the_loop(sign_in: Callable[..., Page], faults: dict[str, list[str]]) -> None:
    admin = sign_in("administrator")
    tool_page(admin, "close_ticket")
    expect(admin.get_by_role("radio", name="On the loop")).to_be_disabled()
    admin.locator("#ready").get_by_role("link", name="Set a limit").click()
    admin.get_by_label("The most", exact=True).fill("20")
    admin.get_by_label("Name", exact=True).fill("tickets-a-day")
    admin.get_by_label("Why you change it").fill(WHY)
    admin.get_by_role("button", name="Put in force").click()
    expect(admin.locator("#tickets-a-day")).to_be_visible()
    tool_page(admin, "close_ticket")
    admin.locator("#ready").get_by_role("link", name="Name an owner").click()
    admin.get_by_label("Who answers for it").select_option("administrator")
    admin.locator("#set input[name=reason]").fill(WHY)
    admin.locator("#set").get_by_role("button", name="Change", exact=True).click()
    expect(admin.locator("#ready .panel-head")).to_contain_text("9 of 10")
    admin.get_by_role("radio", name="On the loop").check(force=True)
    admin.get_by_label("Veto window, seconds").fill("30")
    admin.locator("#dial input[name=reason]").fill(WHY)
    admin.get_by_role("button", name="Set how freely it acts").click()
    expect(admin.locator("#dial .panel-head")).to_contain_text("On the loop, 30 s since")
    faults["first-hour-dial"] = faults_everywhere(admin, "first-hour-dial")


def test_a_team_gets_the_right_to_review_and_the_page_says_through_which_team(
    sign_in: Callable[..., Page], faults: dict[str, list[str]]
) -> None:
    admin = sign_in("administrator")
    admin.goto("/tools/matrix/?q=create_refund")
    admin.get_by_role("link", name="auditors on create_refund: show why").click()
    admin.get_by_label("Right on create_refund").select_option("review")
    admin.get_by_label("Team or person").select_option(label="auditors")
    admin.locator("#why input[name=reason]").fill(WHY)
    admin.get_by_role("button", name="Give it").click()
    expect(admin.locator("#why")).to_contain_text("auditormember of team auditors")
    faults["first-hour-right"] = faults_everywhere(admin, "first-hour-right")


def test_a_rule_is_tried_replayed_over_the_week_and_put_in_force(
    sign_in: Callable[..., Page], faults: dict[str, list[str]]
) -> None:
    operator, admin = sign_in("operator"), sign_in("administrator")
    operator.goto("/runs/new/")
    operator.get_by_role("textbox", name="Goal").fill("Refund order 1013, the gift wrapping was forgotten")
    operator.get_by_role("button", name="Start the run").click()
    expect(operator.locator("main")).to_contain_text("Refund order 1013", timeout=60_000)
    expect(operator.locator(".step").first).to_contain_text("In review", timeout=60_000)

    admin.goto("/policy/new/?kind=rules&tool=create_refund")
    admin.get_by_label("Argument", exact=True).fill("amount")
    admin.get_by_label("compared").select_option("is more than")
    admin.get_by_label("with", exact=True).fill("200")
    admin.get_by_label("How many people").fill("2")
    admin.get_by_label("Name", exact=True).fill("big-refunds")
    admin.get_by_role("button", name="Try it first").click()
    admin.get_by_role("link", name="Try a call with it").click()
    admin.get_by_label("Tool", exact=True).select_option("create_refund")
    admin.get_by_role("button", name="Choose").click()
    admin.locator("[name='argument:order_id']").fill("1013")
    admin.locator("[name='argument:amount']").fill("250.00")
    admin.locator("[name='argument:currency']").select_option("EUR")
    admin.locator("[name='argument:reason']").fill("The gift wrapping was forgotten.")
    admin.get_by_role("button", name="Try it", exact=True).click()
    expect(admin.locator("#h-ruling")).to_have_text("It would wait for 2 people")
    expect(admin.locator("main")).to_contain_text("auditors")
    faults["first-hour-tried"] = faults_everywhere(admin, "first-hour-tried")
    admin.get_by_role("link", name="the policy that is being tried").click()
    admin.get_by_role("button", name="Replay", exact=True).click()
    expect(admin.get_by_role("heading", name="What would have been")).to_be_visible(timeout=60_000)
    faults["first-hour-replayed"] = faults_everywhere(admin, "first-hour-replayed")
    admin.get_by_label("Why").fill(WHY)
    admin.get_by_role("button", name=re.compile("Put in force as version")).click()
    expect(admin.locator("#big-refunds")).to_contain_text("2 people")


def test_what_leaves_by_itself_is_seen_leaving_and_objected_to(
    sign_in: Callable[..., Page],
) -> None:
    operator, reviewer = sign_in("operator"), sign_in("reviewer")
    operator.goto("/runs/new/")
    operator.get_by_role("textbox", name="Goal").fill("Close ticket T-302")
    operator.get_by_role("button", name="Start the run").click()
    expect(operator.locator(".step").first).to_contain_text("Scheduled", timeout=60_000)
    reviewer.goto("/?lane=soon")
    reviewer.locator(".row", has_text="Close ticket T-302").click()
    expect(reviewer.locator("#card")).to_contain_text("Scheduled")
    picture(reviewer, "first-hour-leaving-wide-light")  # nothing more: what is looked at for long has left
    reviewer.get_by_role("button", name="Object…").click()
    reviewer.locator("#veto-dialog").get_by_role("radio", name="Not needed").check()
    reviewer.get_by_role("button", name="Object and tell the agent").click()
    expect(reviewer.locator("#card")).to_contain_text("Rejected")
    expect(operator.locator(".step").first).to_contain_text("Rejected", timeout=30_000)
