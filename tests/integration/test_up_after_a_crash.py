"""What a crash leaves behind does not hold up the next start, and nothing that is not ours is touched."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from lam_app.supervisor import places
from lam_app.supervisor.embedded import Postgres, passwords
from lam_app.supervisor.places import Account, Places, arrange, can_enter, owned_directory, within_reach
from lam_app.supervisor.processes import end_leftovers
from tests.support.services import running

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def home() -> Iterator[Places]:
    made = arrange(Path(tempfile.mkdtemp(prefix="countersign-crash-")))
    yield made
    shutil.rmtree(made.home, ignore_errors=True)


def test_a_pid_file_whose_pid_now_belongs_to_another_program_does_not_hold_up_the_start(home: Places) -> None:
    """PostgreSQL would wait for that program for ever: after a container restart pids are used again."""
    postgres = Postgres(home, passwords(home.keys)["admin"], durable=False)
    assert postgres.prepare()
    with running(postgres.program()) as process:
        pid_file = (postgres.data / "postmaster.pid").read_text()
        process.send_signal(signal.SIGKILL)
        process.wait(5)
    with subprocess.Popen(SLEEP) as stranger:
        try:
            (postgres.data / "postmaster.pid").write_text(
                pid_file.replace(pid_file.split("\n", 1)[0], str(stranger.pid), 1)
            )
            assert not postgres.prepare()
            with running(postgres.program()), psycopg.connect(postgres.url(database="postgres")) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_an_interrupted_first_start_begins_again(home: Places) -> None:
    postgres = Postgres(home, passwords(home.keys)["admin"], durable=False)
    owned_directory(postgres.data, home.servers, 0o700)
    (postgres.data / "base").mkdir()
    (postgres.data / "postgresql.conf").write_text("half of a line")
    assert postgres.prepare()
    assert (postgres.data / "PG_VERSION").exists()


def test_the_server_wants_a_password_even_on_its_socket(home: Places) -> None:
    postgres = Postgres(home, passwords(home.keys)["admin"], durable=False)
    postgres.prepare()
    with running(postgres.program()), pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(postgres.url(password="wrong", database="postgres"))


def test_leftovers_are_ended_only_if_their_start_time_is_the_noted_one(tmp_path: Path) -> None:
    notes = tmp_path / "processes.json"
    with subprocess.Popen(SLEEP, start_new_session=True) as ours, subprocess.Popen(SLEEP) as strangers:
        try:
            created = psutil.Process(ours.pid).create_time()
            notes.write_text(json.dumps({"web": [ours.pid, created], "redis": [strangers.pid, created - 3600]}))
            began = time.monotonic()
            assert end_leftovers(notes) == 1
            assert time.monotonic() - began < 5
            ours.wait(1)
            assert not psutil.pid_exists(ours.pid)
            assert strangers.poll() is None
            assert not notes.exists()
        finally:
            strangers.kill()
            ours.kill()


def test_notes_that_make_no_sense_are_no_obstacle(tmp_path: Path) -> None:
    notes = tmp_path / "processes.json"
    assert end_leftovers(notes) == 0
    notes.write_text("{half")
    assert end_leftovers(notes) == 0


def test_a_link_in_place_of_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(PermissionError):
        owned_directory(tmp_path / "link", None, 0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs programs as other accounts")
def test_programs_in_a_closed_directory_are_copied_to_where_the_account_can_run_them(
    tmp_path: Path, home: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = Account("nobody", 65534, 65534)
    closed = tmp_path / "closed"
    (closed / "package" / "bin").mkdir(parents=True)
    program = closed / "package" / "bin" / "hello"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o700)
    closed.chmod(0o700)
    monkeypatch.setattr(places, "SHARED_ROOT", home.shared / "root")
    home.home.chmod(0o755)
    found = within_reach(closed, ("package/bin", "package.libs"), who, "hello-1") / "package" / "bin" / "hello"
    assert not can_enter(closed, who)
    assert found != program
    said = subprocess.run(
        [str(found)], user=who.uid, group=who.gid, extra_groups=[], capture_output=True, text=True, check=True
    )
    assert said.stdout == "hello\n"
    assert within_reach(closed, ("package/bin",), who, "hello-1") == found.parents[2]
