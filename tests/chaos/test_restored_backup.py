"""F41: the database is put back from a copy, and what was done since is not done again, until a person has looked.

On the real product, with effects that the copy cannot take back: they stand in the back office's own ledger.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.test_real_tasks import manage
from tests.support.desk import Client, Session
from tests.support.up import PROJECT, Up, until

pytestmark = pytest.mark.slow
TOOL = "reply_to_ticket"
"""Nobody recognises a repeated call of it: done twice is done twice."""
AGENT = ("agent", "create", "caller", "--organization", "demo", "--owner", "operator", "--tool", TOOL)
TOKEN = ("token", "create", "--user", "operator", "--scope", "agent", "--agent", "caller")


def cluster(up: Up) -> Path:
    """Where the database lies."""
    moved = re.search(r"data of the servers lies in (\S+):", up.said)
    (found,) = [
        path.parent for path in Path(moved[1] if moved else up.home).rglob("PG_VERSION") if "base" not in path.parts
    ]
    return found


def copied(source: Path, target: Path) -> None:
    """The files as they are, owner and all."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def lifted(up: Up, verb: str, stop: str) -> None:
    """A stage of the lifting, by a person, from the shell."""
    words = ("kill", verb, stop, "--reason", "Looked at the office", "--as", "administrator")
    env = {**os.environ, "LAM_HOME": str(up.home), "LAM_ROLE": "owner", "DATABASE_URL": "", "REDIS_URL": ""}
    subprocess.run([sys.executable, "manage.py", *words], cwd=PROJECT, env=env, check=True, capture_output=True)


def proposed(caller: Client, words: str) -> str:
    """A reply that waits for a person."""
    shown = caller("POST", "/actions", {"tool": TOOL, "arguments": {"ticket_id": "T-301", "text": words}})
    until(lambda: caller("GET", f"/actions/{shown['id']}")["status"] == "in_review", 30, "it waits for a person")
    return str(shown["id"])


def status(caller: Client, action: str) -> str:
    return str(caller("GET", f"/actions/{action}")["status"])


def approve(caller: Client, up: Up, action: str) -> int:
    shown = caller("GET", f"/actions/{action}")
    return Session(up.url, "reviewer").decide(action, shown["digest"], "approve")


def test_f41_a_restored_backup_does_nothing_twice_and_nothing_at_all_until_a_person_has_looked() -> None:
    with Up(LAM_DEMO="sandbox") as up:
        manage(up, "owner", *AGENT)
        caller = Client(up.url, manage(up, "web", *TOKEN))
        first, second = proposed(caller, "We are looking into it."), proposed(caller, "It is on its way.")
        up.child("executor1").send_signal(signal.SIGSTOP)  # so that the backup holds a permit that nobody has used
        assert approve(caller, up, first) == 200
        until(lambda: up.rows("SELECT 1 FROM approvals_permit") != [], 20, "the permit is signed")
        up.stop()
        data = cluster(up)
        backup = data.with_name("backup")
        copied(data, backup)
        up.start()
        assert "QUARANTINE" not in up.said
        until(lambda: status(caller, first) == "done", 30, "the reply was sent")
        assert up.office.effects(TOOL) == 1
        ((ledger,),) = up.rows("SELECT id FROM tools_execution")
        until(lambda: str(ledger) in (up.home / "run" / "mark.json").read_text(), 30, "the sweeper has passed")
        up.stop()

        copied(backup, data)
        shutil.rmtree(backup)
        up.start()
        assert "QUARANTINE: everything is stopped." in up.said
        until(lambda: status(caller, first) == "halted", 30, "what was permitted is halted")
        assert approve(caller, up, second) == 409  # held: nobody decides under the stop
        assert up.rows("SELECT count(*) FROM tools_execution") == [(0,)]
        assert up.office.effects(TOOL) == 1

        ((stop,),) = up.rows("SELECT id FROM tools_killswitch WHERE released_at IS NULL AND scope = 'everything'")
        lifted(up, "ease", str(stop))
        lifted(up, "release", str(stop))
        assert approve(caller, up, second) == 200
        until(lambda: status(caller, second) == "done", 30, "work goes on")
        assert status(caller, first) == "halted"
        assert up.office.effects(TOOL) == 2
