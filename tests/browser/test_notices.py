"""Being told, in a browser: the bell counts on, what goes where is set, and a test says what came of it."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SIZES, faults_everywhere
from tests.support.postbox import Postbox, postbox
from tests.support.rude import Rude, closed_port, rude, says
from tests.support.telling import by_mail, by_webhook, pass_on, risky
from tests.support.world import World, approved

ALL_SIZES = tuple(SIZES)
HEARS = """
const Real = window.Notification
window.said = []
window.Notification = class extends Real {
  constructor(title, more) {
    super(title, more)
    window.said.push([title, more.body ?? ""])
    document.documentElement.dataset.said = window.said.length
  }
}
Object.defineProperty(document, "hidden", { get: () => window.away === true })
"""
"""Notes what the browser is handed, beside handing it on; and lets a test look away from the page."""


@pytest.fixture
def box(settings: Any) -> Iterator[Postbox]:
    """A mail server that is set up."""
    with postbox() as box:
        settings.LAM_MAIL_FROM = "countersign@example.org"
        settings.LAM_MAIL_SERVER = server(box.port)
        yield box


@pytest.fixture
def hook(settings: Any) -> Iterator[Rude]:
    """A receiver of webhooks."""
    with rude(says(200, "ok")) as hook:
        settings.LAM_NOTICE_PRIVATE = frozenset({hook.place})
        yield hook


def server(port: int) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": port, "username": "", "password": "", "use_tls": False, "use_ssl": False}


def bell(page: Page) -> Any:
    return page.locator("[data-bell]:visible").first


def looks_again(page: Page) -> None:
    """What a browser says to a page when a person comes back to it, or leaves it."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_the_bell_counts_on_and_the_list_is_read(world: World, at_desk: Callable[..., Page]) -> None:
    page = at_desk("reviewer")
    page.goto("/notices/")
    expect(page.locator("h1")).to_have_text("Notices")
    found = {"empty": faults_everywhere(page, "notices-empty", sizes=ALL_SIZES)}
    first = world.staged()
    world.staged("write_note", {"text": "Call back."})
    risky(world.staged(), "high")
    pass_on()
    looks_again(page)
    expect(bell(page)).to_have_attribute("aria-label", "Notices, 3 unread")
    approved(world, first)
    pass_on()
    bell(page).click()
    expect(page.locator(".notice-row")).to_have_count(3)
    expect(page.locator(".notice-row[data-unread]")).to_have_count(2)
    found["list"] = faults_everywhere(page, "notices", sizes=ALL_SIZES)
    page.get_by_role("button", name=re.compile("Mark as read.*Write note")).click()
    expect(page.locator(".notice-row[data-unread]")).to_have_count(1)
    page.locator(".segment", has_text="Unread").click()
    expect(page.locator(".notice-row")).to_have_count(1)
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.locator("h2", has_text="Nothing unread")).to_be_visible()
    expect(bell(page)).to_have_attribute("aria-label", "Notices")
    assert {title: fault for title, fault in found.items() if fault} == {}


def test_a_notice_leads_to_the_card_and_decides_nothing(world: World, at_desk: Callable[..., Page]) -> None:
    action = world.staged()
    pass_on()
    page = at_desk("reviewer")
    page.goto("/notices/")
    page.get_by_role("link", name="Send message waits for a decision, for operator").click()
    page.wait_for_url(f"**/actions/{action.pk}/")
    expect(page.locator("#card-status")).to_have_text("In review")


def test_the_browser_speaks_only_when_nobody_looks_and_only_after_it_may(
    world: World, at_desk: Callable[..., Page]
) -> None:
    page = at_desk("reviewer", permissions=["notifications"])
    page.add_init_script(HEARS)
    page.goto("/settings/notices/")
    expect(page.locator("[data-speaks-state]")).to_contain_text("It may speak here")
    page.get_by_role("button", name="Show a test").click()
    expect(page.locator("[data-speaks-state]")).to_contain_text("handed to the browser")
    assert page.evaluate("window.said.length") == 1
    world.staged()
    pass_on()
    looks_again(page)
    expect(bell(page)).to_have_attribute("aria-label", "Notices, 1 unread")
    assert page.evaluate("window.said.length") == 1  # somebody looks: the bell is enough
    page.evaluate("window.away = true")
    world.staged()
    pass_on()
    looks_again(page)
    expect(page.locator("html")).to_have_attribute("data-said", "2")
    assert page.evaluate("window.said[1]") == ["Send message waits for a decision, for operator", ""]
    for _ in range(4):
        world.staged()
    pass_on()
    looks_again(page)
    expect(page.locator("html")).to_have_attribute("data-said", "3")
    assert page.evaluate("window.said[2][0]") == "More than 3 notices"


