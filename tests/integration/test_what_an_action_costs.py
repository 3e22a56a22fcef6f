"""What one governed action costs, counted: statements, writing transactions, messages. Times are the bench's affair."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.models import Action
from approvals.tasks import execute_permitted, sign_permits
from lam_app.tasks import advance_runs
from tests.support.world import World, approved

STATEMENTS = {"submit": 4, "plan": 27, "approve": 10, "sign": 12, "execute": 9, "finish": 17}
"""What each part of the road asks of the database, its transactions' own words (BEGIN …) left out.

Exact, so that a change which makes an action dearer is seen, and one which makes it cheaper is kept.
"""
WRITING = {"submit": 1, "plan": 3, "approve": 1, "sign": 1, "execute": 3, "finish": 3}
"""Transactions that write: each of them is a commit that waits for the disk."""
MESSAGES = {"submit": 1, "plan": 0, "approve": 1, "sign": 1, "execute": 1, "finish": 0}
"""Rings of a bell."""

BOUNDS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")
WRITES = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM)\b")  # FOR UPDATE is a row's lock, and is written as well


class Counted:
    """What the parts of one road asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.statements: dict[str, int] = {}
        self.writing: dict[str, int] = {}
        self.messages: dict[str, int] = {}
        self.rung: list[str] = []
        monkeypatch.setattr("traces.doorbell._ring_now", lambda task, _queue: self.rung.append(task))

    def part(self, name: str, work: Callable[[], Any]) -> Any:
        """Do one part, counting."""
        rung = len(self.rung)
        with CaptureQueriesContext(connection) as seen:
            came = work()
        said = [query["sql"] for query in seen]
        self.statements[name] = sum(not sql.startswith(BOUNDS) for sql in said)
        self.writing[name] = _writing(said)
        self.messages[name] = len(self.rung) - rung
        return came


def _writing(said: list[str]) -> int:
    """How many of the transactions wrote, those of a single statement included."""
    found, inside, wrote = 0, False, False
    for sql in said:
        if sql.startswith("BEGIN"):
            inside, wrote = True, False
        elif sql.startswith(("COMMIT", "ROLLBACK")) and "SAVEPOINT" not in sql:
            found, inside = found + (wrote and sql.startswith("COMMIT")), False
        elif WRITES.search(sql):
            wrote = True
            found += not inside
    return found


@pytest.mark.usefixtures("standin")
def test_a_governed_action_costs_no_more_than_this(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = _walked(world, monkeypatch)  # once for what is looked up for the first time
    counted = _walked(world, monkeypatch)
    assert counted.statements == STATEMENTS
    assert counted.writing == WRITING
    assert counted.messages == MESSAGES


def _walked(world: World, monkeypatch: pytest.MonkeyPatch) -> Counted:
    counted = Counted(monkeypatch)
    run = counted.part("submit", world.run)
    counted.part("plan", advance_runs)
    action = Action.objects.get(run=run.id)
    counted.part("approve", lambda: approved(world, action))
    counted.part("sign", sign_permits)
    counted.part("execute", execute_permitted)
    counted.part("finish", advance_runs)
    run.refresh_from_db()
    assert run.status == "succeeded"
    return counted
