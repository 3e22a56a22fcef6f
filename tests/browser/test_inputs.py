"""What comes with goals and what gives them by itself, in a browser: files, a schedule, a webhook, a report."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from approvals.models import Action
from approvals.tasks import execute_permitted, sign_permits
from lam_app.models import Run, Schedule
from lam_app.sweep import sweep
from lam_app.tasks import advance_runs
from tests.browser.conftest import faults_everywhere
from tests.support.files import TABLE, pdf, png
from tests.support.model import Script, finish, note, only_notes, said, script  # noqa: F401 - a fixture
from tests.support.signing import signed
from tests.support.world import World, approved

AtDesk = Callable[..., Page]
GOAL = "Write a note about order 1009: call back"


def file(name: str, kind: str, data: bytes) -> dict[str, Any]:
    return {"name": name, "mimeType": kind, "buffer": data}


def scripted(world: World, model: Script, *answers: Any) -> None:
    """A model that says these, one after the other."""
    only_notes(world)
    left = iter(answers)
    model.say = lambda _: (200, said(next(left)))


def carried_out(run: Run, world: World) -> None:
    approved(world, Action.objects.get(run=run.pk, status="in_review"))
    sign_permits()
    execute_permitted()
    advance_runs()


def test_a_goal_is_given_with_files_and_ends_in_a_report(
    world: World,
    script: Script,  # noqa: F811
    at_desk: AtDesk,
) -> None:
    scripted(world, script, note("ada@example.com"), note("Call back"), finish("I noted it."))
    page = at_desk("operator")
    page.goto("/runs/new/")
    page.get_by_role("textbox", name="Goal").fill(GOAL)
    page.get_by_label("Files for the agent").set_input_files([file("bill.pdf", "application/pdf", b"\x7fELF")])
    page.get_by_role("button", name="Start the run").click()
    expect(page.locator("#files-error")).to_contain_text("bill.pdf is a program.")
    expect(page.get_by_role("textbox", name="Goal")).to_have_value(GOAL)
    assert faults_everywhere(page, "run-new-refused") == []
    files = [
        file("orders.csv", "text/csv", TABLE + b"=1+1,x,y\n"),
        file("why.pdf", "application/pdf", pdf()),
        file("seal.png", "image/png", png()),
    ]
    page.get_by_label("Files for the agent").set_input_files(files)
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url("**/runs/*-*/")
    expect(page.get_by_role("region", name="Attached")).to_contain_text("1 cell begins like a formula")
    advance_runs()
    expect(page.get_by_role("group", name="Progress")).to_contain_text("Step 1 waits for reviewers")
    page.get_by_text("What the agent is given of it").first.click()
    expect(page.get_by_text("1009,ada@example.com,Friday")).to_be_visible()
    assert faults_everywhere(page, "run-attached") == []
    with page.expect_download() as kept:
        page.get_by_role("link", name="orders.csv").click()
    assert kept.value.suggested_filename == "orders.csv"
    run = Run.objects.get()
    carried_out(run, world)
    carried_out(run, world)
    page.get_by_role("link", name="Report to print").click()
    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    expect(page.get_by_text("approved by reviewer").first).to_be_visible()
    assert faults_everywhere(page, "run-report") == []


def test_a_schedule_fires(world: World, script: Script, at_desk: AtDesk) -> None:  # noqa: F811
    scripted(world, script, note("Call back"))
    page = at_desk("operator")
    page.goto("/runs/schedules/")
    expect(page.get_by_role("heading", name="Nothing is scheduled")).to_be_visible()
    assert faults_everywhere(page, "schedules-empty") == []
    page.get_by_role("textbox", name="Goal").fill(GOAL)
    page.get_by_label("When").fill("every day")
    page.get_by_role("button", name="Schedule it").click()
    expect(page.locator("#cron-error")).to_contain_text("Five fields")
    page.get_by_label("When").fill("0 * * * *")
    page.get_by_role("button", name="See the times").click()
    expect(page.get_by_role("status").filter(has_text="It would come")).to_be_visible()
    assert faults_everywhere(page, "schedules-times") == []
    page.get_by_role("button", name="Schedule it").click()
    expect(page.get_by_text("in the name of operator")).to_be_visible()
    Schedule.objects.update(next_at=datetime.now(UTC) - timedelta(hours=2, minutes=1))
    sweep()
    advance_runs()
    page.reload()
    expect(page.get_by_text("stands for 3 times that passed while nothing ran")).to_be_visible()
    assert faults_everywhere(page, "schedules") == []
    page.get_by_role("link", name=re.compile("^Due")).click()
    expect(page.get_by_text("for 3 times that had passed")).to_be_visible()
    assert faults_everywhere(page, "run-scheduled") == []
    page.goto("/runs/schedules/")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused by operator.")).to_be_visible()
    page.get_by_role("button", name="End for good").click()
    expect(page.get_by_role("heading", name="Nothing is scheduled")).to_be_visible()


@pytest.mark.usefixtures("script")
def test_a_webhook_is_made_and_takes_a_message(world: World, at_desk: AtDesk) -> None:
    page = at_desk("operator")
    page.goto("/runs/hooks/")
    expect(page.get_by_role("heading", name="No webhooks yet")).to_be_visible()
    assert faults_everywhere(page, "hooks-empty") == []
    page.get_by_label("Name").fill("Shop")
    page.get_by_role("textbox", name="Goal").fill(GOAL)
    page.get_by_role("button", name="Make it").click()
    secret = page.locator("#secret").inner_text()
    address = page.locator(".shown-once dd").first.inner_text()
    assert faults_everywhere(page, "hooks-secret") == []
    body = b'{"order": 1009}'
    answer = page.request.post(address, data=body, headers=signed(secret, body))
    assert answer.status == 202
    page.goto("/runs/hooks/")
    expect(page.locator("#secret")).to_have_count(0)
    page.get_by_role("link", name=re.compile("^Message of")).wait_for()
    assert faults_everywhere(page, "hooks") == []
    page.get_by_role("link", name=re.compile("^Message of")).click()
    expect(page.get_by_role("region", name="Attached")).to_contain_text("message msg_1")
    assert secret not in page.content()
