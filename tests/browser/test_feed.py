"""The live feed in a browser: what leaves, what ran, and that nothing moves under a hand. No worker runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Browser, BrowserContext, Page, expect

from approvals.models import Action
from approvals.services.hold import hold
from approvals.services.leave import leave
from approvals.services.veto import veto
from tests.browser.conftest import PATIENCE, SIZES, WIDE, _known, _listen, faults_everywhere, picture
from tests.support.desking import leaving, on
from tests.support.many import shaped
from tests.support.served import Served, served
from tests.support.voting import status
from tests.support.world import World
from tools.models import Tool
from traces.services import Actor, Entry, record

ALL_SIZES = tuple(SIZES)
SAY = {"to": "customer of order {}", "body": "Your order is delayed until Friday."}
NOTE = {"text": "Customer {} asked for a call back", "about": "order {}"}
EXECUTOR = Actor.system("executor")


@pytest.fixture
def server(world: World, settings: Any) -> Iterator[Served]:
    """A server that can tell pages live."""
    settings.LAM_FEED_CHECK_SECONDS = 1
    with served() as found:
        yield found


@pytest.fixture
def person(world: World, server: Served, browser: Browser, complaints: list[str]) -> Iterator[Callable[..., Page]]:
    """A page for a person of ``world``, signed in already."""
    contexts: list[BrowserContext] = []

    def opened(name: str, at: str = "/feed/", **wishes: Any) -> Page:
        address = f"http://127.0.0.1:{server.port}"
        context = _known(world, address, browser, name, **{"viewport": WIDE, "reduced_motion": "reduce", **wishes})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
        page.on("console", lambda said: _listen(said.text, complaints))
        page.goto(at)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def connected(page: Page) -> Page:
    """The page once it is told live."""
    expect(page.locator("#link")).to_have_attribute("data-link", "on")
    return page


def line(page: Page, action: Action) -> Any:
    """The action's line."""
    return page.locator(f"#line-{action.pk}")


def message(world: World, order: int) -> Action:
    return world.staged("send_message", {name: value.format(order) for name, value in SAY.items()})


def note(world: World, order: int) -> Action:
    return world.staged("write_note", {name: value.format(order) for name, value in NOTE.items()})


def scheduled(action: Action, seconds: int, **columns: str) -> Action:
    """It leaves by itself in so many seconds."""
    due = f"clock_timestamp() + interval '{seconds} seconds'"
    return shaped(action, **{"status": "'scheduled'", "maturity": "'on_the_loop'", "due_at": due, **columns})


def came_to(action: Action, where: str, **columns: str) -> Action:
    """It stands there now, and its event says so."""
    shaped(action, **{"status": f"'{where}'", "maturity": "'on_the_loop'", **columns})
    record(Entry(action.organization_id, EXECUTOR, where, "action", action.pk, source="permitted", target=where))
    return action


@pytest.fixture
def busy(world: World) -> World:
    """A feed with a line in every state."""
    scheduled(message(world, 4698), 3600, risk="'low'")
    scheduled(note(world, 4730), 1800, risk="'low'")
    scheduled(message(world, 4731), 240, risk="'medium'")
    aside = scheduled(note(world, 4732), 600)
    on(world, hold, "reviewer2", aside)
    shaped(aside, maturity="'on_the_loop'", risk="'low'")
    came_to(note(world, 4722), "done")
    came_to(message(world, 4690), "failed")
    came_to(message(world, 4691), "uncertain")
    came_to(note(world, 4692), "executing")
    on(world, veto, "reviewer", scheduled(message(world, 1022), 60))
    return world


def test_the_feed_teaches_where_it_is_empty_and_has_no_fault(person: Callable[..., Page]) -> None:
    page = connected(person("reviewer"))
    expect(page.get_by_role("heading", name="Nothing is about to leave")).to_be_visible()
    assert faults_everywhere(page, "feed-empty", sizes=ALL_SIZES) == []


def test_the_feed_in_every_state_has_no_fault(busy: World, person: Callable[..., Page]) -> None:
    page = connected(person("reviewer"))
    expect(page.locator("#leaving .feed-row")).to_have_count(4)
    expect(page.locator("#ran .feed-row")).to_have_count(5)
    found = faults_everywhere(page, "feed", sizes=ALL_SIZES)
    page.locator("#leaving .feed-row").first.hover()
    for order in (4801, 4802, 4803):
        come(scheduled(note(busy, order), 900))
    expect(page.get_by_role("button", name="3 new")).to_be_visible()
    picture(page, "feed-three-new-wide-light")
    assert found == []


def come(action: Action) -> None:
    """What leaves by itself is told of by its event."""
    record(Entry(action.organization_id, EXECUTOR, "ruled", "action", action.pk, source="proposed", target="scheduled"))


def test_nothing_moves_under_the_pointer_and_what_is_new_waits_behind_a_button(
    world: World, person: Callable[..., Page]
) -> None:
    first, second = leaving(world, 300), leaving(world, 400)
    page = connected(person("reviewer"))
    expect(page.locator("#leaving .feed-row")).to_have_count(2)
    line(page, second).get_by_role("button", name="Veto").hover()
    before = [line(page, one).bounding_box() for one in (first, second)]
    soonest = leaving(world, 20)
    on(world, veto, "reviewer2", first)
    expect(page.get_by_role("button", name="1 new")).to_be_visible()
    expect(line(page, first)).to_contain_text("vetoed by reviewer2")
    assert [line(page, one).bounding_box() for one in (first, second)] == before
    expect(line(page, soonest)).to_have_count(0)
    page.get_by_role("button", name="1 new").click()
    expect(page.locator("#leaving .feed-row").first).to_have_id(f"line-{soonest.pk}")
    expect(page.locator("#ran .feed-row")).to_have_id(f"line-{first.pk}")


