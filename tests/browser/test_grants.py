"""A grant as a reviewer makes it: from the card, looked at, sent, counted down, revoked; and no page has a fault."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE, SignIn, faults_everywhere
from tests.support.granting import may_grant, pay
from tests.support.voting import approve_as, just_now
from tests.support.world import PASSWORD, World


@pytest.fixture
def page(at_desk: SignIn) -> Page:
    """The reviewer's browser. A page's first load brings everything that others then have already."""
    opened = at_desk("reviewer")
    opened.set_default_timeout(4 * PATIENCE)
    return opened


def looked_at(page: Page, name: str) -> list[str]:
    return faults_everywhere(page, f"grants-{name}" if name else "", sizes=("wide", "zoomed", "phone"))


def test_a_grant_is_made_from_a_card_and_ended_on_its_page(world: World, page: Page) -> None:
    may_grant(world)
    for amount in ("25", "60", "80", "400"):
        old = pay(world, amount)
        if amount != "80":
            approve_as(world, world.reviewer, old, signed_in_at=just_now())
    shown = pay(world, "40")
    found = {}
    page.goto("/policy/grants/")
    expect(page.locator("h1")).to_have_text("Grants")
    found["none"] = looked_at(page, "")
    page.goto(f"/actions/{shown.id}/")
    page.get_by_role("button", name="More").click()
    page.get_by_role("link", name="Approve and allow like this…").click()
    expect(page.locator("h1")).to_have_text("Sign in again")
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("input[type=password]").press("Enter")
    expect(page.locator("h1")).to_have_text("Approve and allow like this")
    page.get_by_label("To may be").select_option("anything")
    page.get_by_role("button", name="See what it would let go").click()
    expect(page.get_by_text("Tick that anything is meant.")).to_be_visible()
    found["wrong"] = looked_at(page, "")
    page.get_by_label("To may be").select_option("equals")
    page.get_by_label("Amount: the largest").fill("100")
    page.get_by_label("Calls at most").fill("3")
    page.get_by_label("Why").fill("Small ones to this customer.")
    page.get_by_role("button", name="See what it would let go").click()
    expect(page.get_by_text("3 of the last 4 calls of this tool")).to_be_visible()
    found["allow"] = looked_at(page, "allow")
    page.get_by_role("button", name="Approve and allow").click()
    expect(page.locator("h1")).to_have_text("Grants")
    assert pay(world, "99").status == "permitted"
    page.reload()
    expect(page.get_by_text("1 of 3")).to_be_visible()
    found["list"] = looked_at(page, "list")
    page.get_by_label("Why it should end").fill("The customer is settled.")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("Revoked", exact=True)).to_be_visible()
    assert pay(world, "1").status == "in_review"
    assert {name: fault for name, fault in found.items() if fault} == {}
