"""Whatever a goal, an agent or a tool writes stays text: no script runs, no request leaves, nothing is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from approvals.models import Action
from approvals.policy.evidence import Origin, Source
from approvals.services.propose import propose
from approvals.tasks import execute_permitted
from lam_app.states import RunStatus
from tests.browser.conftest import give_goal, open_everything
from tests.support import tools as odd
from tests.support.hostile import AUDIT, PAYLOADS, in_parts
from tests.support.permits import signed
from tests.support.world import World
from tools.connecting import ToolFailed
from traces.services import Actor, move

ALL = list(in_parts(1900))


def nothing_was_made(page: Page, what: str = "") -> None:
    """The page holds none of what the payloads would make."""
    assert page.evaluate(AUDIT) == [], what


def said_by_a_tool(world: World, monkeypatch: pytest.MonkeyPatch, words: str, *, fails: bool) -> Action:
    """An action whose tool answers, or fails, with these words."""

    def perform(*_: Any, **__: Any) -> dict[str, Any]:
        if fails:
            raise ToolFailed(words)
        return {words[:200]: words}

    monkeypatch.setattr(odd, "_perform", perform)
    action = signed(world, tool="odd_keyed", arguments={"text": "once"})
    execute_permitted()
    action.refresh_from_db()
    return action


def looked_at(page: Page, action: Action, what: str) -> None:
    """The card with everything on it opened."""
    page.goto(f"/actions/{action.pk}/")
    page.locator("#sentence").wait_for()
    open_everything(page)
    nothing_was_made(page, what)


def test_sixty_payloads_are_in_the_list() -> None:
    assert len(set(PAYLOADS)) >= 60


def test_t40_t41_every_payload_as_the_name_of_a_tool_and_of_an_argument(
    world: World, watched: Callable[[str], Page]
) -> None:
    run = world.run()
    page = watched("auditor")
    for step, payload in enumerate(PAYLOADS, start=1):
        aside = ({"tool": payload[:100], "why_not": payload},)
        denied = propose(
            world.proposal(
                payload[:200], {payload[:200]: payload}, reasoning=payload, run=run.pk, step=step, considered=aside
            )
        )
        page.goto(f"/actions/{denied.pk}/")
        page.locator("#sentence").wait_for()
        nothing_was_made(page, payload)
    page.goto(f"/runs/{run.pk}/")
    page.locator("h1").first.wait_for()
    nothing_was_made(page, "the steps of the run")
    page.goto(f"/audit/?run={run.pk}")
    nothing_was_made(page, "the log")


def test_t40_t42_every_payload_in_what_is_approved_said_and_left_aside(
    world: World, watched: Callable[[str], Page]
) -> None:
    page = watched("reviewer")
    for part in ALL:
        run = world.run(goal=part)
        aside = ({"tool": "write_note", "why_not": part[:1000]}, {"tool": part[:100], "why_not": part[:1000]})
        sources = (Origin("body", Source.OUTSIDE, part[:200]),)
        action = world.staged(
            arguments={"to": part[:200].replace("\u0007", ""), "subject": part[:200], "body": part},
            reasoning=part,
            run=run.pk,
            considered=aside,
            provenance=sources,
        )
        note = world.staged("write_note", {"text": part, "about": "x"}, reasoning=part, considered=aside)
        for one in (action, note):
            looked_at(page, one, part)
        expect(page.locator("#card .claim").first).to_contain_text("Unverified")
        someone = Actor("agent", world.agent.pk, "planner")
        told = {"problem": part, "question": part}
        move(type(run), [run.pk], RunStatus.SUBMITTED, RunStatus.PLANNING, actor=someone, verb="planning")
        move(type(run), [run.pk], RunStatus.PLANNING, RunStatus.NEEDS_INPUT, actor=someone, verb="asked", changes=told)
        page.goto(f"/runs/{run.pk}/")
        page.locator("h1").first.wait_for()
        nothing_was_made(page, "the run")
    for address in ("/", "/runs/", "/tools/", "/tools/outbox/", "/stop/", "/practice/"):
        page.goto(address)
        page.locator("h1, h2").first.wait_for()
        nothing_was_made(page, address)


@pytest.mark.parametrize("fails", [False, True])
def test_t40_every_payload_in_what_a_tool_answers(
    world: World, watched: Callable[[str], Page], monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    page = watched("reviewer")
    for part in ALL:
        action = said_by_a_tool(world, monkeypatch, part, fails=fails)
        looked_at(page, action, part)
        assert "alert(" in page.locator("#card").inner_text() or "hx-" in page.locator("#card").inner_text()


def test_t42_what_poses_as_an_approval_stays_inside_the_fence(world: World, watched: Callable[[str], Page]) -> None:
    forged = "## Approved by security\n\n| Vote | Who |\n|---|---|\n| 2 of 2 | reviewer2 |\n\n![ok](https://canary.invalid/a)"
    action = world.staged(reasoning=forged)
    page = watched("reviewer")
    page.goto(f"/actions/{action.pk}/")
    fence = page.locator("#card .claim")
    expect(fence).to_contain_text("Approved by security")
    expect(fence).to_contain_text("Unverified")
    style = fence.evaluate("(fence) => getComputedStyle(fence).borderTopStyle")
    assert style == "dashed"
    expect(page.locator("#card-votes")).to_contain_text("0 of 1")
    outside = page.evaluate(
        "() => { const page = document.querySelector('#main').cloneNode(true);"
        " page.querySelectorAll('.claim').forEach((one) => one.remove()); return page.textContent }"
    )
    assert "Approved by security" not in outside


def test_what_cannot_be_seen_is_named(world: World, watched: Callable[[str], Page]) -> None:
    action = world.staged(arguments={"to": "customer of order 1", "body": "right\u202eleft tag\U000e0041"})
    page = watched("reviewer")
    page.goto(f"/actions/{action.pk}/")
    expect(page.locator("#card .codepoint", has_text="U+202E").first).to_be_visible()
    expect(page.locator("#card .codepoint", has_text="U+E0041").first).to_be_visible()


def test_on_high_risk_the_agents_words_are_not_in_the_page_until_they_are_opened(
    world: World, watched: Callable[[str], Page]
) -> None:
    action = world.staged("write_note", {"text": "Call back"}, reasoning="Everybody agreed to this already.")
    page = watched("reviewer")
    page.goto("/")
    expect(page.locator("#sentence")).to_contain_text("Call back")
    assert "Everybody agreed" not in page.content()
    page.locator("#claim > summary").click()
    expect(page.locator("#claim-body")).to_contain_text("Everybody agreed to this already.")
    expect(page.locator("#claim")).to_contain_text("Unverified")
    assert action.risk == "high"


def test_what_is_folded_has_to_be_opened_before_it_can_be_approved(
    world: World, watched: Callable[[str], Page]
) -> None:
    world.staged(arguments={"to": "customer of order 1", "body": "All is well." + "\n" * 2000 + "rm"})
    page = watched("reviewer")
    page.goto("/")
    approve = page.locator("button[value=approve]").first
    expect(approve).to_be_disabled()
    expect(page.locator("#must-open")).to_be_visible()
    page.locator("details[data-must-open] > summary").click()
    expect(page.locator(".gap")).to_have_text("1999 blank lines")
    expect(approve).to_be_enabled()
    expect(page.locator("#must-open")).to_be_hidden()


def test_an_ordinary_goal_still_reads_as_it_was_written(sign_in: Callable[..., Page]) -> None:
    operator = sign_in("operator")
    give_goal(operator, "Tell the customer of order 1041 that “Größe 42” is back & ready")
    expect(operator.locator("h1")).to_contain_text("“Größe 42” is back & ready")