def test_what_a_press_was_meant_for_is_out_of_reach_once_it_has_left(world: World, person: Callable[..., Page]) -> None:
    action = leaving(world, 300)
    page = connected(person("reviewer"))
    press = line(page, action).get_by_role("button", name="Veto")
    press.focus()
    on(world, hold, "reviewer2", action)
    expect(line(page, action)).to_contain_text("held by reviewer2")
    expect(line(page, action).locator("[data-row]")).to_be_focused()
    expect(line(page, action).locator(".feed-acts")).to_have_attribute("inert", "")
    page.locator("h1").click()
    page.evaluate("document.activeElement.blur()")
    expect(line(page, action).get_by_role("link", name="Decide…")).to_be_visible()


def test_a_veto_with_two_seconds_left_keeps_it_from_leaving(world: World, person: Callable[..., Page]) -> None:
    action = leaving(world, 12)
    page = connected(person("reviewer"))
    ring = line(page, action).locator(".veto b")
    expect(ring).to_have_text("2")
    picture(page, "feed-last-seconds-wide-light")
    line(page, action).get_by_role("button", name="Veto").click()
    expect(page.locator("#said")).to_contain_text("It did not run")
    expect(line(page, action)).to_contain_text("vetoed by reviewer")
    assert status(action) == "rejected"
    assert leave() == 0


def test_what_is_held_by_keyboard_stays_where_it_is(world: World, person: Callable[..., Page]) -> None:
    action = leaving(world, 300)
    page = connected(person("reviewer"))
    line(page, action).get_by_role("button", name="Hold").press("Enter")
    expect(page.locator("#said")).to_contain_text("Nothing leaves")
    expect(line(page, action)).to_contain_text("held by reviewer, nothing leaves")
    assert status(action) == "in_review"


def test_a_stop_from_the_feed_holds_back_what_leaves(world: World, person: Callable[..., Page]) -> None:
    action = leaving(world, 300)
    watching, page = connected(person("reviewer2")), connected(person("reviewer"))
    line(page, action).get_by_role("link", name="Stop…").click()
    page.get_by_label("A tool").check()
    page.get_by_label("Why").first.fill("They go to the wrong place.")
    page.get_by_role("button", name="Stop a tool").click()
    expect(page.locator(".banner")).to_contain_text("Tool put_odd is stopped")
    expect(line(watching, action)).to_contain_text("held by a stop, nothing leaves")
    expect(watching.locator(".banner")).to_contain_text("Tool put_odd is stopped")
    page.goto("/feed/")
    expect(line(page, action)).to_contain_text("held by a stop, nothing leaves")
    assert faults_everywhere(page, "feed-stopped") == []
    assert leave() == 0


def test_a_session_that_was_revoked_is_told_so_and_nothing_more(world: World, person: Callable[..., Page]) -> None:
    action = leaving(world, 300)
    page = connected(person("reviewer"))
    Session.objects.filter(session_key=page.context.cookies()[0]["value"]).delete()
    expect(page.locator("#connection")).to_contain_text("Nothing more is told")
    on(world, veto, "reviewer2", action)
    expect(line(page, action).locator(".feed-acts")).to_have_attribute("inert", "")
    page.wait_for_timeout(3000)
    expect(line(page, action)).to_have_attribute("data-status", "scheduled")


def test_the_inbox_hears_at_once_and_the_open_card_stays(world: World, person: Callable[..., Page]) -> None:
    first = message(world, 1001)
    page = person("reviewer", "/tools/")
    with page.expect_response(lambda answer: "/feed/stream/" in answer.url):
        page.goto(f"/actions/{first.pk}/")
    expect(page.locator("#sentence")).to_contain_text("1001")
    page.evaluate("document.getElementById('card').dataset.mine = 'yes'")
    message(world, 1002)
    expect(page.locator("#news .pill-new")).to_contain_text("1 new")
    assert page.evaluate("document.getElementById('card').dataset.mine") == "yes"
    expect(page.locator("#queue .row")).to_have_count(1)


def test_a_page_without_a_stream_looks_by_itself(world: World, at_desk: Callable[..., Page]) -> None:
    page = at_desk("reviewer")
    page.goto("/feed/")
    expect(page.locator("#link")).to_have_attribute("data-link", "polls")
    action = leaving(world, 300)
    expect(line(page, action)).to_contain_text("leaves unless someone objects")


def test_g_and_f_lead_there(world: World, person: Callable[..., Page]) -> None:
    page = person("reviewer", "/tools/")
    page.keyboard.press("g")
    page.keyboard.press("f")
    page.wait_for_url("**/feed/")
    expect(page.get_by_role("link", name="Live")).to_have_attribute("aria-current", "page")


def test_a_paused_list_waits_until_it_may_go_on(world: World, person: Callable[..., Page]) -> None:
    Tool.objects.filter(name="put_odd").update(maturity="on_the_loop")
    page = connected(person("reviewer"))
    page.get_by_role("button", name="Pause the list").click()
    action = leaving(world, 300)
    expect(page.get_by_role("button", name="1 new")).to_be_visible()
    page.get_by_role("button", name="Let it go on").click()
    expect(line(page, action)).to_be_visible()
