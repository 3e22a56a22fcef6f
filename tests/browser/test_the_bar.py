"""The decision bar and the edit form in a browser: two presses, reasons, setting aside, taking, time to take back."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from approvals.models import Action, Decision
from approvals.services.answer import answer
from tests.browser.conftest import PHONE, faults_everywhere, picture
from tests.support.desking import does, has_it, leaving
from tests.support.voting import status
from tests.support.world import World

pytestmark = pytest.mark.usefixtures("world")
ASIDE = ({"tool": "write_note", "why_not": "The customer would not see it."},)
AtDesk = Callable[..., Page]


def opened(at_desk: AtDesk, name: str, action: Action, **more: Any) -> Page:
    page = at_desk(name, **more)
    page.goto(f"/actions/{action.pk}/")
    return page


def test_what_cannot_be_taken_back_takes_two_presses_and_one_request(world: World, at_desk: AtDesk) -> None:
    action = world.staged()
    page = opened(at_desk, "reviewer", action)
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.url) if asked.method == "POST" else None)
    assert faults_everywhere(page, "bar") == []
    page.locator("#decide [data-key=approve]").click()
    dialog = page.get_by_role("dialog", name="This cannot be taken back")
    expect(dialog).to_contain_text("customer of order 1009")
    assert (sent, Decision.objects.count()) == ([], 0)
    assert faults_everywhere(page, "approve-twice") == []
    dialog.get_by_role("button", name=re.compile("^Approve")).click()
    expect(page.locator("#card-status")).to_have_text("Permitted")
    assert len(sent) == 1
    assert status(action) == "permitted"


def test_without_scripts_the_second_press_is_there_too(world: World, at_desk: AtDesk) -> None:
    action = world.staged()
    page = opened(at_desk, "reviewer", action, java_script_enabled=False)
    page.locator("#decide [data-key=approve]").click()
    page.locator("#approve-dialog button[value=approve]").click()
    expect(page.locator("#card-status")).to_have_text("Permitted")


def test_a_no_has_a_reason_that_can_be_counted(world: World, at_desk: AtDesk) -> None:
    action = world.staged()
    page = opened(at_desk, "reviewer", action)
    page.get_by_role("button", name="Reject…").click()
    dialog = page.get_by_role("dialog", name="Reject this?")
    assert faults_everywhere(page, "reject") == []
    dialog.get_by_role("button", name="Reject and tell the agent").click()
    expect(dialog).to_be_visible()  # a reason is picked first
    dialog.get_by_role("radio", name="Wrong amount or value").check()
    dialog.get_by_role("button", name="Reject and tell the agent").click()
    expect(page.locator("#card-status")).to_have_text("Rejected")
    decision = Decision.objects.get()
    assert (decision.code, decision.reason) == ("wrong_value", "Wrong amount or value.")


def test_it_is_set_aside_and_taken_up_by_somebody_else(world: World, at_desk: AtDesk) -> None:
    action = world.staged()
    first, second = opened(at_desk, "reviewer", action), opened(at_desk, "reviewer2", action)
    first.get_by_role("button", name="Set aside…").click()
    first.locator("#hold-dialog textarea").fill("The customer calls back at noon.")
    first.get_by_role("button", name="Set aside", exact=True).click()
    for page in (first, second):  # the open page learns of it
        expect(page.locator("#aside")).to_contain_text("Set aside by reviewer")
        expect(page.locator("#decide [data-key=approve]")).to_have_count(0)
    assert faults_everywhere(first, "set-aside") == []
    second.get_by_role("button", name="Take it up again").click()
    expect(second.locator("#decide [data-key=approve]")).to_be_visible()


def test_a_question_is_asked_answered_and_read(world: World, at_desk: AtDesk) -> None:
    action = world.staged()
    page = opened(at_desk, "reviewer", action)
    page.get_by_role("button", name="Ask…").click()
    page.locator("#ask-dialog textarea").fill("Which of their two orders?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#decide")).to_contain_text("A question waits for its answer")
    asked = opened(at_desk, "operator", action)
    expect(asked.locator("#decide")).to_contain_text("A reviewer asks you something")
    assert faults_everywhere(asked, "asked") == []
    does(world, answer, "operator", action, text="The first.")
    page.reload()
    expect(page.locator("#card-talk")).to_contain_text("The first.")
    expect(page.locator("#decide")).not_to_contain_text("A question waits")


def test_what_one_has_taken_another_takes_over_with_one_press(world: World, at_desk: AtDesk) -> None:
    action = world.staged()
    first = opened(at_desk, "reviewer", action)
    first.get_by_role("button", name="More").click()
    expect(first.locator("#more-menu")).to_be_visible()
    assert faults_everywhere(first, "more") == []
    first.get_by_role("button", name="Take", exact=True).click()
    expect(first.locator("#decide")).to_contain_text("Yours until")
    second = opened(at_desk, "reviewer2", action)
    expect(second.locator("#decide")).to_contain_text("Taken by reviewer until")
    expect(second.locator("#decide [data-key=approve]")).to_have_count(0)
    assert faults_everywhere(second, "taken") == []
    second.get_by_role("button", name="Take over").click()
    expect(second.locator("#decide [data-key=approve]")).to_be_visible()
    assert has_it(action) == world.reviewer2.pk
    second.get_by_role("button", name="More").click()
    second.get_by_role("button", name="Hand on…").click()
    second.locator("#reassign-dialog select").select_option("reviewer")
    second.get_by_role("button", name="Hand on", exact=True).click()
    expect(second.locator("#decide")).to_contain_text("Taken by reviewer until")
    first.reload()
    first.get_by_role("button", name="More").click()
    first.get_by_role("button", name="Escalate…").click()
    first.locator("#escalate-dialog textarea").fill("It is about a board member.")
    first.get_by_role("button", name="Escalate", exact=True).click()
    expect(first.locator("#decide")).to_contain_text("Escalated")


def test_a_yes_is_taken_back_while_its_seconds_run(world: World, at_desk: AtDesk, settings: Any) -> None:
    settings.LAM_TAKEBACK_SECONDS = 600
    action = world.staged()
    page = opened(at_desk, "reviewer", action)
    page.locator("#decide [data-key=approve]").click()
    page.locator("#approve-dialog button[value=approve]").click()
    expect(page.locator("#card-status")).to_have_text("Scheduled")
    expect(page.locator(".veto")).to_be_visible()
    assert faults_everywhere(page, "take-back") == []
    page.get_by_role("button", name="Take back").click()
    expect(page.locator("#card-status")).to_have_text("In review")
    assert status(action) == "in_review"


def test_what_leaves_by_itself_can_be_held_and_objected_to(world: World, at_desk: AtDesk) -> None:
    action = leaving(world)
    page = opened(at_desk, "reviewer", action)
    expect(page.locator("#decide")).to_contain_text("by itself, unless somebody objects")
    assert faults_everywhere(page, "leaving") == []
    before = page.locator(".veto b").inner_text()
    expect(page.locator(".veto b")).not_to_have_text(before)  # it counts down
    page.get_by_role("button", name="Object…").click()
    page.locator("#veto-dialog").get_by_role("radio", name="Not needed").check()
    page.get_by_role("button", name="Object and tell the agent").click()
    expect(page.locator("#card-status")).to_have_text("Rejected")


def test_an_edit_shows_what_would_come_of_it_before_it_can_be_saved(world: World, at_desk: AtDesk) -> None:
    action = world.staged()
    page = at_desk("reviewer")
    page.goto(f"/actions/{action.pk}/edit/")
    save = page.get_by_role("button", name="Save as a new version")
    expect(save).to_be_disabled()
    assert faults_everywhere(page, "edit-begun") == []
    page.get_by_role("textbox", name="Message").fill("Your order 1009 arrives on Monday.")
    verdict = page.locator("#edit-verdict")
    expect(verdict).to_contain_text("Monday")
    expect(verdict).to_contain_text("Every check, again")
    expect(save).to_be_enabled()
    assert faults_everywhere(page, "edit-checked") == []
    assert Action.objects.get().revision == 1
    page.get_by_role("textbox", name="Message").fill("Bad \u202e letters")
    page.get_by_role("textbox", name="To", exact=True).fill("a\u202eb")
    expect(verdict).to_contain_text("U+202E")
    expect(save).to_be_disabled()
    page.get_by_role("textbox", name="To", exact=True).fill("customer of order 1009")
    page.get_by_role("textbox", name="Message").fill("Your order 1009 arrives on Monday.")
    expect(save).to_be_enabled()
    save.click()
    expect(page.locator("#card-status")).to_have_text("In review")
    assert Action.objects.get().revision == 2


def test_another_tool_is_chosen_from_those_left_aside(world: World, at_desk: AtDesk) -> None:
    action = world.staged(considered=ASIDE)
    page = opened(at_desk, "reviewer", action)
    page.get_by_role("link", name="Choose this instead…").click()
    expect(page.locator("#sentence")).to_contain_text("Instead")
    page.get_by_role("textbox", name="Note", exact=True).fill("Call the customer of order 1009.")
    save = page.get_by_role("button", name="Save as a new version")
    expect(save).to_be_enabled()
    assert faults_everywhere(page, "choose-instead") == []
    save.click()
    expect(page.locator("#sentence")).to_contain_text("Write an internal note")
    assert Action.objects.get().tool_name == "write_note"


def test_on_a_phone_the_whole_bar_can_be_reached(world: World, at_desk: AtDesk) -> None:
    action = world.staged()
    page = opened(at_desk, "reviewer", action, size=PHONE)
    for name in ("Edit…", "Ask…", "Set aside…", "More", "Reject…"):
        one = page.locator("#decide").get_by_text(name, exact=True)
        one.scroll_into_view_if_needed()
        expect(one).to_be_in_viewport()
    page.get_by_role("button", name="More").click()
    expect(page.locator("#more-menu")).to_be_in_viewport()
    picture(page, "more-open-phone")
