"""Whatever a goal or an agent writes stays text: no script runs, no request leaves, nothing is made (T40-T44)."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from approvals.models import Action
from approvals.services.propose import propose
from approvals.tasks import execute_permitted
from lam_app.states import RunStatus
from tests.browser.conftest import give_goal, open_everything
from tests.support import tools as odd
from tests.support.permits import signed
from tests.support.world import World
from tools.connecting import ToolFailed
from traces.services import Actor, move

CANARY = "canary.invalid"
PAYLOADS = (
    f"<img src=x onerror=\"fetch('//{CANARY}')\">",
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<svg/onload=alert(3)>",
    '"><svg onload=alert(4)>',
    "' autofocus onfocus='alert(5)",
    "<details open ontoggle=alert(6)>",
    f"<iframe srcdoc='<img src=//{CANARY}/b>'></iframe>",
    f"<link rel=stylesheet href=//{CANARY}/c.css>",
    f"<style>*{{background:url(//{CANARY}/d)}}</style>",
    f"<meta http-equiv=refresh content='0;url=//{CANARY}/e'>",
    f"<base href=//{CANARY}/>",
    '<div hx-get="/actions/" hx-trigger="load">x</div>',
    '<div hx-post="/stop/" hx-trigger="load" hx-vals=\'{"scope":"organization"}\'>x</div>',
    "<form id=f action=/stop/ method=post></form><button form=f>Approve</button>",
    "</textarea></blockquote></details></article><h1>Approved by security</h1>",
    f"![Approved](https://{CANARY}/a.png) [click](javascript:alert(7))",
    "javascript:alert(8)",
    "{{ 7|add:7 }} {% now 'Y' %} ${7*7} #{7*7}",
    "<!-- --!><img src=y onerror=alert(9)>",
    "right\u202eleft zero\u200bwidth tag\U000e0041",
)
ALL = " ".join(PAYLOADS)
MADE = (
    "img", "main script", "iframe", "main style", "base", "meta[http-equiv]", "link[href*='canary']", "object",
    "[onerror]", "[onload]", "[onfocus]", "[ontoggle]", "[form=f]", "#f", "[hx-get='/actions/']", "[hx-post]",
    "main a[href^='javascript']", "h1:text-is('Approved by security')",
)  # fmt: skip
"""What these payloads would make, if any of them were read as markup."""


def nothing_was_made(page: Page) -> None:
    """The page holds none of it."""
    for made in MADE:
        expect(page.locator(made)).to_have_count(0)


def said_by_a_tool(world: World, monkeypatch: pytest.MonkeyPatch, *, fails: bool) -> Action:
    """An action whose tool answers, or fails, with all payloads."""

    def perform(*_: Any, **__: Any) -> dict[str, Any]:
        if fails:
            raise ToolFailed(ALL)
        return {ALL[:200]: ALL}

    monkeypatch.setattr(odd, "_perform", perform)
    action = signed(world, tool="odd_keyed", arguments={"text": "once"})
    execute_permitted()
    action.refresh_from_db()
    return action


def test_hostile_words_in_every_field_stay_words(
    world: World, watched: Callable[[str], Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = world.run(goal=ALL[:1900])
    shown = {
        "goal, reasoning and arguments": world.staged(
            arguments={"to": PAYLOADS[0][:200], "subject": PAYLOADS[12][:200], "body": ALL}, reasoning=ALL, run=run.pk
        ),
        "reasoning, when it is asked for": world.staged("write_note", {"text": ALL, "about": "x"}, reasoning=ALL),
        "name of the tool": propose(world.proposal(ALL[:200], {PAYLOADS[1]: PAYLOADS[0]}, reasoning=ALL)),
        "result": said_by_a_tool(world, monkeypatch, fails=False),
        "error": said_by_a_tool(world, monkeypatch, fails=True),
    }
    someone, told = Actor("agent", world.agent.pk, "planner"), {"problem": ALL, "question": ALL}
    move(type(run), [run.pk], RunStatus.SUBMITTED, RunStatus.PLANNING, actor=someone, verb="planning")
    move(type(run), [run.pk], RunStatus.PLANNING, RunStatus.NEEDS_INPUT, actor=someone, verb="asked", changes=told)
    reviewer, auditor = watched("reviewer"), watched("auditor")
    for what, action in shown.items():
        page = auditor if what == "name of the tool" else reviewer
        page.goto(f"/actions/{action.pk}/")
        page.locator("#sentence").wait_for()
        open_everything(page)
        nothing_was_made(page)
        assert "alert(1)" in page.locator("#card").inner_text(), what
        expect(page.locator("#card .codepoint").first).to_be_attached()
    for address in ("/", f"/runs/{run.pk}/", "/runs/", "/tools/", "/tools/outbox/"):
        reviewer.goto(address)
        reviewer.locator("h1").first.wait_for()
        nothing_was_made(reviewer)
    for address in ("/audit/", f"/audit/?about={shown['error'].pk}"):
        auditor.goto(address)
        nothing_was_made(auditor)


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
    approve = page.locator("button[value=approve]")
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
