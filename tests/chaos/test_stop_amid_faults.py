"""A stop that is engaged while a worker is dead or a key is missing (F39, F40)."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from approvals.models import Action, Permit
from approvals.tasks import execute_permitted, sign_permits
from lam_app.environment import WrongSetting
from lam_app.supervisor.keys import permit_keys, rotate
from tests.chaos.killing import OUTSIDE, Kind, send
from tests.support.stage import SIGN, Stage
from tests.support.up import until
from tests.support.world import World, approved
from tools.killswitch import engage
from tools.models import Execution, KillSwitch, OutboxMessage
from traces.exceptions import DomainError


@pytest.mark.parametrize("kind", OUTSIDE, ids=lambda kind: kind.idempotency)
def test_f39_a_stop_over_a_call_whose_worker_dies_lets_nobody_call_again(
    theatre: Stage, chaos_catalogue: None, world: World, kind: Kind
) -> None:
    """ARMED while the call is under way; then kill -9. QUIET comes, nothing is called, and a person finds out."""
    with theatre.playing("gatekeeper", "executor", "sweeper") as stage:
        stage.present("executor")
        stage.world.order("wait before")
        road = send(stage, world, kind)
        until(lambda: stage.world.waiting() > 0, 30, "a call waits")
        victim = stage.world.waiting()
        stop = engage(
            actor=world.reviewer, organization=world.organization.id, scope="organization", target=None, reason="Fire"
        )
        os.kill(victim, signal.SIGKILL)
        stage.gone("executor", victim)
        assert road.settled() == "uncertain"
        assert (road.effects, stage.world.calls(road.key)) == (0, 1)
        until(lambda: KillSwitch.objects.get(id=stop.id).quiet_at is not None, 30, "the stop is quiet")
        assert Execution.objects.get(action=road.action.id).status == "uncertain"


def test_t109_a_stop_amid_a_batch_lets_go_of_all_that_was_not_sent_yet(
    theatre: Stage, chaos_catalogue: None, world: World
) -> None:
    """Claimed together, called one after the other: after ARMED only the call that is under way comes to its end."""
    kind = OUTSIDE[0]
    with theatre.playing("gatekeeper", "executor", "sweeper") as stage:
        stage.present("executor")
        stage.world.order("wait before")
        staged = [world.staged(kind.tool, kind.arguments()) for _ in range(10)]
        for action in staged:
            approved(world, action)
        stage.ring(SIGN)
        until(lambda: stage.world.waiting() > 0, 30, "a call waits")
        stop = engage(
            actor=world.reviewer, organization=world.organization.id, scope="organization", target=None, reason="Fire"
        )
        claimed = {row.action: row.key for row in Execution.objects.all()}
        assert len(claimed) > 1, "no batch was claimed, so nothing was tried"
        assert sum(map(stage.world.calls, claimed.values())) == 1
        stage.world.release()
        until(lambda: KillSwitch.objects.get(id=stop.id).quiet_at is not None, 30, "the stop is quiet")
        ends = sorted(Action.objects.filter(id__in=claimed).values_list("status", flat=True))
        assert ends == ["done", *["failed"] * (len(claimed) - 1)]
        assert sum(map(stage.world.calls, claimed.values())) == 1
        assert sum(map(stage.world.effects, claimed.values())) == 1
        assert set(Execution.objects.values_list("action", flat=True)) == set(claimed)


@pytest.fixture
def keys(settings: Any, tmp_path: Path) -> tuple[Path, Path]:
    private, public = tmp_path / "permit.pem", tmp_path / "permit.pub.pem"
    permit_keys(private, public)
    settings.LAM_PERMIT_KEY, settings.LAM_PERMIT_PUBLIC_KEY = private, public
    return private, public


def allowed(world: World) -> Action:
    action = world.staged()
    approved(world, action)
    return action


def test_f40_a_key_that_is_replaced_between_the_permit_and_the_call_costs_nothing(world: World, keys: Any) -> None:
    old = allowed(world)
    sign_permits()
    rotate(*keys)
    new = allowed(world)
    sign_permits()
    assert len(set(Permit.objects.values_list("kid", flat=True))) == 2
    assert execute_permitted() == 2
    for action in (old, new):
        action.refresh_from_db()
        assert action.status == "done"


def test_f40_without_a_key_approvals_wait_and_nothing_runs_until_it_is_back(world: World, keys: Any) -> None:
    action = allowed(world)
    away = keys[0].with_name("away.pem")
    keys[0].rename(away)
    with pytest.raises((OSError, DomainError, WrongSetting)):
        sign_permits()
    execute_permitted()
    action.refresh_from_db()
    assert (action.status, Permit.objects.count(), OutboxMessage.objects.count()) == ("permitted", 0, 0)
    away.rename(keys[0])
    assert sign_permits() == 1
    assert execute_permitted() == 1
    action.refresh_from_db()
    assert action.status == "done"
