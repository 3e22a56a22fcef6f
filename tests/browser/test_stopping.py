"""Stop means stop: what is covered cannot be decided, everybody sees why, and a second person lifts it."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import faults_everywhere, give_goal, picture


def test_a_stopped_tool_holds_its_requests_until_a_second_person_lifts_it(sign_in: Callable[..., Page]) -> None:
    give_goal(sign_in("operator"), "Tell the customer of order 1030 that it is delayed until Sunday")
    reviewer, second = sign_in("reviewer"), sign_in("reviewer2")
    reviewer.goto("/stop/")
    reviewer.get_by_label(re.compile("^A tool")).check()
    tools = reviewer.locator("select[name=tool]")
    tools.select_option(tools.locator("option", has_text="send_message").get_attribute("value"))
    reviewer.get_by_label(re.compile("^Why")).fill("Messages reach the wrong people.")
    reviewer.get_by_role("button", name="Stop a tool").click()
    expect(reviewer.locator(".banner")).to_contain_text("Tool send_message is stopped")
    try:
        expect(reviewer.get_by_role("button", name="Let people decide again…")).to_have_count(0)
        second.goto("/")
        second.locator(".row", has_text="1030").click()
        expect(second.locator("#decide")).to_contain_text("Held by a stop")
        expect(second.get_by_role("button", name=re.compile("^Approve"))).to_have_count(0)
        assert faults_everywhere(second) == []
        picture(second, "desk-stopped")
    finally:
        second.goto("/stop/")
        expect(second.locator(".moments")).to_contain_text("QUIET")
        picture(second, "stop-engaged", whole=True)
        assert faults_everywhere(second) == []
        second.get_by_role("button", name="Let people decide again…").click()
        assert faults_everywhere(second) == []
        second.get_by_label("Why people may go on").fill("Only one address was wrong.")
        second.get_by_role("button", name="Let people decide", exact=True).click()
        second.get_by_role("button", name="Let go…").click()
        second.get_by_label("Why it is safe again").fill("The address book is mended.")
        second.get_by_role("button", name="Let go of the stop").click()
    expect(second.locator(".banner")).to_have_count(0)
    second.goto("/")
    second.locator(".row", has_text="1030").click()
    expect(second.get_by_role("button", name=re.compile("^Approve"))).to_be_visible()
