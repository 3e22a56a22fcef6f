"""The card in every state that an action can be in: without a fault, and a picture of each for the manual.

What a state looks like on the demo's own tools stands in the tests that reach it there: unknown outcome, undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import Page, expect

from approvals.models import Action
from approvals.policy import Origin, Source
from approvals.services.edit import edit
from approvals.services.expire import expire
from approvals.services.halt import halt
from approvals.services.propose import propose
from approvals.services.reject import reject
from approvals.tasks import execute_permitted
from tests.browser.conftest import SIZES, faults, picture
from tests.support import bulk_tools
from tests.support.desking import on
from tests.support.permits import signed
from tests.support.sql import without_guards
from tests.support.tools import ORDERS, reset
from tests.support.voting import yes
from tests.support.world import World
from tools.killswitch import engage
from tools.models import Tool

AtDesk = Callable[..., Page]
GOAL = (Origin("article", Source.GOAL), Origin("units", Source.GOAL), Origin("mail", Source.GOAL))
TOLD = {"provenance": (*GOAL, Origin("note", Source.RECORD, "order 1009")), "reasoning": "The customer asked for it."}
WANTED = {"article": "KTL-1", "units": 3, "mail": "ines@shop.example"}


@pytest.fixture(autouse=True)
def _obedient() -> Iterator[None]:
    reset()
    bulk_tools.INSIDE.clear()
    bulk_tools.GO_ON.clear()
    yield
    bulk_tools.GO_ON.set()
    reset()


def asked(world: World, **more: Any) -> Action:
    """Three kettles are to be put aside."""
    return world.staged("reserve_odd", WANTED, **TOLD, **more)


def on_its_way(world: World, *orders: str) -> Action:
    """The same with its permit; the call then goes as ordered."""
    ORDERS.extend(orders)
    return signed(world, tool="reserve_odd", arguments=WANTED, **TOLD)


def ended(world: World, *orders: str) -> Action:
    """The same, executed."""
    action = on_its_way(world, *orders)
    execute_permitted()
    return action


def edited(world: World, action: Action) -> Action:
    """Another reviewer has put another number in."""
    changed = {**WANTED, "units": 2, "note": "Until Monday"}
    on(world, edit, "reviewer2", action, arguments=changed, reason="Only two are left.")
    return action


def looked_at(page: Page, name: str) -> list[str]:
    """The faults wide and on a phone, in light and dark, and the two pictures that the manual keeps."""
    found = []
    for size, scheme in (("wide", "light"), ("wide", "dark"), ("phone", "dark")):
        page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found += [f"{size} {scheme}: {fault}" for fault in faults(page)]
        if (size, scheme) in {("wide", "light"), ("phone", "dark")}:
            picture(page, f"card-{name}-{size}-{scheme}")
    page.set_viewport_size(SIZES["wide"])  # type: ignore[arg-type]
    page.emulate_media(color_scheme="light")
    return found


def shown(at_desk: AtDesk, name: str, action: Action, word: str, *, who: str = "reviewer") -> list[str]:
    """Open the card, see that it is in that state, look at it."""
    page = at_desk(who)
    page.goto(f"/actions/{action.pk}/")
    expect(page.locator("#card-status")).to_have_text(word)
    return looked_at(page, name)


def test_what_waits_at_each_risk_and_as_another_version(world: World, at_desk: AtDesk) -> None:
    new = edited(world, asked(world))
    Tool.objects.filter(organization=world.organization, name="reserve_odd").update(tier="draft")
    low = asked(world)
    assert low.risk == "low"
    assert shown(at_desk, "low-risk", low, "In review") == []
    page = at_desk("reviewer")
    page.goto(f"/actions/{new.pk}/")
    expect(page.locator("#card")).to_contain_text("What reviewer2 changed")
    assert looked_at(page, "edited") == []


def test_what_changes_while_it_is_read(world: World, at_desk: AtDesk) -> None:
    action = asked(world)
    page = at_desk("reviewer")
    page.goto(f"/actions/{action.pk}/")
    edited(world, action)
    expect(page.locator("#decide")).to_contain_text("changed this while you read")
    assert looked_at(page, "superseded") == []


def test_what_leaves_by_itself_and_what_is_on_its_way(world: World, at_desk: AtDesk) -> None:
    assert shown(at_desk, "permitted", on_its_way(world), "Permitted") == []
    Tool.objects.filter(organization=world.organization, name="reserve_odd").update(
        maturity="on_the_loop", veto_seconds=600
    )
    assert shown(at_desk, "scheduled", asked(world), "Scheduled") == []


def test_what_is_done_just_now_and_what_came_of_it(world: World, at_desk: AtDesk) -> None:
    action = on_its_way(world, "wait")

    def at_work() -> None:
        execute_permitted()
        connections.close_all()

    with ThreadPoolExecutor(1) as executor:
        begun = executor.submit(at_work)
        assert bulk_tools.INSIDE.wait(bulk_tools.SECONDS)
        page = at_desk("reviewer")
        page.goto(f"/actions/{action.pk}/")
        expect(page.locator("#card-status")).to_have_text("Executing")
        found = looked_at(page, "executing")
        bulk_tools.GO_ON.set()
        begun.result(bulk_tools.SECONDS)
    expect(page.locator("#card-status")).to_have_text("Done")
    page.reload()
    assert (found, looked_at(page, "done")) == ([], [])


def test_what_failed_and_what_nobody_knows(world: World, at_desk: AtDesk) -> None:
    assert shown(at_desk, "failed", ended(world, "refuse"), "Failed") == []
    assert shown(at_desk, "unknown", ended(world, *["break"] * 9), "Unknown outcome") == []


def test_every_no(world: World, at_desk: AtDesk, settings: Any) -> None:
    rejected, denied = asked(world), propose(world.proposal("erase_everything", {"really": True}, **TOLD))
    on(world, reject, "reviewer2", rejected, code="duplicate", reason="Ines reserved them by telephone this morning.")
    found = shown(at_desk, "rejected", rejected, "Rejected")
    found += shown(at_desk, "denied", denied, "Denied by policy", who="administrator")
    stopped = on_its_way(world)
    settings.LAM_REVIEW_SECONDS = 0
    late = asked(world)
    expire()
    found += shown(at_desk, "expired", late, "Expired")
    engage(
        actor=world.administrator,
        organization=world.organization.pk,
        scope="run",
        target=stopped.run,
        reason="The stocktaking is wrong.",
    )
    halt()
    assert [*found, *shown(at_desk, "halted", stopped, "Halted by a stop")] == []


def test_what_waits_for_a_second_vote(world: World, at_desk: AtDesk) -> None:
    action = asked(world)
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET quorum = 2 WHERE id = %s", [action.pk])
    yes(world, world.reviewer2, action)
    assert shown(at_desk, "second-vote", action, "In review") == []
