"""A flood of proposals: refused at the desk's limits, told why, and nobody else waits for it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from approvals.exceptions import DeskFull
from approvals.models import Action
from approvals.reading.fairness import SHARE
from approvals.services.capacity import full, room_for
from approvals.services.propose import propose
from approvals.services.reject import reject
from approvals.views.queue import PAGE
from lam_app import loop, patience
from lam_app.loop import due
from lam_app.models import Run
from lam_app.runs import submit
from lam_app.story import story
from lam_app.tasks import advance_runs
from tests.support.api import Api, make_api, problem
from tests.support.desking import on
from tests.support.many import copies, listed, page
from tests.support.model import Script, note, only_notes, said
from tests.support.racing import race
from tests.support.sql import without_guards
from tests.support.voting import browser
from tests.support.world import MESSAGE, World
from tools.models import Tool
from traces.models import Event

A_MINUTE = 1000


@pytest.fixture
def api(world: World) -> Api:
    """Callers with tokens."""
    return make_api(world)


def limited(settings: Any, initiator: int = 10, agent: int = 1000, organization: int = 10_000) -> None:
    """The desk takes so many."""
    settings.LAM_WAITING_INITIATOR = initiator
    settings.LAM_WAITING_AGENT = agent
    settings.LAM_WAITING_ORGANIZATION = organization


def flood(world: World, number: int) -> list[Action]:
    """So many requests of the operator wait, as if they had been proposed."""
    first = world.staged()
    with without_guards() as admin:
        copies(admin, first.pk, number - 1, created="t.created + n * interval '1 millisecond'")
    return list(Action.objects.filter(status="in_review").order_by("created", "id"))


def test_t51_of_a_thousand_proposals_the_desk_takes_what_it_may_and_answers_429_to_the_rest(
    world: World, api: Api, settings: Any
) -> None:
    limited(settings, initiator=25)
    flood(world, 20)
    came: Counter[int] = Counter()
    for _ in range(30):
        came[api.bot.post("actions", {"tool": "send_message", "arguments": MESSAGE}).status_code] += 1
    assert came == {202: 5, 429: 25}
    refused = api.bot.post("actions", {"tool": "send_message", "arguments": MESSAGE})
    said = problem(refused, 429, "rate_limited")
    assert refused["Retry-After"] == "30"
    assert said["retry"] is True
    assert said["whose"] == "initiator"
    assert "25 requests on behalf of the same person wait for people" in said["detail"]
    assert Action.objects.filter(status="in_review").count() == 25


def test_t51_a_thousand_in_a_minute_leave_room_for_everybody_else(world: World, settings: Any) -> None:
    limited(settings, initiator=25)
    flood(world, 25)
    asked = world.proposal()
    refused = 0
    for _ in range(A_MINUTE - 25):
        try:
            room_for(asked)
        except DeskFull:
            refused += 1
    assert refused == A_MINUTE - 25
    whose = patience.Whose(world.organization.id, world.administrator.id, world.agent.id)
    assert full(whose) == ""
    assert full(patience.Whose(world.organization.id, world.operator.id, world.agent.id)) != ""
    assert full(patience.Whose(world.elsewhere.id, world.outsider.id, world.agent.id)) == ""


def test_t51_the_first_page_of_the_inbox_keeps_a_place_for_the_others(world: World) -> None:
    rows = flood(world, 120)
    other = rows[-1]
    with without_guards() as admin:
        admin.execute(
            "UPDATE approvals_action SET initiator_id = %s, principals = ARRAY[%s]::uuid[],"
            " created = created + interval '1 minute' WHERE id = %s",
            [world.administrator.id, world.administrator.id, other.id],
        )
    reviewer = browser(world, "reviewer")
    first = listed(reviewer)
    assert other.pk in first
    assert first[:SHARE] == [row.pk for row in rows[:SHARE]]
    assert len(first) == SHARE + 1
    assert f"{119 - SHARE} more for operator" in page(reviewer)
    assert len(listed(reviewer, "initiator=operator")) == PAGE  # whoever asks for the flood sees it


def test_at_each_limit_the_next_one_is_refused_and_told_whose_limit_it_is(world: World, settings: Any) -> None:
    flood(world, 3)
    for whose, limits in {"initiator": (3, 9, 9), "agent": (9, 3, 9), "organization": (9, 9, 3)}.items():
        limited(settings, *limits)
        with pytest.raises(DeskFull) as refused:
            propose(world.proposal())
        assert refused.value.extra["whose"] == whose
    limited(settings, 4, 4, 4)
    propose(world.proposal())


def test_what_is_refused_is_not_staged_and_counts_against_no_limit(world: World, settings: Any) -> None:
    limited(settings, initiator=1)
    world.staged()
    before = Event.objects.count()
    with pytest.raises(DeskFull):
        propose(world.proposal())
    assert (Action.objects.count(), Event.objects.count()) == (1, before)


def test_what_needs_nobody_always_has_room(world: World, settings: Any) -> None:
    limited(settings, initiator=1)
    world.staged()
    Tool.objects.filter(organization=world.organization, name="put_odd").update(maturity="on_the_loop", veto_seconds=60)
    assert propose(world.proposal("put_odd", {"thing": "cup"})).status == "scheduled"
    assert full(patience.Whose(world.organization.id, world.operator.id, world.agent.id, "undo")) == ""


def test_a_decision_makes_room_and_nothing_else_does(world: World, settings: Any) -> None:
    limited(settings, initiator=1)
    action = world.staged()
    with pytest.raises(DeskFull):
        propose(world.proposal())
    assert Action.objects.get(id=action.id).status == "in_review"
    on(world, reject, "reviewer", action)
    assert propose(world.proposal()).status == "in_review"


def test_at_the_limit_racers_do_not_pass_it_together(world: World, settings: Any) -> None:
    limited(settings, initiator=3)
    world.staged()
    came = race(*[lambda: propose(world.proposal())] * 6)
    assert sum(isinstance(one, DeskFull) for one in came) == 4
    assert Action.objects.filter(status="in_review").count() == 3


def test_a_planner_waits_says_why_once_and_goes_on_when_there_is_room(
    world: World, settings: Any, script: Script
) -> None:
    limited(settings, initiator=1)
    action = world.staged("write_note", {"text": "first", "about": ""})
    only_notes(world)
    script.say = lambda _: (200, said(note()))
    run = world.run()
    before = Action.objects.count()
    advance_runs()
    run = Run.objects.get(id=run.id)
    assert (run.status, Action.objects.count()) == ("planning", before)
    assert story(run).desk_full.startswith("The desk is full: 1 requests on behalf of the same person")
    page_of_run = browser(world, "operator").get(f"/runs/{run.pk}/").content.decode()
    assert "It waits." in page_of_run
    assert "The desk is full" in page_of_run
    calls = len(script.asked)
    for _ in range(2):
        with without_guards() as admin:
            admin.execute("UPDATE lam_app_run SET planner_until = clock_timestamp()")
        advance_runs()
    assert len(script.asked) == calls  # the model is not asked for what nobody could look at
    assert Event.objects.filter(run=run.id, verb="desk_full").count() == 1
    on(world, reject, "reviewer", action)
    with without_guards() as admin:
        admin.execute("UPDATE lam_app_run SET planner_until = clock_timestamp()")
    advance_runs()
    assert Run.objects.get(id=run.id).status == "waiting"
    assert story(Run.objects.get(id=run.id)).desk_full == ""


def test_runs_take_turns_by_organization_and_initiator(world: World) -> None:
    mine = [world.run() for _ in range(4)]
    theirs = [
        submit(initiator=world.outsider, organization=world.elsewhere.id, goal="Write a note about order 1")
        for _ in range(2)
    ]
    order = list(due())
    assert order == [mine[0].id, theirs[0].id, mine[1].id, theirs[1].id, mine[2].id, mine[3].id]
    assert list(due(2)) == order[:2]


def test_due_looks_at_no_more_than_it_shares_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "LOOKED_AT", 2)
    runs = [world.run() for _ in range(3)]
    assert list(due()) == [run.id for run in runs[:2]]
