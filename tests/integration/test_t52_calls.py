"""T52: a canary has no call of a model, and nobody who decides on requests can tell it by that."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Membership
from approvals.models import Action
from lam_app.tasks import advance_runs
from lam_app.trace_search import search
from tests.integration.test_t52_canaries import canary
from tests.support.world import World, approved
from traces.queries import Wanted

BOTH = [["reviewer", "developer"], ["reviewer", "auditor"]]


@pytest.mark.usefixtures("standin")
@pytest.mark.parametrize("roles", BOTH)
def test_t52_whoever_decides_reads_no_calls_of_what_waits(world: World, page: Any, roles: list[str]) -> None:
    run = world.run()
    advance_runs()
    real, bird = Action.objects.get(run=run.pk), canary(world)
    Membership.objects.filter(user=world.reviewer).update(roles=roles)
    both = Membership.objects.get(user=world.reviewer)
    asks = page("reviewer")
    for waits in (real, bird):
        for address in (f"/audit/runs/{waits.run}/", f"/audit/traces/{waits.trace or waits.run}/"):
            assert asks.get(address).status_code == 404, (waits.canary, address)
        assert asks.get(f"/actions/{waits.pk}/trace/").status_code in {403, 404}
    assert search(both, Wanted()).rows == []
    assert search(both, Wanted(run=run.pk)).rows == []
    assert str(run.pk) not in asks.get("/audit/compare/").content.decode()
    approved(world, real, by="reviewer2")
    assert asks.get(f"/audit/runs/{run.pk}/").status_code == 200
    assert [row.heard.call.pk for row in search(both, Wanted()).rows] == [real.trace]


@pytest.mark.usefixtures("standin")
def test_an_auditor_who_decides_on_nothing_reads_them_while_they_wait(world: World, page: Any) -> None:
    run = world.run()
    advance_runs()
    action = Action.objects.get(run=run.pk)
    for address in (f"/audit/runs/{run.pk}/", f"/audit/traces/{action.trace}/", f"/actions/{action.pk}/trace/"):
        assert page("auditor").get(address).status_code == 200
    assert "You are the planner" in page("auditor").get(f"/actions/{action.pk}/trace/").content.decode()
