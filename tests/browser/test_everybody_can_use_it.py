"""axe-core finds nothing in any state of any page: light, dark, wide, zoomed, on a phone. None scrolls sideways."""

from collections.abc import Callable
from typing import Any

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, Route, expect

from approvals.services.expire import expire
from approvals.services.propose import propose
from approvals.services.reject import reject
from tests.browser.conftest import SIZES, faults_everywhere, give_goal, open_everything, picture
from tests.support.up import Up
from tests.support.world import World

ALL_SIZES = tuple(SIZES)
PAGES = {
    "reviewer": {
        "tools": "/tools/",
        "outbox": "/tools/outbox/",
        "stop": "/stop/",
        "practice": "/practice/",
        "bell": "/notices/",
        "hearing": "/settings/notices/",
    },
    "operator": {
        "runs": "/runs/",
        "run-new": "/runs/new/",
        "schedules": "/runs/schedules/",
        "hooks": "/runs/hooks/",
    },
    "auditor": {"audit": "/audit/", "verify": "/audit/verify/", "export": "/audit/export/"},
    "developer": {"model calls": "/audit/traces/", "compare runs": "/audit/compare/"},
}
KEPT = {"practice", "tools", "stop", "runs", "run-new", "audit"}
"""Pages of which the manual keeps pictures."""


def test_no_page_has_a_fault(sign_in: Callable[..., Page]) -> None:
    operator = sign_in("operator")
    give_goal(operator, "Tell the customer of order 1050 that it is delayed until Friday")
    found = {"run": faults_everywhere(operator, "run", sizes=ALL_SIZES)}
    for name, pages in PAGES.items():
        person = operator if name == "operator" else sign_in(name)
        for title, address in pages.items():
            person.goto(address)
            person.locator("h1:visible").first.wait_for()
            found[title] = faults_everywhere(person, title if title in KEPT else "", sizes=ALL_SIZES)
            if title == "tools":
                person.goto("/tools/?after=send_mess")
                person.get_by_role("link", name="send_message", exact=True).click()
                expect(person.locator("h1")).to_have_text("Send message")
                found["tool"] = faults_everywhere(person, "tool", sizes=ALL_SIZES)
    assert {title: fault for title, fault in found.items() if fault} == {}


def test_the_desk_and_its_card_have_no_fault(sign_in: Callable[..., Page]) -> None:
    operator, reviewer = sign_in("operator"), sign_in("reviewer2")
    give_goal(operator, "Tell the customer of order 1051 that it is delayed until Friday")
    run = give_goal(operator, "Write a note about order 1051: customer 1051 asked for a call back")
    reviewer.goto("/")
    expect(reviewer.locator("#evidence")).to_contain_text("order 1051")
    found = {"inbox": faults_everywhere(reviewer, "inbox", sizes=ALL_SIZES)}
    reviewer.locator(".row", has_text="customer of order 1051").click()
    expect(reviewer.locator("#sentence")).to_contain_text("1051")
    found["action"] = faults_everywhere(reviewer, "action", sizes=ALL_SIZES)
    reviewer.locator(".row", has_text="asked for a call back").first.click()
    expect(reviewer.locator("#sentence")).to_contain_text("call back")
    open_everything(reviewer)
    expect(reviewer.locator("#claim-body")).to_contain_text("asks for this")
    found["everything opened"] = faults_everywhere(reviewer)
    reviewer.get_by_role("button", name="Reject…").click()
    found["reject"] = faults_everywhere(reviewer)
    reviewer.get_by_role("button", name="Back to the card").click()
    operator.goto(run)
    operator.get_by_role("button", name="Cancel the run…").click()
    found["cancel"] = faults_everywhere(operator)
    operator.get_by_role("button", name="Cancel the run", exact=True).click()
    operator.locator(".run-state [data-status=cancelled]").wait_for()
    found["cancelled"] = faults_everywhere(operator)
    expect(reviewer.locator("#card-status")).to_have_text("Withdrawn")
    found["withdrawn"] = faults_everywhere(reviewer)
    assert {title: fault for title, fault in found.items() if fault} == {}


@pytest.mark.parametrize("answer", ["400", "403", "403_csrf", "404", "409", "429", "500", "503", "problem"])
def test_no_answer_that_refuses_has_a_fault(product: Up, browser: Browser, answer: str) -> None:
    body = render_to_string(f"{answer}.html")
    context = browser.new_context(base_url=product.url)
    page = context.new_page()

    def refuse(route: Route) -> Any:
        return route.fulfill(status=200, content_type="text/html", body=body)

    page.route("**/refused/", refuse)  # the product's own address, so that its style is there
    page.goto("/refused/")
    page.locator("h1").wait_for()
    assert faults_everywhere(page) == []
    if answer == "404":
        picture(page, "not-found")
    context.close()


def test_the_door_has_no_fault(product: Up, browser: Browser) -> None:
    context = browser.new_context(base_url=product.url)
    page = context.new_page()
    page.goto("/accounts/login/")
    assert faults_everywhere(page, "sign-in", sizes=ALL_SIZES) == []
    page.fill("#login", "nobody-here")
    page.fill("#password", "wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    assert faults_everywhere(page) == []
    context.close()


def test_every_end_that_nobody_wanted_has_no_fault(world: World, watched: Callable[[str], Page], settings: Any) -> None:
    denied = propose(world.proposal("no_such_tool", {"to": "x"}, reasoning="It seemed right."))
    rejected = world.staged()
    reject(
        actor=world.reviewer,
        organization=world.organization.pk,
        action_id=rejected.pk,
        digest=rejected.digest,
        reason="Not now.",
    )
    settings.LAM_REVIEW_SECONDS = 0
    expired = world.staged()
    expire()
    page = watched("auditor")
    found = {}
    for word, action in {"Denied by policy": denied, "Rejected": rejected, "Expired": expired}.items():
        page.goto(f"/actions/{action.pk}/")
        expect(page.locator("#card-status")).to_have_text(word)
        found[word] = faults_everywhere(page)
    assert {word: fault for word, fault in found.items() if fault} == {}
