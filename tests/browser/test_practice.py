"""Practice by keyboard, the empty inbox that leads to it, and how a card looks on paper and in forced colours."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from approvals.lessons import LESSONS
from tests.browser.conftest import PHONE, SIZES, faults, faults_everywhere, picture
from tests.support.typist import Typist
from tests.support.world import World

ALL_SIZES = tuple(SIZES)


def scripted(page: Page) -> None:
    """The scripts of the page run."""
    page.locator("[aria-keyshortcuts=r]").first.wait_for(state="attached")


def test_an_empty_inbox_leads_to_practice(world: World, at_desk: Callable[..., Page]) -> None:
    page = at_desk("reviewer")
    page.goto("/")
    assert faults_everywhere(page, "empty", sizes=ALL_SIZES) == []
    page.get_by_role("link", name="Practise on a dozen lessons").click()
    expect(page.locator("#card")).to_contain_text("Lesson 1 of 12")
    expect(page.locator("#card")).to_contain_text("decides nothing here")


def test_every_lesson_is_done_by_keyboard_alone(world: World, at_desk: Callable[..., Page]) -> None:
    page = at_desk("reviewer")
    page.goto("/practice/")
    typist = Typist(page)
    for number, lesson in enumerate(LESSONS, start=1):
        scripted(page)
        expect(page.locator("#card")).to_contain_text(f"Lesson {number} of")
        if lesson.right == "approve":
            typist.reads()
        page.keyboard.press("a" if lesson.right == "approve" else "r")
        expect(page.locator("#answer")).to_contain_text("Right.")
        expect(page.locator("#decide .btn-primary")).to_be_focused()
        page.keyboard.press("Enter")
    page.wait_for_url(lambda address: address.endswith("/"))


def test_practice_has_no_fault_asked_and_answered(world: World, at_desk: Callable[..., Page]) -> None:
    page = at_desk("reviewer")
    page.goto("/practice/?lesson=3")
    scripted(page)
    found = {"asked": faults_everywhere(page, "practice", sizes=ALL_SIZES)}
    page.locator("#decide [data-key=approve]").click()
    expect(page.locator("#answer")).to_contain_text("This one should not go.")
    found["answered"] = faults_everywhere(page, "practice-answer", sizes=ALL_SIZES)
    assert {state: fault for state, fault in found.items() if fault} == {}


def test_a_card_on_paper_shows_what_was_judged_and_no_buttons(world: World, at_desk: Callable[..., Page]) -> None:
    action = world.staged(reasoning="It was asked for.")
    page = at_desk("reviewer")
    page.goto(f"/actions/{action.pk}/")
    scripted(page)
    page.emulate_media(media="print")
    for shown in ("#sentence", "#card .effect", "#card .args", "#h-why"):
        expect(page.locator(shown).first).to_be_visible()
    for gone in ("#decide", "#queue", ".side", ".btn-stop", "#said"):
        expect(page.locator(gone).first).to_be_hidden()
    picture(page, "card-on-paper", whole=True)


def test_forced_colours_and_no_motion_keep_everything_in_sight(world: World, at_desk: Callable[..., Page]) -> None:
    world.staged()
    page = at_desk("reviewer", forced_colors="active")
    page.goto("/")
    scripted(page)
    expect(page.locator("#decide [data-key=approve]").first).to_be_visible()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    assert faults(page) == []
    picture(page, "keys-forced-colours")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    picture(page, "inbox-forced-colours")
    moving = "[...document.querySelectorAll('*')].filter((one) => one.getAnimations().length).length"
    assert page.evaluate(moving) == 0


def test_at_twice_the_size_nothing_is_lost(world: World, at_desk: Callable[..., Page]) -> None:
    world.staged()
    page = at_desk("reviewer", size=SIZES["zoomed"])
    page.goto("/")
    page.locator("#queue .row").first.click()
    expect(page.locator("#decide [data-key=approve]").first).to_be_visible()
    assert faults(page) == []


def test_practice_on_a_phone(world: World, at_desk: Callable[..., Page]) -> None:
    page = at_desk("reviewer", size=PHONE, has_touch=True, is_mobile=True)
    page.goto("/practice/?lesson=2")
    page.locator("#decide [data-key=reject]").tap()
    expect(page.locator("#answer")).to_contain_text("Right.")
    expect(page.locator("#answer")).to_be_in_viewport()
