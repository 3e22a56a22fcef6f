"""`manage.py up`: everything starts, comes back when it is killed, and is gone when it is told to stop."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator

import psutil
import psycopg
import pytest

from tests.support.up import PASSWORD, Up, sign_in, status_of, until

pytestmark = pytest.mark.slow
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start processes as another user")
ROLES = ("web", "gatekeeper", "planner", "sweeper", "executor1")


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    with Up() as running:
        yield running


def test_it_says_ready_once_and_serves_the_sign_in_page(up: Up) -> None:
    lines = [line for line in up.said.splitlines() if line.startswith("ready ")]
    assert len(lines) == 1
    assert lines[0].startswith(f"ready {up.url}")
    assert status_of(f"{up.url}/accounts/login/") == 200


def test_the_demo_says_who_can_sign_in(up: Up) -> None:
    assert (
        f"operator, reviewer, reviewer2, administrator, auditor, developer, outsider with the password {PASSWORD}"
        in up.said
    )


@pytest.mark.parametrize("user", ["operator", "reviewer"])
def test_demo_users_sign_in_with_the_configured_password(up: Up, user: str) -> None:
    assert "/login" not in sign_in(up.url, user)


def test_it_listens_on_loopback_only(up: Up) -> None:
    for process in up.family:
        for found in process.net_connections(kind="inet"):
            if found.status == "LISTEN":
                assert found.laddr.ip == "127.0.0.1", process


def test_a_second_start_on_the_same_home_is_refused(up: Up) -> None:
    second = Up(home=up.home)
    second.output = up.home / "second.out"
    second.spawn()
    assert second.process is not None
    assert second.process.wait(20) == 1
    assert "give this one its own LAM_HOME" in second.said
    assert "Traceback" not in second.said
    assert status_of(f"{up.url}/accounts/login/") == 200


@pytest.mark.parametrize("name", ["redis", "postgres", *ROLES, "stand-in", "sandbox", "nursery"])
def test_a_killed_process_comes_back(up: Up, name: str) -> None:
    killed = up.child(name)
    with contextlib.suppress(psutil.NoSuchProcess):  # it may be ending by itself: a server it needs was killed before
        killed.kill()
    until(lambda: up.came_back(name, killed.pid), 60, f"{name} is back")
    until(lambda: status_of(f"{up.url}/accounts/login/") == 200, 60, "pages are served")


def test_secrets_are_in_no_process_list_and_in_no_log(up: Up) -> None:
    kept = (up.home / "keys" / "passwords.json").read_text().split('"')[3::4]
    assert len(kept) > 4
    arguments = " ".join(word for process in up.family if process.is_running() for word in process.cmdline())
    logs = "".join(place.read_text(errors="replace") for place in (up.home / "logs").iterdir())
    for secret in [*kept, PASSWORD, (up.home / "keys" / "secret").read_text()]:
        assert secret not in arguments
        assert secret not in logs


def test_keys_can_be_read_by_their_owner_only(up: Up) -> None:
    assert stat.S_IMODE((up.home / "keys").stat().st_mode) == 0o700
    for place in (up.home / "keys").iterdir():
        assert stat.S_IMODE(place.stat().st_mode) == 0o600, place
    assert stat.S_IMODE((up.home / "run" / "services.json").stat().st_mode) == 0o600


@as_root
def test_executors_are_another_user_who_can_read_neither_the_private_key_nor_other_environments(up: Up) -> None:
    executor = up.child("executor1")
    uid = executor.uids().real
    assert uid != 0
    assert executor.gids().real != 0
    trusted = [up.child(name).pid for name in ("web", "gatekeeper", "planner", "postgres")]
    closed = [up.home / "keys" / "permit.pem", up.home / "run" / "services.json", up.home / "keys" / "passwords.json"]
    for place in [*map(str, closed), *(f"/proc/{pid}/environ" for pid in trusted)]:
        tried = subprocess.run(
            ["cat", place], user=uid, group=uid, extra_groups=[], capture_output=True, text=True, check=False
        )
        assert tried.returncode != 0, place
        assert tried.stdout == ""
        assert "Permission denied" in tried.stderr


@as_root
def test_the_private_key_is_in_nobodys_environment_and_the_secret_key_is_not_with_executors(up: Up) -> None:
    memory = executor_memory(up.child("executor1").pid)
    assert (up.home / "keys" / "secret").read_bytes() not in memory
    body = (up.home / "keys" / "permit.pem").read_text().splitlines()[1].encode()
    assert body not in memory
    assert b"countersign_owner:" not in memory
    assert b"countersign_worker:" in memory  # the search itself works


def executor_memory(pid: int) -> bytes:
    """The writable memory of a process, as root can read it."""
    found = bytearray()
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, rights, *_ = line.split()
            if "r" in rights and "w" in rights:
                begin, end = (int(part, 16) for part in span.split("-"))
                try:
                    memory.seek(begin)
                    found += memory.read(end - begin)
                except OSError:
                    continue
    return bytes(found)


def test_two_instances_run_side_by_side(up: Up) -> None:
    with Up() as other:
        assert status_of(f"{other.url}/accounts/login/") == 200
        assert status_of(f"{up.url}/accounts/login/") == 200
        assert other.child("postgres").pid != up.child("postgres").pid


def test_a_stop_takes_less_than_ten_seconds_and_leaves_no_process_and_the_next_start_takes_less_than_ten() -> None:
    with Up() as up:
        assert up.stop() < 10
        assert up.process is not None
        assert up.process.returncode == 0
        assert up.left() == []
        assert up.said.rstrip().endswith("stopped")
        assert up.start() < 10
        assert status_of(f"{up.url}/accounts/login/") == 200


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGHUP])
def test_other_signals_stop_it_too(which: signal.Signals) -> None:
    with Up() as up:
        assert up.process is not None
        up.process.send_signal(which)
        assert up.process.wait(10) == 0
        assert up.left() == []


def test_a_signal_during_the_start_stops_it_too() -> None:
    up = Up()
    try:
        up.output.write_bytes(b"")
        up.spawn()
        until(lambda: "Redis: embedded" in up.said, 30, "starting")
        assert up.stop() < 10
        assert up.left() == []
    finally:
        up.clean()


def test_after_a_kill_of_the_supervisor_nothing_lives_on_and_a_new_start_works() -> None:
    with Up() as up:
        up.kill()
        until(lambda: up.left() == [], 30, "all children ended with their parent")
        up.start()
        assert status_of(f"{up.url}/accounts/login/") == 200


def test_a_port_in_use_is_named(up: Up) -> None:
    other = Up()
    try:
        other.port = up.port
        other.output.write_bytes(b"")
        other.spawn()
        assert other.process is not None
        assert other.process.wait(20) == 1
        assert f"port {up.port}" in other.said
        assert "Traceback" not in other.said
    finally:
        other.clean()


def test_a_long_path_is_no_obstacle(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("a-home-in-a-directory-with-a-very-long-name") / ("x" * 90)
    with Up(home=home) as up:
        assert status_of(f"{up.url}/accounts/login/") == 200


def test_commands_find_a_running_instance(up: Up) -> None:
    import json

    urls = json.loads((up.home / "run" / "services.json").read_text())
    with psycopg.connect(urls["web"]) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("countersign_web",)


def test_workers_keep_one_connection_each(up: Up) -> None:
    import json

    urls = json.loads((up.home / "run" / "services.json").read_text())
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'gatekeeper'"
    with psycopg.connect(urls["worker"], autocommit=True) as connection:
        before = connection.execute(query).fetchall()
        time.sleep(2)  # two sweeps
        assert len(connection.execute(query).fetchall()) <= 1
        assert len(before) <= 1
