"""Everything that a reviewer does with a request, by the keyboard alone and by the mouse alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from approvals.models import Action, Decision, Remark
from tests.browser.conftest import PHONE
from tests.support.typist import Typist
from tests.support.up import until
from tests.support.world import World

BOTH = pytest.mark.parametrize("hand", ["keys", "mouse"])


def opened(page: Page, action: Action) -> Typist:
    """The card of this action, with its scripts running."""
    page.goto(f"/actions/{action.pk}/")
    page.locator("#sentence").wait_for()
    page.locator("[aria-keyshortcuts=r]").first.wait_for(state="attached")
    return Typist(page)


def press(page: Page, hand: str, key: str, button: Locator) -> None:
    """The same by either hand."""
    if hand == "keys":
        page.keyboard.press(key)
    else:
        button.click()


def send(page: Page, hand: str, dialog: str) -> None:
    """Send the dialog that is open."""
    expect(page.locator(dialog)).to_be_visible()
    press(page, hand, "Control+Enter", page.locator(f"{dialog} [data-key=confirm]"))


def verbs(action: Action) -> list[str]:
    """What was decided so far."""
    return list(Decision.objects.filter(action=action).values_list("verb", flat=True))


def bar(page: Page, key: str) -> Locator:
    """The button of the bar that a key stands for."""
    return page.locator(f"#decide [data-key={key}]").first


@BOTH
def test_approve_what_can_be_taken_back(world: World, at_desk: Callable[..., Page], hand: str) -> None:
    action = world.staged("put_odd", {"thing": "a chair"})
    page = at_desk("reviewer")
    typist = opened(page, action)
    typist.reads()
    press(page, hand, "a", bar(page, "approve"))
    until(lambda: verbs(action) == ["approve"], 20, "it is approved")


@BOTH
def test_approve_what_cannot_in_two_steps(world: World, at_desk: Callable[..., Page], hand: str) -> None:
    action = world.staged()
    page = at_desk("reviewer")
    typist = opened(page, action)
    typist.reads()
    press(page, hand, "a", bar(page, "approve"))
    expect(page.locator("#approve-dialog")).to_contain_text("cannot be taken back")
    assert verbs(action) == []
    send(page, hand, "#approve-dialog")
    until(lambda: verbs(action) == ["approve"], 20, "it is approved")


def test_the_second_press_of_a_counts_only_after_a_pause(world: World, at_desk: Callable[..., Page]) -> None:
    action = world.staged()
    page = at_desk("reviewer")
    typist = opened(page, action)
    typist.reads()
    press_a = "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', bubbles: true}))"
    page.evaluate(f"{press_a}; {press_a}; {press_a}")
    expect(page.locator("#approve-dialog")).to_be_visible()
    assert verbs(action) == []
    until(lambda: (page.keyboard.press("a"), verbs(action) == ["approve"])[1], 20, "a press after the pause approves")


@BOTH
def test_reject_with_a_reason(world: World, at_desk: Callable[..., Page], hand: str) -> None:
    action = world.staged()
    page = at_desk("reviewer")
    opened(page, action)
    press(page, hand, "r", bar(page, "reject"))
    press(page, hand, "2", page.locator("#reject-dialog .choice").nth(1))
    expect(page.locator("#reject-dialog input[type=radio]").nth(1)).to_be_checked()
    send(page, hand, "#reject-dialog")
    until(lambda: verbs(action) == ["reject"], 20, "it is rejected")
    assert Decision.objects.get(action=action).code == "wrong_value"


@BOTH
def test_ask_a_question(world: World, at_desk: Callable[..., Page], hand: str) -> None:
    action = world.staged()
    page = at_desk("reviewer")
    opened(page, action)
    press(page, hand, "q", bar(page, "ask"))
    expect(page.locator("#ask-dialog textarea")).to_be_visible()
    if hand == "keys":
        expect(page.locator("#ask-dialog textarea")).to_be_focused()
        page.keyboard.type("Which customer?")
    else:
        page.locator("#ask-dialog textarea").fill("Which customer?")
    send(page, hand, "#ask-dialog")
    until(lambda: Remark.objects.filter(action=action, kind="question").exists(), 20, "it is asked")
    assert Action.objects.get(pk=action.pk).status == "in_review"


@BOTH
def test_set_aside_and_take_up_again(world: World, at_desk: Callable[..., Page], hand: str) -> None:
    action = world.staged()
    page = at_desk("reviewer")
    opened(page, action)
    press(page, hand, "h", bar(page, "hold"))
    page.locator("#hold-dialog textarea").fill("The office is closed.")
    send(page, hand, "#hold-dialog")
    until(lambda: Action.objects.get(pk=action.pk).held_at is not None, 20, "it is set aside")
    if hand == "keys":  # which lead on to what is next
        page.wait_for_url(re.compile(r"^https?://[^/]+/$"))
        opened(page, action)
    expect(page.locator("#aside")).to_contain_text("The office is closed.")
    page.locator("#decide [aria-keyshortcuts=h]").first.wait_for(state="attached")
    press(page, hand, "h", bar(page, "hold"))
    until(lambda: Action.objects.get(pk=action.pk).held_at is None, 20, "it is taken up again")


@BOTH
def test_take_and_let_go(world: World, at_desk: Callable[..., Page], hand: str) -> None:
    action = world.staged()
    page = at_desk("reviewer")
    opened(page, action)
    for key, whose in (("take", world.reviewer.pk), ("let_go", None)):
        if hand == "mouse":
            page.get_by_role("button", name="More").click()
        press(page, hand, "c", bar(page, key))
        until(lambda whose=whose: Action.objects.get(pk=action.pk).assignee_id == whose, 20, "it changed hands")
        page.wait_for_load_state()
        page.locator("[aria-keyshortcuts=r]").first.wait_for(state="attached")


@BOTH
def test_edit_and_read_it_anew(world: World, at_desk: Callable[..., Page], hand: str) -> None:
    action = world.staged()
    page = at_desk("reviewer")
    opened(page, action)
    press(page, hand, "e", bar(page, "edit"))
    page.wait_for_url("**/edit/**")
    body = page.locator("form.edit textarea").first
    body.fill("Your order 1009 is delayed until Monday.")
    save = page.get_by_role("button", name="Save as a new version")
    expect(save).to_be_enabled()  # the checks beside the form were made as it was written
    if hand == "keys":
        body.press("Control+Enter")
    else:
        save.click()
    until(lambda: Action.objects.get(pk=action.pk).revision == 2, 20, "there is another version")
    assert verbs(action) == []


@BOTH
def test_stop_from_the_card(world: World, at_desk: Callable[..., Page], hand: str) -> None:
    action = world.staged()
    page = at_desk("reviewer")
    opened(page, action)
    press(page, hand, "x", page.locator("#card .btn-stop").first)
    expect(page.get_by_role("radio", name="This run").first).to_be_visible()


def test_two_reviewers_race_by_keyboard_and_one_word_counts(world: World, at_desk: Callable[..., Page]) -> None:
    action = world.staged("put_odd", {"thing": "a chair"})
    world.staged("put_odd", {"thing": "a table"})
    first, second = at_desk("reviewer"), at_desk("reviewer2")
    for page in (first, second):
        page.route("**/live/**", lambda route: route.abort())  # neither learns of the other in time
        opened(page, action).reads()
    first.keyboard.press("a")
    until(lambda: verbs(action) == ["approve"], 20, "the first is heard")
    second.keyboard.press("a")
    expect(second.get_by_role("alert")).to_be_visible()
    assert verbs(action) == ["approve"]
    expect(second.locator("#card")).to_have_attribute("data-action", str(action.pk))


def test_t55_what_is_pressed_as_the_card_changes_is_for_nothing(world: World, at_desk: Callable[..., Page]) -> None:
    first = world.staged("put_odd", {"thing": "a chair"})
    second = world.staged("put_odd", {"thing": "a table"})
    page = at_desk("reviewer")
    opened(page, first).reads()
    for _ in range(2):  # the second press lands while the next card comes in, or right after it
        page.keyboard.press("a")
    expect(page.locator("#card")).to_have_attribute("data-action", str(second.pk))
    page.evaluate("document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', bubbles: true}))")
    assert verbs(first) == ["approve"]
    assert verbs(second) == []


def test_what_was_decided_can_be_looked_at_with_u(world: World, at_desk: Callable[..., Page]) -> None:
    first = world.staged("put_odd", {"thing": "a chair"})
    second = world.staged("put_odd", {"thing": "a table"})
    page = at_desk("reviewer")
    opened(page, first).reads()
    page.keyboard.press("a")
    expect(page.locator("#card")).to_have_attribute("data-action", str(second.pk))
    expect(page.locator("#toast")).to_contain_text("Approved")
    expect(page.locator(f"#queue [data-action='{first.pk}']")).to_have_count(0)
    page.keyboard.press("u")
    page.wait_for_url(f"**/actions/{first.pk}/")


def test_the_whole_way_on_a_phone(world: World, at_desk: Callable[..., Page]) -> None:
    action = world.staged("put_odd", {"thing": "a chair"})
    page = at_desk("reviewer", size=PHONE, has_touch=True, is_mobile=True)
    page.goto("/")
    page.locator("#queue .row").first.tap()
    expect(page.locator("#sentence")).to_be_visible()
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0
    bar(page, "approve").tap()
    until(lambda: verbs(action) == ["approve"], 20, "it is approved")
