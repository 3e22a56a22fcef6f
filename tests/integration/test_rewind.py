"""F41: a database that is older than what was already done is found at the start, and everything is stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from approvals.models import Action
from approvals.services.halt import halt
from approvals.tasks import execute_permitted
from lam_app import rewind
from tests.support.permits import signed
from tests.support.sql import without_guards
from tests.support.world import World
from tools.killswitch import ease, release
from tools.models import Execution, KillSwitch, OutboxMessage


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Path) -> Path:
    settings.LAM_HOME = tmp_path
    return tmp_path


def forget(table: str) -> None:
    """The newest row was never written, as far as this database knows."""
    with without_guards() as admin:
        admin.execute(f"DELETE FROM {table} WHERE id = (SELECT id FROM {table} ORDER BY id DESC LIMIT 1)")  # type: ignore[arg-type]


def test_f41_what_was_seen_is_noted_outside_of_the_database_when_it_changed(world: World, home: Path) -> None:
    world.staged()
    assert rewind.note()
    assert not rewind.note()
    seen = json.loads((home / "run" / "mark.json").read_text())
    assert (seen["execution"], rewind.quarantine()) == ("", "")
    signed(world)
    execute_permitted()
    assert rewind.note()
    seen = json.loads((home / "run" / "mark.json").read_text())
    assert seen["execution"] == str(Execution.objects.get().id)
    assert (rewind.quarantine(), KillSwitch.objects.count()) == ("", 0)


@pytest.mark.parametrize("table", ["traces_event", "tools_execution"])
def test_f41_a_database_without_the_newest_of_what_was_seen_is_quarantined(world: World, table: str) -> None:
    signed(world)
    execute_permitted()
    waiting = signed(world, arguments={"to": "customer of order 1009", "body": "Again."})
    rewind.note()
    forget(table)
    assert "older than what was already done" in rewind.quarantine()
    (stop,) = KillSwitch.objects.all()
    assert (stop.scope, stop.engaged_by.username, stop.engaged_by.is_active) == ("everything", "quarantine", False)
    assert "backup was put back" in stop.reason
    assert execute_permitted() == 0
    halt()
    waiting.refresh_from_db()
    assert (waiting.status, OutboxMessage.objects.count()) == ("halted", 1)
    assert rewind.quarantine() == ""  # it is known by now; the stop stands until a person lifts it
    assert KillSwitch.objects.count() == 1
    ease(actor=world.administrator, organization=None, switch_id=stop.id)
    assert execute_permitted() == 0
    release(actor=world.administrator, organization=None, switch_id=stop.id)
    assert execute_permitted() == 0  # what was permitted before stays void for good


def test_f41_a_start_that_dies_after_the_stop_does_not_stop_twice(world: World, home: Path) -> None:
    world.staged()
    rewind.note()
    before = (home / "run" / "mark.json").read_bytes()
    forget("traces_event")
    for _ in range(3):
        assert rewind.quarantine()
        (home / "run" / "mark.json").write_bytes(before)
    assert KillSwitch.objects.count() == 1


@pytest.mark.parametrize("found", [b"", b"{", b"[]", b'{"event": "nonsense", "execution": ""}'])
def test_f41_a_mark_that_cannot_be_read_is_no_leave(world: World, home: Path, found: bytes) -> None:
    world.staged()
    (home / "run").mkdir()
    (home / "run" / "mark.json").write_bytes(found)
    assert rewind.quarantine()
    assert KillSwitch.objects.get().scope == "everything"


def test_f41_a_first_start_and_a_database_that_was_just_made_are_no_rewind(world: World, home: Path) -> None:
    world.staged()
    assert rewind.quarantine() == ""
    with without_guards() as admin:
        admin.execute("DELETE FROM traces_event")
    assert rewind.quarantine() == ""
    assert not KillSwitch.objects.exists()
    assert not User.objects.filter(username="quarantine").exists()
    assert Action.objects.exists()


def test_f41_a_mark_that_cannot_be_written_stops_nobody(world: World, home: Path) -> None:
    (home / "run").write_text("a file where the directory should be")
    world.staged()
    assert not rewind.note()
