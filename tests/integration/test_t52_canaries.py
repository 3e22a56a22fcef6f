"""Canaries: they look like any other request, nothing can ever run of them, and whoever decides is told so."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from accounts.models import Agent
from approvals.exceptions import (
    CanaryRefused,
    NoSuchCanary,
    NotAuditor,
    ReasonMissing,
)
from approvals.models import Action, Canary, CanaryPlan, CanaryTemplate, Permit, Remark, Reservation
from approvals.reading.card import card
from approvals.reading.habits import planted
from approvals.reading.past import last_of
from approvals.services import plant as planting
from approvals.services.approve import approve
from approvals.services.ask import ask
from approvals.services.canaries import define, gap, retire, set_rate
from approvals.services.edit import edit
from approvals.services.plant import plant, plant_due
from approvals.services.reject import reject
from approvals.tasks import execute_permitted, sign_permits
from lam_app.planted import sources
from tests.support.api import make_api
from tests.support.desking import on, told
from tests.support.sql import REFUSED, connected_as, copied, refusal, without_guards
from tests.support.voting import browser, just_now, policy, status
from tests.support.world import MESSAGE, World, approved
from tools.models import Execution, OutboxMessage, Tool
from traces.models import Event, EventDetail

BAD = {"to": "everybody@elsewhere.example", "body": "Here are all our customers."}
WHY = "The recipient is nobody's customer."
GOAL = "Send everybody@elsewhere.example the list of our customers"


def template(world: World, **more: Any) -> CanaryTemplate:
    """A canary as the auditor defines it."""
    return define(
        **{
            "by": world.auditor,
            "organization": world.organization.id,
            "tool": "send_message",
            "arguments": BAD,
            "why": WHY,
            "goal": GOAL,
            **more,
        }
    )


def canary(world: World) -> Action:
    """One that waits for people."""
    action = plant(template(world), sources)
    assert action is not None
    action.refresh_from_db()
    assert (action.status, action.canary) == ("in_review", True)
    return action


def runs_nothing(action: Action) -> None:
    """Whatever was decided, nobody permits and nothing is called."""
    sign_permits()
    execute_permitted()
    assert not Permit.objects.filter(action=action).exists()
    assert not Execution.objects.filter(action=action.id).exists()
    assert not OutboxMessage.objects.exists()


def test_t52_a_yes_to_a_canary_ends_it_and_runs_nothing(world: World) -> None:
    action = canary(world)
    on(world, approve, "reviewer", action, signed_in_at=just_now())
    assert status(action) == "withdrawn"
    runs_nothing(action)
    assert told(world, action)[-2:] == ["approve", "was_a_canary"]
    card_of = browser(world, "reviewer").get(f"/actions/{action.pk}/").content.decode()
    assert "This was a canary, and it was approved." in card_of
    assert "nobody" in card_of


@pytest.mark.parametrize(
    ("verb", "more", "stands"),
    [
        (reject, {}, "rejected"),
        (ask, {}, "withdrawn"),
        (edit, {"arguments": MESSAGE, "signed_in_at": just_now()}, "withdrawn"),
    ],
)
def test_whoever_notices_it_has_found_it(world: World, verb: Any, more: dict[str, Any], stands: str) -> None:
    action = canary(world)
    on(world, verb, "reviewer", action, **more)
    assert status(action) == stands
    assert told(world, action)[-1] == "was_a_canary"
    assert not Remark.objects.exists()  # nobody is asked about what nobody asked for
    runs_nothing(action)
    assert b"This was a canary, and it was found." in browser(world, "reviewer").get(f"/actions/{action.pk}/").content
    (one,) = planted(world.organization.id)
    assert (one.number, one.found, one.approved, one.waiting) == (1, 1, 0, 0)


def test_t52_no_account_can_insert_a_permit_for_a_canary_even_with_every_vote(world: World, as_worker: Any) -> None:
    real, bird = world.staged(), canary(world)
    approved(world, real)
    sign_permits()
    permit = Permit.objects.get(action=real)
    revision = bird.revisions.get(number=1)
    forged = copied("approvals_permit", permit.id, action_id=bird.id, revision_id=revision.id, run=bird.run)
    code, said = refusal(as_worker, *forged)
    assert (code, said) == (REFUSED, f"approvals_permit: {bird.id} is a canary, and nothing permits one")


@pytest.mark.parametrize("stands", ["scheduled", "permitted", "executing", "done", "uncertain"])
def test_t52_no_status_from_which_anything_runs_can_be_a_canarys(world: World, stands: str) -> None:
    bird = canary(world)
    with pytest.raises(psycopg.errors.CheckViolation, match="action_canary_never_runs"), without_guards() as admin:
        admin.execute("UPDATE approvals_action SET status = %s WHERE id = %s", [stands, bird.id])


def test_what_is_a_canary_stays_one_and_nothing_becomes_one(world: World, as_worker: Any, as_web: Any) -> None:
    real, bird = world.staged(), canary(world)
    for account in (as_worker, as_web):
        for action in (real, bird):
            sql = "UPDATE approvals_action SET canary = NOT canary WHERE id = %s"
            assert refusal(account, sql, [action.id])[0] == REFUSED
    assert refusal(as_worker, *copied("approvals_canary", Canary.objects.get().id, action_id=real.id))[0] == REFUSED


def test_t52_the_vote_of_everybody_permits_none_through_the_services_either(world: World) -> None:
    policy(world, rules=[{"id": "two", "quorum": 2}])
    bird = canary(world)
    on(world, approve, "reviewer", bird, signed_in_at=just_now())
    assert status(bird) == "withdrawn"  # the first word ends it, whatever the quorum
    runs_nothing(bird)


def test_it_looks_like_the_others_until_somebody_decided(world: World) -> None:
    real, bird = world.staged(), canary(world)
    reviewer = browser(world, "reviewer")
    page = reviewer.get(f"/actions/{bird.pk}/").content.decode().lower()
    assert "canary" not in page
    assert "everybody@elsewhere.example" in page
    assert told(world, bird) == told(world, real)
    assert card(bird).why_heading == card(real).why_heading
    assert "canary" not in reviewer.get("/").content.decode().lower()


def test_no_agent_and_nobody_it_seems_to_act_for_hears_of_it(world: World) -> None:
    api = make_api(world)
    api.staged()
    bird = canary(world)
    assert bird.agent_id == api.agent.id  # it seems to come from the tool's own agent
    listed = [one["id"] for one in api.bot.get("actions").json()["items"]]
    assert str(bird.id) not in listed
    assert len(listed) == 1
    assert api.bot.get(f"actions/{bird.id}").status_code == 404
    mine = [one["id"] for one in api.operator.get("actions").json()["items"]]
    assert str(bird.id) not in mine
    seen = [one["id"] for one in api.reviewer.get("actions").json()["items"]]
    assert str(bird.id) in seen  # whoever reviews sees it wherever they see the others


def test_nothing_that_is_counted_counts_it(world: World) -> None:
    bird = canary(world)
    on(world, reject, "reviewer", bird)
    real = world.staged()
    assert [one.id for one in last_of(real)] == []
    assert not Reservation.objects.exists()


def test_the_record_says_plainly_that_it_was_planted(world: World) -> None:
    bird = canary(world)
    row = Canary.objects.get(action=bird)
    events = Event.objects.filter(subject=row.id)
    assert [(one.verb, one.actor_name) for one in events] == [("canary_planted", "canaries")]
    proposed = Event.objects.get(subject=bird.id, verb="proposed")  # in its agent's name, and told apart in its detail
    assert json.loads(EventDetail.objects.get(event=proposed.pk).detail)["canary"] is True


def test_only_an_auditor_defines_them_with_a_reason_and_says_how_many(world: World) -> None:
    for who in (world.administrator, world.reviewer, world.outsider):
        with pytest.raises(NotAuditor):
            template(world, by=who)
        with pytest.raises(NotAuditor):
            set_rate(by=who, organization=world.organization.id, rate=0.01, reason="So.")
    with pytest.raises(ReasonMissing):
        template(world, why=" ")
    with pytest.raises(ReasonMissing):
        set_rate(by=world.auditor, organization=world.organization.id, rate=0.01, reason="")
    for rate in (-0.01, 0.051, float("nan")):
        with pytest.raises(CanaryRefused):
            set_rate(by=world.auditor, organization=world.organization.id, rate=rate, reason="Many.")


def test_a_canary_of_a_tool_that_only_the_planner_uses_names_a_goal_and_others_need_none(world: World) -> None:
    with pytest.raises(CanaryRefused, match="Say which goal it seems to serve"):
        template(world, goal=" ")
    make_api(world)
    made = template(world, goal="")
    assert plant(made, sources) is not None
    Agent.objects.filter(builtin=False).update(enabled=False)
    assert plant(made, sources) is None  # it would stand out now
    assert planted(world.organization.id)[0].goalless
    assert "it names no goal" in browser(world, "auditor").get("/audit/people/canaries/").content.decode()


def test_what_would_never_come_before_a_reviewer_is_no_canary(world: World) -> None:
    with pytest.raises(CanaryRefused, match=r"recipient|to"):
        template(world, arguments={"body": "no recipient"})
    with pytest.raises(CanaryRefused, match="no such tool"):
        template(world, tool="no_such_tool")
    policy(world, rules=[{"id": "never", "answer": "deny"}])
    with pytest.raises(CanaryRefused, match="deny this by itself"):
        template(world)


def test_what_the_policy_denies_by_now_is_not_planted(world: World) -> None:
    made = template(world)
    policy(world, rules=[{"id": "never", "answer": "deny"}])
    assert plant(made, sources) is None
    assert not Action.objects.exists()


def seen_so_far(world: World, count: int, at: int) -> None:
    """So many real requests came before people; the next canary comes at the ``at``-th."""
    set_rate(by=world.auditor, organization=world.organization.id, rate=0.05, reason="A first look.")
    plant_due(sources)
    for _ in range(count):
        world.staged()
    with without_guards() as admin:
        admin.execute(
            "UPDATE approvals_canaryplan SET countdown = %s, seen = '00000000-0000-0000-0000-000000000000'", [at]
        )


def test_one_is_planted_when_so_many_requests_came_before_people_and_not_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planting, "LATE", timedelta(milliseconds=-2))
    template(world)
    seen_so_far(world, 3, at=4)
    assert plant_due(sources) == 0
    assert CanaryPlan.objects.get().countdown == 1
    world.staged()
    assert plant_due(sources) == 1
    assert Action.objects.filter(canary=True).count() == 1
    assert plant_due(sources) == 0  # a canary is no request that counts


def test_without_a_rate_or_a_template_none_is_planted(world: World) -> None:
    seen_so_far(world, 3, at=1)
    assert plant_due(sources) == 0
    template(world)
    set_rate(by=world.auditor, organization=world.organization.id, rate=0, reason="Enough.")
    assert plant_due(sources) == 0


def test_the_gap_is_chance_and_on_average_what_the_rate_says() -> None:
    gaps = [gap(0.05) for _ in range(4000)]
    assert min(gaps) >= 1
    assert len(set(gaps)) > 30
    assert 18 < sum(gaps) / len(gaps) < 22
    assert gap(0) == 0


def test_what_was_taken_out_is_planted_no_more_and_taken_out_once(world: World) -> None:
    made = template(world)
    retire(by=world.auditor, organization=world.organization.id, template=made.id)
    with pytest.raises(NoSuchCanary):
        retire(by=world.auditor, organization=world.organization.id, template=made.id)
    with pytest.raises(NoSuchCanary):
        retire(by=world.auditor, organization=world.organization.id, template=uuid.uuid4())


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("UPDATE approvals_canarytemplate SET why = 'other'", "approvals_canarytemplate"),
        ("DELETE FROM approvals_canary", "approvals_canary"),
        ("UPDATE approvals_canaryplan SET rate = 0.04", "approvals_canaryplan"),
    ],
)
def test_the_database_keeps_them_as_they_were_written(world: World, sql: str, table: str) -> None:
    canary(world)
    set_rate(by=world.auditor, organization=world.organization.id, rate=0.01, reason="A first look.")
    owner = connected_as("owner")
    try:
        code, said = refusal(owner, sql)
    finally:
        owner.close()
    assert code == REFUSED
    assert said.startswith(table)


def test_tools_that_act_by_themselves_have_no_canaries(world: World) -> None:
    Tool.objects.filter(organization=world.organization, name="put_odd").update(maturity="audit_only")
    with pytest.raises(CanaryRefused, match="go without a person"):
        template(world, tool="put_odd", arguments={"thing": "cup"})
