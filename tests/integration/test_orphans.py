"""A run that waits for something that is no longer in the database does not wait for ever: a person looks."""

from typing import Any

import pytest
from django.db import transaction

from approvals.models import Action
from lam_app import orphans
from lam_app.models import Run
from lam_app.sweep import sweep
from tests.support.sql import without_guards
from tests.support.world import World
from traces.models import Event
from traces.services import Actor, move


def waiting(world: World) -> tuple[Run, Action]:
    run = world.run()
    with transaction.atomic():
        planner = Actor.system("planner")
        move(Run, [run.id], "submitted", "planning", actor=planner, verb="planning", changes={"step": 1})
        move(Run, [run.id], "planning", "waiting", actor=planner, verb="proposed")
        action = world.staged(run=run.id, step=1)
    run.refresh_from_db()
    return run, action


@pytest.mark.parametrize("deleted", [True, False])
def test_t33_a_run_whose_approval_was_deleted_by_force_comes_before_a_person(deleted: bool, world: World) -> None:
    run, action = waiting(world)
    if deleted:
        with without_guards() as admin:
            for table, column in (("approvals_revision", "action_id"), ("approvals_action", "id")):
                sql: Any = f"DELETE FROM {table} WHERE {column} = %s"
                admin.execute(sql, [action.id])
    sweep()
    run.refresh_from_db()
    assert run.status == ("needs_human" if deleted else "waiting")
    assert run.problem == (orphans.WHY if deleted else "")
    assert Event.objects.filter(subject=run.id, verb="needs_human").exists() is deleted
