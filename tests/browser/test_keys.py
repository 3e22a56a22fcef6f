"""The desk by keyboard: what each key does, where it does nothing, and that none approves what nobody saw."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from approvals.models import Action, Decision
from tests.browser.conftest import PHONE, WIDE, faults_everywhere, picture
from tests.support.typist import unseen
from tests.support.up import until
from tests.support.world import World

LOW = {"width": 1440, "height": 420}
"""A window in which no card fits at once."""


FORTY_PRESSES = """
for (let press = 0; press < 40; press++)
  document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', bubbles: true}))
"""


def opened(page: Page, action: Action) -> None:
    """The card of this action is open, and the scripts of the page run."""
    page.goto(f"/actions/{action.pk}/")
    expect(page.locator("#card")).to_have_attribute("data-action", str(action.pk))
    expect(page.locator("#said")).to_be_hidden()
    page.locator("[aria-keyshortcuts=r]").first.wait_for(state="attached")


def wait_until_read(page: Page) -> None:
    """Until the page counts what stands on it as seen."""
    until(lambda: unseen(page) is None, 20, "all of the card was seen")


def until_settled(page: Page) -> None:
    """Until whatever stands on the screen has stood there long enough: what is missing still is out of sight."""
    until(lambda: not (unseen(page) or {}).get("fresh"), 20, "the card has stood there for a moment")


def decisions(action: Action) -> list[str]:
    """What people have said of it so far."""
    return list(Decision.objects.filter(action=action).values_list("verb", flat=True))


def long_one(world: World) -> Action:
    """An action whose card is longer than any window."""
    return world.staged(arguments={"to": "customer of order 1009", "body": "All is well. " * 29})


def test_no_key_approves_what_has_not_been_on_the_screen(world: World, at_desk: Callable[..., Page]) -> None:
    action = long_one(world)
    page = at_desk("reviewer", size=LOW)
    opened(page, action)
    until_settled(page)
    page.keyboard.press("a")
    expect(page.locator("#said")).to_contain_text("had not been on the screen")
    assert decisions(action) == []
    page.evaluate(FORTY_PRESSES)  # what was brought there has to stand there for a moment before it counts
    assert decisions(action) == []
    assert page.evaluate("document.querySelector('#card').scrollTop") > 0


def test_reading_to_the_end_lets_the_same_key_approve(world: World, at_desk: Callable[..., Page]) -> None:
    action = long_one(world)
    page = at_desk("reviewer", size=LOW)
    opened(page, action)
    for _ in range(20):
        if unseen(page) is None:
            break
        page.keyboard.press("a")
        until_settled(page)
    wait_until_read(page)
    assert decisions(action) == []
    approve(page)
    assert decisions(action) == ["approve"]


def approve(page: Page) -> None:
    """The key, and the second step where the page asks for one."""
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.url) if asked.url.endswith("/decide/") else None)
    with page.expect_response("**/decide/"):
        page.keyboard.press("a")
        page.locator("#said").or_(page.locator("#toast [data-told]")).first.wait_for(state="attached")
        if not sent:
            page.keyboard.press("Control+Enter")
    page.wait_for_load_state()


def test_enter_on_the_button_itself_is_a_key_too(world: World, at_desk: Callable[..., Page]) -> None:
    action = long_one(world)
    page = at_desk("reviewer", size=LOW)
    opened(page, action)
    until_settled(page)
    page.locator("#decide [aria-keyshortcuts=a]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("had not been on the screen")
    assert decisions(action) == []


def test_what_is_folded_is_not_seen_before_it_is_opened(world: World, at_desk: Callable[..., Page]) -> None:
    action = world.staged(arguments={"to": "customer of order 1009", "body": "All is well. " * 60})
    page = at_desk("reviewer")
    opened(page, action)
    expect(page.locator("#card details.fold")).to_have_count(1)
    for _ in range(6):
        page.keyboard.press("a")
        until_settled(page)
    page.keyboard.press("a")
    expect(page.locator("#said")).to_contain_text("is folded")
    assert decisions(action) == []
    page.keyboard.press("Enter")
    expect(page.locator("#card details.fold")).to_have_attribute("open", "")


@pytest.mark.parametrize("key", ["Control+a", "Alt+a", "Meta+a"])
def test_a_modifier_makes_it_another_key(world: World, at_desk: Callable[..., Page], key: str) -> None:
    action = world.staged()
    page = at_desk("reviewer")
    opened(page, action)
    wait_until_read(page)
    page.keyboard.press(key)
    expect(page.locator("#said")).to_be_hidden()
    assert decisions(action) == []


def test_nobody_who_types_presses_a_key(world: World, at_desk: Callable[..., Page]) -> None:
    action = world.staged()
    page = at_desk("reviewer")
    opened(page, action)
    wait_until_read(page)
    page.keyboard.press("r")
    field = page.locator("#reject-dialog textarea").first
    field.fill("")
    field.press_sequentially("a rather bad one? gja")
    expect(field).to_have_value("a rather bad one? gja")
    page.keyboard.press("Escape")
    expect(page.locator("#reject-dialog")).to_be_hidden()
    assert decisions(action) == []


def test_a_key_held_down_counts_once_and_half_made_characters_never(world: World, at_desk: Callable[..., Page]) -> None:
    action = world.staged()
    page = at_desk("reviewer")
    opened(page, action)
    wait_until_read(page)
    for wrong in ("repeat: true", "isComposing: true", "keyCode: 229"):
        pressed = f"new KeyboardEvent('keydown', {{key: 'r', bubbles: true, {wrong}}})"
        page.evaluate(f"document.body.dispatchEvent({pressed})")
        expect(page.locator("#reject-dialog")).to_be_hidden()
    page.evaluate("document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'r', bubbles: true}))")
    expect(page.locator("#reject-dialog")).to_be_visible()


def test_the_list_is_walked_and_a_row_opened(world: World, at_desk: Callable[..., Page]) -> None:
    for number in (1, 2, 3):
        world.staged(arguments={"to": f"customer of order {number}", "body": "It is on its way."})
    page = at_desk("reviewer")
    page.goto("/")
    page.locator("[aria-keyshortcuts=r]").first.wait_for(state="attached")
    rows = page.locator("#queue .row")
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(rows.nth(2)).to_be_focused()
    expect(page.locator("#said")).to_contain_text("last one")
    page.keyboard.press("k")
    expect(rows.nth(1)).to_be_focused()
    wanted = rows.nth(1).get_attribute("data-action")
    page.keyboard.press("Enter")
    expect(page.locator("#card")).to_have_attribute("data-action", str(wanted))


def test_no_key_decides_while_the_eye_is_on_another_row(world: World, at_desk: Callable[..., Page]) -> None:
    for number in (1, 2):
        world.staged(arguments={"to": f"customer of order {number}", "body": "It is on its way."})
    page = at_desk("reviewer")
    page.goto("/")
    page.locator("[aria-keyshortcuts=r]").first.wait_for(state="attached")
    page.keyboard.press("j")
    expect(page.locator("#queue .row").nth(1)).to_be_focused()
    page.keyboard.press("r")
    expect(page.locator("#said")).to_contain_text("Enter opens it")
    expect(page.locator("#reject-dialog")).to_be_hidden()
    page.keyboard.press("k")
    page.keyboard.press("r")
    expect(page.locator("#reject-dialog")).to_be_visible()


def test_on_a_phone_j_turns_over_the_card_itself(world: World, at_desk: Callable[..., Page]) -> None:
    for number in (1, 2):
        world.staged(arguments={"to": f"customer of order {number}", "body": "It is on its way."})
    page = at_desk("reviewer", size=PHONE)
    page.goto("/")
    page.locator("#queue .row").first.click()
    expect(page.locator("#sentence")).to_be_visible()
    first = page.locator("#card").get_attribute("data-action")
    page.keyboard.press("j")
    expect(page.locator("#card")).not_to_have_attribute("data-action", str(first))


def test_keys_can_be_turned_off_and_that_is_remembered(world: World, at_desk: Callable[..., Page]) -> None:
    action = world.staged()
    page = at_desk("reviewer")
    opened(page, action)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.get_by_role("checkbox", name="Single keys").uncheck()
    page.get_by_role("button", name="Close", exact=True).click()
    page.reload()
    page.locator("#sentence").wait_for()
    page.keyboard.press("r")
    page.keyboard.press("?")
    expect(page.locator("#reject-dialog")).to_be_hidden()
    expect(page.locator("#keys")).to_be_hidden()
    expect(page.locator("[aria-keyshortcuts]")).to_have_count(0)
    page.get_by_role("button", name="Keys").click()
    page.get_by_role("checkbox", name="Single keys").check()
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    expect(page.locator("#reject-dialog")).to_be_visible()


def test_two_keys_go_to_another_place_and_only_to_ones_own(world: World, at_desk: Callable[..., Page]) -> None:
    page = at_desk("reviewer")
    page.goto("/stop/")
    page.locator("#keys").wait_for(state="attached")
    page.keyboard.press("g")
    expect(page.locator("#said")).to_contain_text("g, then")
    page.keyboard.press("a")  # the audit log is not a reviewer's
    expect(page.locator("#said")).to_contain_text("no such place")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/runs/")
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url(lambda address: address.endswith("/"))


def test_x_leads_to_the_stop_of_this_run(world: World, at_desk: Callable[..., Page]) -> None:
    action = world.staged()
    page = at_desk("reviewer")
    opened(page, action)
    page.keyboard.press("x")
    expect(page.get_by_role("radio", name="This run").first).to_be_visible()
    expect(page.get_by_role("radio", name="This run").first).to_be_checked()


def test_every_key_is_named_to_assistive_technology_and_on_wish_to_the_eye(
    world: World, at_desk: Callable[..., Page]
) -> None:
    action = world.staged()
    page = at_desk("reviewer")
    opened(page, action)
    button = page.locator("#decide [aria-keyshortcuts=a]")
    name = button.inner_text()
    shown = "getComputedStyle(document.querySelector('#decide [aria-keyshortcuts=a]'), '::after').display"
    assert page.evaluate(shown) != "inline-grid"
    page.keyboard.press("?")
    page.get_by_role("checkbox", name="Keys on the buttons").check()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_hidden()
    assert page.evaluate(shown) in {"inline-grid", "grid"}
    expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()  # the key is no part of its name
    picture(page, "keys-on-the-buttons-wide-light")


def test_the_sheet_has_no_fault(world: World, at_desk: Callable[..., Page]) -> None:
    action = world.staged()
    page = at_desk("reviewer", size=WIDE)
    opened(page, action)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    assert faults_everywhere(page, "keys", sizes=("wide", "zoomed", "phone")) == []


def test_nothing_is_sent_when_a_dialog_is_closed(world: World, at_desk: Callable[..., Page], settings: Any) -> None:
    action = world.staged()
    page = at_desk("reviewer")
    opened(page, action)
    page.keyboard.press("r")
    expect(page.locator("#reject-dialog")).to_be_visible()
    page.keyboard.press("a")  # behind a dialog no key acts
    page.keyboard.press("j")
    page.keyboard.press("Escape")
    expect(page.locator("#reject-dialog")).to_be_hidden()
    assert decisions(action) == []
    assert Action.objects.get(pk=action.pk).status == "in_review"
