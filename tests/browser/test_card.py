"""The card in every state that it can have: without a fault, nothing on it moves under a hand, and pictures of it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from approvals.models import Action
from approvals.policy import Origin, Source
from approvals.services.edit import edit
from approvals.services.expire import expire
from approvals.services.reject import reject
from approvals.tasks import execute_permitted, rule_previewed, run_previews
from tests.browser.conftest import PHONE, SIZES, faults_everywhere, open_everything
from tests.support import seeing
from tests.support.permits import signed, stopped
from tests.support.sql import without_guards
from tests.support.tools import ORDERS, reset
from tests.support.voting import just_now
from tests.support.world import MESSAGE, World, approved

ALL_SIZES = tuple(SIZES)
TOLD = (Origin("to", Source.GOAL), Origin("body", Source.OUTSIDE, "step 2, read_mail"), Origin("subject", Source.GOAL))
ASIDE = ({"tool": "write_note", "why_not": "Nobody outside reads notes."},)
LOUD = {**MESSAGE, "to": "billing@pаypal.com", "body": "All is well." + "\n" * 2000 + "rm"}

Watch = Callable[[str], Page]


@pytest.fixture(autouse=True)
def _obedient() -> Iterator[None]:
    reset()
    seeing.reset()
    yield
    reset()
    seeing.reset()


def shown(page: Page, action: Action) -> Page:
    """The card, ready, and nothing on it fades."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"/actions/{action.pk}/")
    page.locator("#sentence").wait_for()
    return page


def rewritten(world: World, action: Action) -> None:
    """Another reviewer has put other words in."""
    edit(
        actor=world.reviewer2,
        organization=world.organization.pk,
        action_id=action.pk,
        digest=action.digest,
        arguments={**MESSAGE, "body": "It comes on Monday."},
        reason="Friday is wrong.",
        signed_in_at=just_now(),
    )


def test_what_waits_has_no_fault_at_any_risk(world: World, watched: Watch) -> None:
    signed(world)
    execute_permitted()
    waiting = {
        "action-medium": world.staged(arguments=LOUD, provenance=TOLD, considered=ASIDE, reasoning="It was asked for."),
        "action-high": world.staged("write_note", {"text": "Call back"}, reasoning="They agreed.", considered=ASIDE),
    }
    told = world.staged("shut_thing", {"thing": "T-1"})
    run_previews()
    rule_previewed()
    waiting["action-foreseen"] = told
    page, found = watched("reviewer"), {}
    for name, action in waiting.items():
        shown(page, action)
        found[name] = faults_everywhere(page, name, sizes=ALL_SIZES)
        open_everything(page)
        expect(page.locator(".fold-body .arg-note")).to_have_count(0)
        found[f"{name}, opened"] = faults_everywhere(page)
    assert {name: fault for name, fault in found.items() if fault} == {}


def test_every_end_has_no_fault(world: World, watched: Watch, settings: object) -> None:
    ended = {}
    with without_guards() as admin:  # two votes are needed, and one was given
        second = world.staged()
        admin.execute("UPDATE approvals_action SET quorum = 2 WHERE id = %s", [second.pk])
    approved(world, Action.objects.get(pk=second.pk))
    ended["action-second-vote"] = second
    for name, orders in {"failed": "refuse", "unknown": "break_after", "done": ""}.items():
        ORDERS.clear()
        ORDERS.extend([orders] if orders else [])
        ended[f"action-{name}"] = signed(world, tool="odd_neither", arguments={"text": name})
        execute_permitted()
    ended["action-permitted"] = signed(world)
    rejected = world.staged()
    reject(
        actor=world.reviewer2,
        organization=world.organization.pk,
        action_id=rejected.pk,
        digest=rejected.digest,
        reason="Wrong address.",
    )
    edited = world.staged()
    rewritten(world, edited)
    ended |= {"action-rejected": rejected, "action-edited": edited}
    settings.LAM_REVIEW_SECONDS = 0  # type: ignore[attr-defined]
    ended["action-expired"] = world.staged()
    expire()
    page, found = watched("reviewer"), {}
    for name, action in ended.items():
        shown(page, action)
        found[name] = faults_everywhere(page, name)
    assert {name: fault for name, fault in found.items() if fault} == {}


def test_what_a_stop_holds_has_no_fault(world: World, watched: Watch) -> None:
    action = world.staged()
    stopped(world)
    page = shown(watched("reviewer"), action)
    expect(page.locator("#decide")).to_contain_text("Held by a stop")
    assert faults_everywhere(page, "action-stopped") == []


def test_t55_a_vote_that_arrives_moves_nothing_that_is_read_or_pointed_at(world: World, watched: Watch) -> None:
    action = world.staged()
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET quorum = 2")
    page = shown(watched("reviewer"), action)
    parts = page.locator("#card .section, #card .args tr, #card .section h2")
    before = [part.bounding_box() for part in parts.all()]
    assert len(before) > 10
    approved(world, Action.objects.get(pk=action.pk), by="reviewer2")
    expect(page.locator("#card-votes")).to_contain_text("reviewer2 approved")
    assert [part.bounding_box() for part in parts.all()] == before


def test_t55_what_came_of_it_does_not_push_the_card_away(world: World, watched: Watch) -> None:
    action = signed(world)
    page = shown(watched("reviewer"), action)
    parts = page.locator("#card .effect, #card .args tr")
    before = [part.bounding_box() for part in parts.all()]
    execute_permitted()
    expect(page.locator("#card-status")).to_have_text("Done")
    expect(page.locator("#card-outcome-live")).to_contain_text("What came of it")
    assert [part.bounding_box() for part in parts.all()] == before


def test_t02_what_changes_while_it_is_read_takes_the_button_away_and_says_what(world: World, watched: Watch) -> None:
    action = world.staged()
    page = shown(watched("reviewer"), action)
    rewritten(world, action)
    expect(page.locator("#decide")).to_contain_text("reviewer2 changed this while you read")
    expect(page.locator("#decide .sides")).to_contain_text("It comes on Monday.")
    expect(page.locator("#decide").get_by_role("button")).to_have_count(0)
    assert faults_everywhere(page, "action-superseded") == []


def test_evidence_is_turned_by_hand_by_keys_and_on_a_phone(world: World, watched: Watch) -> None:
    action = signed(world)
    page = shown(watched("auditor"), action)
    for name, text in {"Plan": "Steps of the run", "Talk": "decides nothing", "Receipt": "Permit"}.items():
        page.locator("#evidence label", has_text=name).click()
        expect(page.locator(f"#evidence [data-tab={name.lower()}]")).to_contain_text(text)
        expect(page.locator("#evidence [data-tab=timeline]")).to_be_hidden()
    page.locator("#ev-receipt").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#evidence [data-tab=trace]")).to_contain_text("No model call belongs to this action")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    expect(page.locator("#evidence")).to_be_hidden()
    page.locator("#card").get_by_role("link", name="Evidence").click()
    page.locator("#evidence label", has_text="Receipt").click()
    expect(page.locator("#card-receipt")).to_contain_text(action.permits.get().kid)
    assert faults_everywhere(page, "evidence") == []
