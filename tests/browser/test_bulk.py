"""Several calls that are alike in a browser: from the inbox by key, ticked with the space bar, sent with one press."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from approvals.models import Decision
from tests.browser.conftest import PHONE, SIZES, faults_everywhere
from tests.support.bulk_tools import reserving, several
from tests.support.typist import unseen
from tests.support.up import until
from tests.support.voting import status
from tests.support.world import World, approved

ALL_SIZES = tuple(SIZES)
AtDesk = Callable[..., Page]


def opened(page: Page) -> Page:
    """The inbox, with its scripts running."""
    page.goto("/")
    page.locator("#sentence").wait_for()
    page.locator("[aria-keyshortcuts=r]").first.wait_for(state="attached")
    return page


def reads(page: Page) -> None:
    """Look at the table until all that is ticked has been on the screen: the key that sends brings the rest there."""
    for _ in range(60):
        until(lambda: not (unseen(page) or {}).get("fresh"), 20, "it has stood there for a moment")
        if unseen(page) is None:
            return
        page.keyboard.press("Control+Enter")
    raise AssertionError("the table has no end")


def test_a_bulk_decision_with_one_row_lost_to_another_reviewer(world: World, at_desk: AtDesk) -> None:
    actions = several(world, 2)
    odd = reserving(world, "zoe", 400)
    actions += [reserving(world, name) for name in ("ira", "max", "lea", "tom", "una")]
    page = opened(at_desk("reviewer"))
    expect(page.locator(".row-alike").first).to_contain_text("8 like this")
    assert faults_everywhere(page, "inbox-alike", sizes=ALL_SIZES) == []
    page.keyboard.press("b")
    page.wait_for_url("**/bulk/*/")
    expect(page.locator("h1")).to_have_text("8 calls of “Reserve stock”")
    expect(page.locator("[data-row]:checked")).to_have_count(7)
    expect(page.locator(f"tr:has([name='row:{odd.pk}'])")).to_contain_text("times the middle of these")
    assert faults_everywhere(page, "bulk", sizes=ALL_SIZES) == []

    page.keyboard.press("j")
    expect(page.locator("[data-row]").first).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("#bulk-count")).to_have_text("6 of 8 ticked.")
    page.keyboard.press("Space")
    expect(page.locator("#bulk-count")).to_have_text("7 of 8 ticked.")

    lost = actions[3]
    approved(world, lost, by="reviewer2")
    reads(page)
    page.keyboard.press("Control+Enter")
    expect(page.locator("h1")).to_have_text("Approved: 6 of 7")
    expect(page.locator("tr[data-outcome=lost]")).to_contain_text("reviewer2 approved it first.")
    assert faults_everywhere(page, "bulk-done", sizes=ALL_SIZES) == []
    assert Decision.objects.filter(decider=world.reviewer).count() == 6
    assert {status(action) for action in actions} == {"permitted"}
    assert status(odd) == "in_review"


def test_a_key_sends_no_row_that_has_not_been_on_the_screen(world: World, at_desk: AtDesk) -> None:
    several(world, 40)
    page = at_desk("reviewer", size={"width": 1280, "height": 500})
    opened(page)
    page.keyboard.press("b")
    page.locator("#bulk-form").wait_for()
    until(lambda: not (unseen(page) or {}).get("fresh"), 20, "it has stood there for a moment")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#said")).to_contain_text("had not been on the screen")
    assert Decision.objects.count() == 0


def test_all_that_is_ticked_is_rejected_with_a_reason_by_keyboard(world: World, at_desk: AtDesk) -> None:
    actions = several(world, 3)
    page = opened(at_desk("reviewer"))
    page.keyboard.press("b")
    page.locator("#bulk-form").wait_for()
    page.keyboard.press("r")
    expect(page.locator("#bulk-reject")).to_be_visible()
    assert faults_everywhere(page, "bulk-reject") == []
    page.keyboard.press("Control+Enter")  # without a reason: the table comes back and says so
    expect(page.get_by_role("alert")).to_contain_text("pick a reason")
    page.locator("[aria-keyshortcuts=r]").first.wait_for(state="attached")
    assert Decision.objects.count() == 0
    page.keyboard.press("r")
    page.keyboard.press("5")
    expect(page.locator("#bulk-reject input[type=radio]").nth(4)).to_be_checked()
    page.keyboard.press("Control+Enter")
    expect(page.locator("h1")).to_have_text("Rejected: 3 of 3")
    assert {status(action) for action in actions} == {"rejected"}


def test_without_scripts_and_on_a_phone_it_is_a_form_like_any_other(world: World, at_desk: AtDesk) -> None:
    actions = several(world, 3)
    page = at_desk("reviewer", size=PHONE, java_script_enabled=False)
    page.goto("/")
    page.locator(".row-alike").first.click()
    page.locator("[data-row]").first.uncheck()
    page.get_by_role("button", name="Approve the ticked calls").click()
    expect(page.locator("h1")).to_have_text("Approved: 2 of 2")
    assert sorted(status(action) for action in actions) == ["in_review", "permitted", "permitted"]


def test_b_says_so_where_nothing_is_alike(world: World, at_desk: AtDesk) -> None:
    world.staged()
    page = opened(at_desk("reviewer"))
    page.keyboard.press("b")
    expect(page.locator("#said")).to_contain_text("Nothing that waits here is like this one")
