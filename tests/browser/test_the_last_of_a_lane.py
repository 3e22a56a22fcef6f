"""Who decides the last request of a lane by key is told so, stays in the lane, and is shown where more waits."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import faults_everywhere
from tests.support.desking import leaving
from tests.support.voting import status
from tests.support.world import World

AtDesk = Callable[..., Page]


def opened(page: Page, address: str) -> Page:
    """This page of the inbox, with its scripts running."""
    page.goto(address)
    page.locator("#sentence").wait_for()
    page.locator("[aria-keyshortcuts=r]").first.wait_for(state="attached")
    return page


def says_no(page: Page, dialog: str) -> None:
    """By key, with the first reason."""
    page.keyboard.press("r")
    expect(page.locator(dialog)).to_be_visible()
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")


def test_the_last_that_leaves_is_objected_to_and_the_lane_stays(world: World, at_desk: AtDesk) -> None:
    world.staged()
    action = leaving(world)
    page = opened(at_desk("reviewer"), "/?lane=soon")
    says_no(page, "#veto-dialog")
    expect(page.locator("#lane-told")).to_contain_text("Objected: Put cup")
    expect(page.get_by_role("heading", name="Nothing leaves soon")).to_be_visible()
    page.wait_for_url("**/?lane=soon")
    onward = page.get_by_role("link", name="Go on with “Inbox” (1)")
    expect(onward).to_be_focused()
    assert status(action) == "rejected"
    assert faults_everywhere(page, "lane-over") == []
    onward.press("Enter")
    expect(page.locator("#queue .row")).to_have_count(1)


def test_what_was_decided_last_can_be_looked_at_with_u(world: World, at_desk: AtDesk) -> None:
    action = world.staged()
    page = opened(at_desk("reviewer"), "/")
    says_no(page, "#reject-dialog")
    expect(page.locator("#lane-told")).to_contain_text("Rejected: ")
    expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    page.keyboard.press("u")
    page.wait_for_url(f"**/actions/{action.pk}/")


def test_what_arrived_meanwhile_is_in_the_list_that_comes_instead(world: World, at_desk: AtDesk) -> None:
    world.staged("put_odd", {"thing": "a chair"})
    page = opened(at_desk("reviewer"), "/?risk=medium")
    later = world.staged("put_odd", {"thing": "a table"})
    says_no(page, "#reject-dialog")
    expect(page.locator(f"#queue [data-action='{later.pk}']")).to_be_visible()
    expect(page.locator("#toast")).to_contain_text("Rejected: Put a chair")
    page.wait_for_url("**/?risk=medium")


def test_one_line_says_what_was_decided_and_the_card_says_what_comes_next(world: World, at_desk: AtDesk) -> None:
    world.staged("put_odd", {"thing": "a chair"})
    second = world.staged("put_odd", {"thing": "a table"})
    page = opened(at_desk("reviewer"), "/")
    says_no(page, "#reject-dialog")
    expect(page.locator("#card")).to_have_attribute("data-action", str(second.pk))
    expect(page.locator("#toast")).to_contain_text("Rejected: Put a chair")
    expect(page.locator("#said")).to_be_hidden()
    expect(page.locator("#sentence")).to_be_focused()
