"""The inbox in a browser: lanes, rows in every state, narrowing, views of one's own; wide, zoomed and on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from approvals.models import Action
from tests.browser.conftest import SIZES, WIDE, faults_everywhere
from tests.support.many import shaped
from tests.support.voting import needing, yes
from tests.support.world import World
from tools.killswitch import engage

ALL_SIZES = tuple(SIZES)
SAY = {"to": "customer of order {}", "body": "Your order is delayed until Friday."}


def said(world: World, order: int) -> Action:
    """A message to the customer of this order, waiting."""
    return world.staged("send_message", {name: value.format(order) for name, value in SAY.items()})


@pytest.fixture
def desk(world: World) -> World:
    """A list with a row in every state that a row can be in."""
    hour = "clock_timestamp() + interval '1 hour'"
    needing(world, 2)
    yes(world, world.reviewer2, said(world, 1031))
    shaped(said(world, 1032), risk="'low'", maturity="'on_the_loop'")
    shaped(said(world, 1033), assignee_id=f"'{world.reviewer2.pk}'", assigned_until=hour, risk="'high'")
    shaped(said(world, 1034), assignee_id=f"'{world.reviewer.pk}'", assigned_until=hour)
    shaped(said(world, 1035), expires_at="clock_timestamp() + interval '4 minutes'")
    shaped(said(world, 1036), asked_at="clock_timestamp()", escalated_at="clock_timestamp()")
    shaped(said(world, 1037), status="'scheduled'", due_at=hour, maturity="'on_the_loop'")
    shaped(said(world, 1038), status="'uncertain'")
    shaped(said(world, 1039), undo_of="gen_random_uuid()")
    aside = said(world, 1040)
    shaped(aside, held_by_id=f"'{world.reviewer.pk}'", held_at="clock_timestamp()", held_reason="'later'")
    world.staged("write_note", {"text": "Customer 1041 asked for a call back", "about": "order 1041"})
    return world


def test_the_inbox_in_every_lane_has_no_fault(desk: World, at_desk: Callable[[str], Page]) -> None:
    page = at_desk("reviewer")
    page.goto("/")
    expect(page.locator("#queue .row")).to_have_count(8)
    found = {"inbox": faults_everywhere(page, "inbox-lanes", sizes=ALL_SIZES)}
    for lane, rows in {"mine": 1, "soon": 2, "second": 1, "unknown": 1, "undo": 1, "aside": 1}.items():
        page.goto(f"/?lane={lane}")
        expect(page.locator("#queue .row")).to_have_count(rows)
        found[lane] = faults_everywhere(page, f"lane-{lane}" if lane in ("soon", "second") else "")
    page.goto("/?lane=stopped")
    expect(page.get_by_role("heading", level=2, name="No stop holds anything back")).to_be_visible()
    found["empty"] = faults_everywhere(page, "lane-empty")
    assert {title: fault for title, fault in found.items() if fault} == {}


def test_what_a_stop_holds_back_is_marked_in_its_row(desk: World, at_desk: Callable[[str], Page]) -> None:
    engage(
        actor=desk.administrator,
        organization=desk.organization.pk,
        scope="tool",
        target=desk.tool().pk,
        reason="a drill",
    )
    page = at_desk("reviewer")
    page.goto("/?lane=stopped")
    expect(page.locator("#queue .row").first).to_contain_text("Held by a stop")
    assert faults_everywhere(page, "lane-stopped") == []


def test_a_list_is_narrowed_kept_and_forgotten_by_keyboard(desk: World, at_desk: Callable[[str], Page]) -> None:
    page = at_desk("reviewer")
    page.goto("/")
    page.get_by_role("button", name="Filter…").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Narrow the list")).to_be_visible()
    assert faults_everywhere(page, "inbox-filter") == []
    page.get_by_label("Risk").select_option("high")
    page.get_by_role("button", name="Narrow the list").press("Enter")
    page.wait_for_url("**/?risk=high")
    expect(page.locator(".chip")).to_contain_text("risk: high")
    page.get_by_role("button", name="Views…").press("Enter")
    page.get_by_label("Keep what you see now as").fill("Danger first")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?risk=high")
    expect(page.locator(".nav-kept")).to_contain_text("Danger first")
    page.get_by_role("button", name="Views…").press("Enter")
    expect(page.locator("#views")).to_contain_text("Danger first")
    assert faults_everywhere(page, "inbox-views") == []
    page.get_by_role("button", name="Forget the view Danger first").press("Enter")
    expect(page.locator(".nav-kept")).to_have_count(0)
    page.locator(".chip").press("Enter")
    page.wait_for_url(lambda url: "risk" not in url)


def test_the_order_is_explained_to_the_pointer_and_to_the_keyboard(desk: World, at_desk: Callable[[str], Page]) -> None:
    page = at_desk("reviewer")
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.goto("/")
    hint = page.locator("#order-hint")
    expect(hint).to_be_hidden()
    page.get_by_role("button", name="Soonest first").hover()
    expect(hint).to_be_visible()
    page.mouse.move(5, 5)
    expect(hint).to_be_hidden()
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Soonest first").press("Enter")
    expect(page.get_by_role("heading", name="How this list is ordered")).to_be_visible()
    assert faults_everywhere(page, sizes=("wide", "phone")) == []
