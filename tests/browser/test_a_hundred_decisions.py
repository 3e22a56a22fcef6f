"""What deciding costs: a scripted reviewer decides a hundred mixed actions by keyboard; keys and round trips counted.

The figures in docs/desk.md are what this prints; what is held here are counts, never times.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from approvals.models import Action, Decision
from tests.support.typist import Typist, unseen
from tests.support.up import until
from tests.support.world import PASSWORD, World

HUNDRED = 100
FEW = 10
KINDS = ("plain", "plain", "plain", "plain", "final", "final", "final", "long", "no", "no")
"""Of every ten: four that can be taken back, three that cannot, one with a folded value, two to be refused."""


def staged(world: World, number: int) -> tuple[Action, str]:
    """The action of this number, and what kind it is."""
    kind = KINDS[number % len(KINDS)]
    body = "It is on its way. " * (40 if kind == "long" else 1)
    if kind == "plain":
        return world.staged("put_odd", {"thing": f"thing {number}"}), kind
    return world.staged(arguments={"to": f"customer of order {number}", "body": body}), kind


def signed_in(page: Page, name: str) -> None:
    """By the form, so that high risk does not ask for the password anew."""
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.fill("#login", name)
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/accounts/login" not in address)


@pytest.fixture
def kinds(world: World) -> dict[str, str]:
    """A hundred actions, each with its kind."""
    return {str(action.pk): kind for action, kind in (staged(world, number) for number in range(HUNDRED))}


def test_a_hundred_decisions_by_keyboard(
    world: World, kinds: dict[str, str], at_desk: Callable[..., Page], capsys: Any
) -> None:
    page = at_desk("reviewer2")
    signed_in(page, "reviewer")
    page.goto("/")
    page.locator("#sentence").wait_for()
    page.locator("[aria-keyshortcuts=r]").first.wait_for(state="attached")
    typist, keys, trips, decided = Typist(page), Counter[str](), Counter[str](), Counter[str]()
    for left in range(HUNDRED, 0, -1):
        now = typist.card()
        kind = kinds[now]
        before, asked = typist.keys, typist.trips.total()
        if kind == "no":
            typist.rejects()
        else:
            typist.approves()
        if left > 1:
            expect(page.locator("#card")).not_to_have_attribute("data-action", now)
        else:
            page.get_by_role("heading", name="Nothing waits for you").wait_for()
        keys[kind] += typist.keys - before
        trips[kind] += typist.trips.total() - asked
        decided[kind] += 1
    said = Decision.objects.filter(action_id__in=list(kinds)).values_list("action_id", "verb")
    assert {str(action): verb for action, verb in said} == {
        action: "reject" if kind == "no" else "approve" for action, kind in kinds.items()
    }
    each = {kind: round(keys[kind] / decided[kind], 2) for kind in sorted(decided)}
    table = {
        "keys": {**each, "all": round(keys.total() / HUNDRED, 2)},
        "trips": {
            **{kind: round(trips[kind] / decided[kind], 2) for kind in sorted(decided)},
            "all": round(typist.trips.total() / HUNDRED, 2),  # with what cards fetched after they were read
        },
        "by kind": dict(typist.trips),
    }
    with capsys.disabled():
        print("\nby single keys:", json.dumps(table))
    assert keys.total() / HUNDRED <= 3
    assert typist.trips.total() / HUNDRED <= 3


def test_the_same_without_single_keys(world: World, at_desk: Callable[..., Page], capsys: Any) -> None:
    kinds = {str(action.pk): kind for action, kind in (staged(world, number) for number in range(FEW))}
    page = at_desk("reviewer2")
    signed_in(page, "reviewer")
    page.goto("/")
    page.locator("#sentence").wait_for()
    person = page.evaluate("document.getElementById('keys').dataset.person")
    page.evaluate("(person) => localStorage.setItem(`countersign:${person}:keys`, 'off')", person)
    page.goto("/")
    page.locator("#sentence").wait_for()
    typist = Typist(page)
    for _ in range(FEW):
        kind = kinds[typist.card()]
        by_tab(typist, kind)
        page.wait_for_load_state()
        typist.tabs_to(".nav a[href='/']")  # back to what waits
        typist.press("Enter")
        page.wait_for_load_state()
        if Action.objects.filter(pk__in=list(kinds), status="in_review").exists():
            page.locator("#sentence").wait_for()
    assert Decision.objects.filter(action_id__in=list(kinds)).count() == FEW
    with capsys.disabled():
        print(f"\nby Tab and Enter: {typist.keys / FEW} keys, {typist.trips.total() / FEW} trips a decision")


def by_tab(typist: Typist, kind: str) -> None:
    """The decision by Tab and Enter alone."""
    page = typist.page
    if kind == "no":
        typist.tabs_to("#decide [popovertarget=reject-dialog]")
        typist.press("Enter")
        expect(page.locator("#reject-dialog input[type=radio]").first).to_be_focused()
        typist.press("Space")
        typist.tabs_to("#reject-dialog [type=submit]")
        typist.press("Enter")
        page.wait_for_url("**/actions/*/")
        return
    if kind == "long":
        typist.tabs_to("#card details.fold summary")
        typist.press("Enter")
        expect(page.locator("#decide [data-key=approve]")).to_be_enabled()
    for _ in range(40):
        typist.tabs_to("#decide [data-key=approve]")
        until(lambda: not (unseen(page) or {}).get("fresh"), 20, "the card has stood there for a moment")
        whole = unseen(page) is None
        typist.press("Enter")
        if whole:
            break
    if kind != "plain":
        typist.tabs_to("#approve-dialog [type=submit]")
        typist.press("Enter")
    page.wait_for_url("**/actions/*/")
