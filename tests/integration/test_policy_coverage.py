"""Coverage: which tools no rule or no person covers, seen before it holds anything up."""

from __future__ import annotations

import json
from typing import Any

from approvals.models import Trial
from approvals.policy import Verdict
from tests.support.policing import RULE, policy_of
from tests.support.world import MESSAGE, World


def test_t27_a_team_that_is_not_there_is_seen_before_it_holds_anything_up(world: World, page: Any) -> None:
    form = {**RULE, "approvers": "finance 2", "anyway": "on", "then": "try"}
    page().post("/policy/new/", form)
    call = {
        "tool": str(world.tool().pk), "initiator": str(world.operator.pk), "agent": str(world.agent.pk),
        "trial": str(Trial.objects.get().pk), "pasted": json.dumps(MESSAGE),
    }  # fmt: skip
    assert "there is no such team" in page().post("/policy/try/", call).content.decode()
    assert page().post("/policy/new/", {**form, "then": "save"}).status_code == 302
    action = world.staged()
    assert action.verdict == Verdict.REVIEW
    shown = page().get("/policy/coverage/").content.decode()
    assert "Waiting, and nobody can decide" in shown
    assert "1 waiting" in shown


def test_coverage_asks_as_often_for_many_tools_as_for_few(
    world: World, page: Any, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from approvals.reading.coverage import coverage
    from tools.models import Tool

    with CaptureQueriesContext(connection) as few:
        coverage(world.organization.id, policy_of(world))
    one = world.tool()
    for number in range(30):
        Tool.objects.create(organization=world.organization, name=f"extra_{number}", version=one.version, tier=one.tier)
    with django_assert_num_queries(len(few)):
        found = coverage(world.organization.id, policy_of(world))
    assert found[0].gaps > found[-1].gaps