def test_a_browser_that_was_not_asked_says_nothing_and_is_asked_by_a_button(
    world: World, at_desk: Callable[..., Page]
) -> None:
    page = at_desk("reviewer")
    page.add_init_script("Notification.requestPermission = async () => { document.documentElement.dataset.asked = 1 }")
    page.goto("/settings/notices/")
    page.goto("/notices/")
    expect(page.locator("html")).not_to_have_attribute("data-asked", "1")
    page.goto("/settings/notices/")
    asking = page.get_by_role("button", name="Let it speak")
    if asking.is_visible():
        asking.click()
        expect(page.locator("html")).to_have_attribute("data-asked", "1")
    else:  # this browser refuses everybody by itself
        expect(page.locator("[data-speaks-state]")).to_contain_text("It may not speak here")


def test_a_person_sets_what_reaches_them_and_tries_it(world: World, at_desk: Callable[..., Page], box: Postbox) -> None:
    page = at_desk("reviewer")
    page.goto("/notices/")
    page.get_by_role("link", name="What reaches you, and where").click()
    expect(page.locator("h1")).to_have_text("Notices")
    found = {"nothing": faults_everywhere(page, "notice-settings-empty", sizes=ALL_SIZES)}
    page.get_by_label("Your address").fill("ann@example.org")
    page.get_by_role("button", name="Keep the address").click()
    page.get_by_role("button", name="Send a test to ann@example.org").click()
    expect(page.locator("#tried")).to_contain_text("is on its way")
    pass_on()
    expect(page.locator("#tried")).to_contain_text("The test was taken by the mail server for ann@example.org")
    assert len(box.letters) == 1
    form = page.locator("form", has=page.get_by_label("Through"))
    form.get_by_label("Through").select_option("mail")
    form.get_by_label("Risk").select_option("high")
    form.get_by_role("button", name="Send it there").click()
    expect(page.locator("table")).to_contain_text("High only")
    found["set"] = faults_everywhere(page, "notice-settings", sizes=ALL_SIZES)
    page.get_by_role("button", name="Ring the bell").click()
    pass_on()
    looks_again(page)
    expect(bell(page)).to_have_attribute("aria-label", "Notices, 1 unread")
    page.get_by_role("button", name=re.compile("Take away.*Mail, any tool, High only")).click()
    expect(page.locator("table")).to_have_count(0)
    assert {title: fault for title, fault in found.items() if fault} == {}


def test_a_mail_server_that_is_away_stands_on_the_page(
    world: World, at_desk: Callable[..., Page], settings: Any
) -> None:
    settings.LAM_MAIL_FROM, settings.LAM_MAIL_SERVER = "countersign@example.org", server(closed_port())
    by_mail(world, "reviewer")
    world.staged()
    pass_on()
    page = at_desk("reviewer")
    page.goto("/settings/notices/")
    expect(page.get_by_role("status").filter(has_text="No mail goes out just now.")).to_contain_text("1 letter waits")
    page.get_by_role("button", name="Send a test to reviewer@example.org").click()
    expect(page.locator("#tried")).to_contain_text("is on its way")
    pass_on()
    expect(page.locator("#tried")).to_contain_text("nothing listens there")
    assert faults_everywhere(page, "notice-settings-away", sizes=ALL_SIZES) == []


def test_an_administrator_sets_a_webhook_for_a_team(world: World, at_desk: Callable[..., Page], hook: Rude) -> None:
    page = at_desk("administrator")
    page.goto("/settings/notices/")
    page.locator("select[name=team]").select_option(label="Team reviewers")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator(".page-sub")).to_contain_text("What reaches team reviewers")
    page.get_by_label("Address", exact=True).fill(f"{hook.url}/services/secret-path")
    page.get_by_role("button", name="Add the webhook").click()
    expect(page.locator("#hook-key")).to_contain_text("whsec_")
    found = {"made": faults_everywhere(page)}
    form = page.locator("form", has=page.get_by_label("To webhook"))
    form.get_by_label("Risk").select_option("medium")
    form.get_by_role("button", name="Send it there").click()
    expect(page.locator("table")).to_contain_text(hook.place)
    page.get_by_role("button", name=f"Send a test to {hook.place}").click()
    pass_on()
    expect(page.locator("#tried")).to_contain_text(f"The test was taken by {hook.place}")
    assert "secret-path" not in page.content()
    found["team"] = faults_everywhere(page, "notice-settings-team", sizes=ALL_SIZES)
    assert {title: fault for title, fault in found.items() if fault} == {}


def test_the_settings_work_without_scripts(world: World, at_desk: Callable[..., Page], hook: Rude) -> None:
    by_webhook(world, hook.url, team="reviewers")
    page = at_desk("reviewer", java_script_enabled=False)
    page.goto("/settings/notices/")
    page.get_by_label("Your address").fill("ann@example.org")
    page.get_by_role("button", name="Keep the address").click()
    expect(page.get_by_text("ann@example.org", exact=True)).to_be_visible()
    expect(page.locator("[data-speaks-state]")).to_contain_text("That needs its scripts.")
    page.goto("/notices/")
    expect(page.locator("h1")).to_have_text("Notices")
