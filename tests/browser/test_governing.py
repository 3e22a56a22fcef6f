"""An administrator in a browser: the catalogue, a tool that is made ready and turned up, the rights, the agents."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import SIZES, faults_everywhere, shows_anew
from tests.support.dialling import ready
from tests.support.world import PASSWORD, World

ALL_SIZES = tuple(SIZES)


def test_a_tool_is_turned_up_and_down_again_and_no_page_has_a_fault(world: World, at_desk: Callable[..., Page]) -> None:
    """The keyboard alone sets the dial: arrows choose, Enter sends."""
    ready(world, "lend_odd")
    admin = at_desk("administrator")
    admin.goto("/tools/?q=lend_odd")
    found = {"catalogue": faults_everywhere(admin, "catalogue", sizes=ALL_SIZES)}
    admin.get_by_role("link", name="lend_odd", exact=True).click()
    admin.get_by_role("radio", name="In the loop").focus()
    admin.keyboard.press("ArrowRight")
    expect(admin.get_by_role("radio", name="On the loop")).to_be_checked()
    admin.locator("#dial input[name=reason]").fill("A month without a fault.")
    admin.keyboard.press("Enter")
    expect(admin.locator("#dial .panel-head")).to_contain_text("On the loop, 30 s since")
    found["tool"] = faults_everywhere(admin, "tool-dial", sizes=ALL_SIZES)
    admin.get_by_role("link", name="Six questions").click()
    expect(admin.locator("h1")).to_contain_text("ready?")
    found["six questions"] = faults_everywhere(admin, "six-questions", sizes=ALL_SIZES)
    admin.goto("/tools/matrix/?q=lend_odd")
    admin.get_by_role("link", name="auditors on lend_odd: show why").click()
    expect(admin.locator("#h-why")).to_have_text("Who may do what with lend_odd, and why")
    found["permissions"] = faults_everywhere(admin, "permissions", sizes=ALL_SIZES)
    admin.goto("/settings/agents/")
    admin.get_by_role("link", name="planner").click()
    found["agents"] = faults_everywhere(admin, "agents", sizes=ALL_SIZES)
    assert {title: fault for title, fault in found.items() if fault} == {}


def test_raising_a_risky_tool_waits_and_the_second_person_finds_it(world: World, at_desk: Callable[..., Page]) -> None:
    from tests.support.dialling import second_administrator

    ready(world, "pay_odd")
    world.people["second"] = second_administrator(world)
    admin, second = at_desk("administrator"), at_desk("second")
    admin.goto(f"/tools/{world.tool('pay_odd').pk}/")
    admin.get_by_role("radio", name="On the loop").check(force=True)
    admin.locator("#dial input[name=reason]").fill("Small amounts only.")
    admin.get_by_role("button", name="Set how freely it acts").click()
    expect(admin.locator("#h-waits")).to_be_visible()
    expect(admin.get_by_role("button", name="Agree")).to_have_count(0)
    second.goto("/tools/")
    second.get_by_role("link", name="1 change waits for a second person").click()
    assert faults_everywhere(second, "tool-changes", sizes=ALL_SIZES) == []
    second.get_by_role("link", name="Look and answer pay_odd").click()
    for asked in (True, False):
        second.get_by_label("What you say to it").fill("I looked at its last month.")
        expect(second.get_by_text("is asked for their password first")).to_have_count(int(asked))
        second.get_by_role("button", name="Agree, and make the change").click()
        if asked:
            shows_anew(second, PASSWORD)
    expect(second.locator("#dial .panel-head")).to_contain_text("On the loop, 30 s since")
    expect(second.locator("#history")).to_contain_text("administrator, agreed to by second")
