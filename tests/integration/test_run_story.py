"""The story of a run on one page, from its goal to its report, and two runs side by side with what differs marked."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership
from accounts.rows import within
from approvals.models import Action
from approvals.services.reject import reject
from approvals.tasks import execute_permitted, sign_permits
from lam_app.comparing import compare
from lam_app.models import Run
from lam_app.tasks import advance_runs
from lam_app.trail import trail
from tests.support.api import account
from tests.support.calling import called
from tests.support.model import Script, finish, note, only_notes, said
from tests.support.world import World, approved
from traces.models import Event


@pytest.fixture
def noted(world: World, script: Script) -> Run:
    """A run of one note, approved and done, whose model talked nonsense once and then said that it is done."""
    only_notes(world)
    return walked(world, script, [{"kind": "nonsense"}, note("Call back"), finish("I noted it.")])


def walked(world: World, model: Script, answers: list[Any], *, yes: bool = True, goal: str = "") -> Run:
    left = iter(answers)
    model.say = lambda _: (200, said(next(left)))
    run: Run = world.run(goal or "Write a note about order 1009: call back")
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
    return Run.objects.get(pk=run.pk)


def text(page: Any, name: str, path: str) -> str:
    answer = page(name).get(path)
    assert answer.status_code == 200, answer.content[:500]
    return answer.content.decode()


def test_the_story_goes_from_the_goal_to_the_report(world: World, noted: Run, page: Any) -> None:
    shown = text(page, "auditor", f"/audit/runs/{noted.pk}/")
    action = Action.objects.get(run=noted.pk)
    parts = [
        "Goal", "order 1009: call back", f'href="/actions/{action.pk}/"', "gave no usable answer", "Chose",
        "What the model saw", "Arguments", "Call back", "Ruling", "People were asked", "The facts that were judged",
        "Decisions", "reviewer approved", "Permit", "the word of reviewer", "Execution", "What the tool answered",
        "Nothing proposed", "Report", "I noted it.",
    ]  # fmt: skip
    at = 0
    for part in parts:
        at = shown.index(part, at)


def test_it_tells_what_takes_a_step_back(world: World, page: Any) -> None:
    run = world.run("Put things where they belong")
    put = world.staged("put_odd", {"thing": "cup"}, run=run.pk)
    approved(world, put)
    sign_permits()
    execute_permitted()
    taking = world.staged("take_odd", {"receipt": "r"}, run=run.pk, step=2, origin="undo", undo_of=put.pk)
    shown = text(page, "auditor", f"/audit/runs/{run.pk}/")
    assert taking.undo_of == put.pk
    assert re.search(r'To be taken back by <a href="#step-2">', shown)
    assert re.search(r'Takes <a href="#step-1">step 1</a> back', shown)


def test_what_the_model_saw_is_fetched_by_those_who_may_read_it(world: World, noted: Run, page: Any) -> None:
    shown = text(page, "developer", f"/audit/runs/{noted.pk}/")
    places = re.findall(r'hx-get="(/audit/traces/[^"]+/saw/)"', shown)
    assert len(places) == 2
    saw = text(page, "developer", places[0])
    assert "You are the planner" in saw
    assert "1 tool offered" in saw
    assert "write_note" in saw
    assert "Its answer as it came" in saw
    assert "/actions/" not in shown  # cards are for those who decide and audit


def test_whom_a_run_acts_for_reads_its_story_without_what_the_model_was_told(
    world: World, noted: Run, page: Any
) -> None:
    Membership.objects.filter(user=world.operator).update(roles=["operator", "developer", "auditor"])
    shown = text(page, "operator", f"/audit/runs/{noted.pk}/")
    assert "This run acts for you." in shown
    assert "reviewer approved" in shown
    for kept in ("What the model saw", "Model calls</dt>", "gave no usable answer", "/audit/traces/0"):
        assert kept not in shown, kept


def test_reading_a_story_is_an_event_and_adds_nothing_to_it(world: World, noted: Run, page: Any) -> None:
    first = text(page, "auditor", f"/audit/runs/{noted.pk}/")
    event = Event.objects.get(verb="story_read")
    assert (event.subject, event.run, event.actor) == (noted.pk, None, world.auditor.pk)
    strip = re.compile(r'csrfmiddlewaretoken" value="[^"]*"|server-time" content="[^"]*"')
    assert strip.sub("", text(page, "auditor", f"/audit/runs/{noted.pk}/")) == strip.sub("", first)


def test_the_web_account_reads_it_within_its_organization_alone(world: World, noted: Run, page: Any) -> None:
    with account("web"), within(world.organization.pk):
        assert "I noted it." in text(page, "auditor", f"/audit/runs/{noted.pk}/")
    assert page("outsider").get(f"/audit/runs/{noted.pk}/").status_code == 404
    assert page("outsider").get(f"/audit/compare/?a={noted.pk}&b={noted.pk}").status_code == 404


def test_a_longer_run_costs_no_more_queries(world: World) -> None:
    counts = []
    for steps in (1, 6):
        run = world.run()
        for step in range(1, steps + 1):
            called(world, run, step=step)
            approved(world, world.staged(run=run.pk, step=step, arguments={"to": f"{uuid.uuid4()}", "body": "late"}))
        with CaptureQueriesContext(connection) as seen:
            read = trail(Run.objects.within(world.organization.pk).get(pk=run.pk), told=True)
            for turn in read.turns:
                assert turn.call is not None
                assert {one.path for one in turn.arguments} >= {"to", "body"}
                assert [len(turn.decisions), len(turn.permitted_by)] == [1, 0]
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_secrets_stay_under_their_mask(world: World, page: Any) -> None:
    from tools.models import ToolVersion

    tool = world.tool()
    contract = {**tool.version.contract, "secret_fields": ["body"]}
    version = ToolVersion.objects.create(
        organization=world.organization, tool=tool, number=tool.version.number + 1, hash="sha256:9", contract=contract
    )
    type(tool).objects.filter(pk=tool.pk).update(version=version)
    run = world.run()
    world.staged(run=run.pk, arguments={"to": "customer of order 1009", "body": "hush-hush-1009"})
    shown = text(page, "auditor", f"/audit/runs/{run.pk}/")
    assert "customer of order 1009" in shown
    assert "hush-hush-1009" not in shown


def test_two_runs_stand_side_by_side_and_what_differs_is_marked(
    world: World, noted: Run, script: Script, page: Any
) -> None:
    other = walked(world, script, [note("Call again"), finish("I could not.")], yes=False)
    shown = text(page, "auditor", f"/audit/compare/?a={noted.pk}&b={other.pk}")
    marked = re.findall(r"<div class=\"abreast-row\" data-differs><dt><bdi>([^<]+)", shown)
    assert {"Report’s claim", "Note", "Decided", "Outcome"} <= set(marked)
    assert "Goal" not in marked
    assert "Tool" not in marked
    assert "Model’s time" not in marked
    assert "reviewer rejected" in shown
    same = text(page, "auditor", f"/audit/compare/?a={noted.pk}&b={noted.pk}")
    assert "data-differs" not in same
    assert "Every step is the same" in same


def test_a_step_that_one_run_alone_has_stands_alone(world: World) -> None:
    short, long = world.run(), world.run()
    world.staged("put_odd", {"thing": "cup"}, run=short.pk)
    world.staged(run=long.pk)
    world.staged("put_odd", {"thing": "cup"}, run=long.pk, step=2)
    a, b = (trail(Run.objects.within(world.organization.pk).get(pk=run.pk), told=False) for run in (short, long))
    first, second = compare(a, b).pairs
    assert (first.alone, first.b and first.b.number) == ("b", 1)
    assert (second.a and second.a.number, second.b and second.b.number) == (1, 2)
    assert second.differing == 0
    assert [pair.alone for pair in compare(b, a).pairs] == ["a", ""]


def test_a_run_to_compare_with_is_offered(world: World, noted: Run, page: Any) -> None:
    other = world.run("Another goal")
    shown = text(page, "auditor", f"/audit/compare/?a={noted.pk}")
    assert f"a={noted.pk}&amp;b={other.pk}" in shown
    assert page("auditor").get("/audit/compare/?a=x&b=y").status_code == 400
    assert page("auditor").get(f"/audit/compare/?a={noted.pk}&b={uuid.uuid4()}").status_code == 404
