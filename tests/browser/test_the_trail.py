"""What happened afterwards, in a browser: a model call is found by words, a run tells its story, two are compared."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from approvals.models import Action
from approvals.services.reject import reject
from approvals.tasks import execute_permitted, sign_permits
from lam_app.models import Run
from lam_app.tasks import advance_runs
from tests.browser.conftest import SIZES, faults_everywhere
from tests.support.model import standin, standin_server  # noqa: F401 - fixtures
from tests.support.world import World, approved

pytestmark = pytest.mark.usefixtures("standin")
AtDesk = Callable[..., Page]
ALL_SIZES = tuple(SIZES)


def walked(world: World, goal: str, *, yes: bool) -> Run:
    run: Run = world.run(goal)
    advance_runs()
    action = Action.objects.get(run=run.pk, status="in_review")
    if yes:
        approved(world, action)
        sign_permits()
        execute_permitted()
    else:
        reject(
            actor=world.reviewer, organization=world.organization.id, action_id=action.pk, digest=action.digest,
            reason="They called already.",
        )  # fmt: skip
    advance_runs()
    return run


def test_a_developer_finds_a_call_and_reads_the_story_of_its_run(world: World, at_desk: AtDesk) -> None:
    done = walked(world, "Tell the customer of order 1009 that it is delayed until Friday", yes=True)
    not_done = walked(world, "Write a note about order 1009: the customer asked for a call back", yes=False)
    page = at_desk("developer")
    page.goto("/audit/traces/")
    found = {"traces": faults_everywhere(page, "traces", sizes=ALL_SIZES)}
    page.get_by_label("Words").fill("delayed friday")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**words=delayed**")
    page.locator(".call .list-title").first.click()
    expect(page.locator("#h-saw")).to_be_visible()
    page.locator("summary", has_text="Run ").first.click()
    expect(page.locator("pre", has_text="The goal, from operator").first).to_be_visible()
    page.evaluate("scrollTo(0, 0)")
    found["trace"] = faults_everywhere(page, "trace", sizes=ALL_SIZES)
    page.get_by_role("link", name="The story of the run").click()
    expect(page.locator("h1")).to_contain_text("order 1009")
    page.locator("summary", has_text="What the model saw").first.click()
    expect(page.locator(".saw").first).to_contain_text("offered")
    page.evaluate("scrollTo(0, 0)")
    found["story"] = faults_everywhere(page, "story", sizes=ALL_SIZES)
    page.goto(f"/audit/compare/?a={done.pk}")
    found["compare with"] = faults_everywhere(page, sizes=ALL_SIZES)
    page.goto(f"/audit/compare/?a={done.pk}&b={not_done.pk}")
    expect(page.locator("[data-differs]").first).to_be_visible()
    found["compare"] = faults_everywhere(page, "compare", sizes=ALL_SIZES)
    assert {title: fault for title, fault in found.items() if fault} == {}
