"""The policy as an administrator sets it: a rule written, a call tried, the past replayed; and no page has a fault."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from approvals.facts import current_policy
from approvals.services import hits
from approvals.services.approve import approve
from approvals.services.policy import change_policy
from approvals.services.reject import reject
from approvals.tasks import replay_policies
from tests.browser.conftest import PATIENCE, SignIn, faults_everywhere
from tests.support.voting import just_now
from tests.support.world import World

POLICY: dict[str, Any] = {
    "rules": [
        {"id": "strangers", "about": {"tools": ["send_message"]}, "quorum": 2, "teams": {"reviewers": 1},
         "when": [{"argument": "to", "compares": "!=", "value": "customer of order 1009"}],
         "reason": "Nobody writes to strangers alone."},
        {"id": "no-deletions-at-night", "about": {"categories": ["deletion"]}, "answer": "deny",
         "reason": "Deletions wait for the day."},
    ],
    "limits": [
        {"id": "mail-an-hour", "about": {"tools": ["send_message"]}, "per": "agent", "counts": "calls", "most": 20,
         "seconds": 3600, "reason": "More than that is a campaign."},
    ],
    "exceptions": [
        {"id": "new-people", "about": {"teams": ["operators"], "tools": ["write_note"]}, "maturity": "on_the_loop",
         "veto_seconds": 60, "reason": "Their notes are looked at first."},
    ],
    "exposure": {"EUR": "5000"},
}  # fmt: skip


@pytest.fixture
def page(at_desk: SignIn) -> Page:
    """The administrator's browser. A page's first load brings everything that others then have already."""
    opened = at_desk("administrator")
    opened.set_default_timeout(4 * PATIENCE)
    return opened


@pytest.fixture
def lived_in(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A policy that has been in force for a while, and calls that people decided on."""
    ours = world.organization.id
    change_policy(ours, POLICY, reason="What we agreed on.", by=world.administrator, after=1)
    monkeypatch.setattr(hits, "SETTLES", -hits.SETTLES)
    for number in range(4):
        world.staged("send_message", {"to": f"customer {number}", "body": "Your order is delayed until Friday."})
    for number in range(3):
        action = world.staged("write_note", {"about": f"order 100{number}", "text": "Called back."})
        if number:
            approve(
                actor=world.reviewer, organization=ours, action_id=action.id, digest=action.digest,
                signed_in_at=just_now(),
            )  # fmt: skip
        else:
            reject(
                actor=world.reviewer, organization=ours, action_id=action.id, digest=action.digest, reason="Not now."
            )
    hits.count_hits()
    hits.count_hits()
    return world


def looked_at(page: Page, name: str) -> list[str]:
    return faults_everywhere(page, f"policy-{name}", sizes=("wide", "zoomed", "phone"))


def test_no_page_of_the_policy_has_a_fault(lived_in: World, page: Page) -> None:
    found = {}
    for name, path in {
        "rules": "/policy/",
        "new-rule": "/policy/new/?kind=rules",
        "new-limit": "/policy/new/?kind=limits",
        "exception": "/policy/entries/new-people/",
        "bounds": "/policy/bounds/",
        "json": "/policy/json/",
        "history": "/policy/history/",
        "coverage": "/policy/coverage/",
        "replays-none": "/policy/replay/",
    }.items():
        page.goto(path)
        found[name] = looked_at(page, name)
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_a_rule_is_tried_replayed_and_put_in_force(lived_in: World, page: Page) -> None:
    found: dict[str, list[str]] = {}
    page.goto("/policy/")
    page.get_by_role("link", name="Add a rule").click()
    page.get_by_label("Tools", exact=True).fill("write_note")
    page.get_by_label("Argument", exact=True).fill("about")
    page.get_by_label("compared").select_option("is")
    page.get_by_label("with", exact=True).fill("order 1001")
    page.get_by_label("Name", exact=True).fill("Order 1001")
    page.get_by_role("button", name="Try it first").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed yet")
    found["misfit"] = looked_at(page, "misfit")
    page.get_by_label("Name", exact=True).fill("order-1001")
    page.get_by_role("button", name="Try it first").click()
    expect(page.get_by_role("heading", name="A policy that is tried")).to_be_visible()
    page.get_by_role("link", name="Try a call with it").click()
    page.get_by_label("Tool", exact=True).select_option("write_note")
    page.get_by_role("button", name="Choose").click()
    page.locator("[name='argument:about']").fill("order 1001")
    page.locator("[name='argument:text']").fill("Call back.")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("heading", name="It would wait for 2 people")).to_be_visible()
    found["tried"] = looked_at(page, "tried")
    page.get_by_role("link", name="the policy that is being tried").click()
    page.get_by_role("button", name="Replay", exact=True).click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    found["under-way"] = faults_everywhere(page, sizes=("wide",))
    while replay_policies():
        pass
    expect(page.get_by_role("heading", name="What would have been")).to_be_visible()
    expect(page.get_by_text("would need more people")).to_be_visible()
    found["replayed"] = looked_at(page, "replayed")
    page.get_by_label("Why").fill("It held what people would have looked at.")
    page.get_by_role("button", name="Put in force as version 3").click()
    expect(page.locator("#order-1001")).to_contain_text("need 2 people")
    assert current_policy(lived_in.organization.id).number == 3
    page.locator("#order-1001").get_by_role("button", name="Remove").click()
    found["remove"] = faults_everywhere(page, "policy-remove", sizes=("wide", "phone"))
    assert {name: faults for name, faults in found.items() if faults} == {}


def by_keyboard(page: Page, label: str) -> None:
    """Go on by Tab until the field of this label has the focus."""
    field = page.get_by_label(label, exact=True)
    for _ in range(80):
        if field.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{label} is not reached by Tab")


def test_a_rule_is_written_by_keyboard_alone(world: World, page: Page) -> None:
    page.goto("/policy/new/?kind=rules")
    for label, text in (
        ("Tools", "send_message"), ("Argument", "to"), ("with", "ann@example.org"), ("Name", "ann"),
        ("Why you change it", "Two look."),
    ):  # fmt: skip
        by_keyboard(page, label)
        page.keyboard.insert_text(text)
    page.get_by_label("compared").select_option("is")
    by_keyboard(page, "Name")
    page.keyboard.press("Enter")
    page.wait_for_url("**/policy/")
    expect(page.locator("#ann")).to_contain_text("where to is ann@example.org")
