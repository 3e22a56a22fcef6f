"""A real `manage.py up` for the tests: started in a home of its own, watched, and ended whatever happens."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import psycopg

from tests.support.backoffice import BackOffice

PROJECT = Path(__file__).resolve().parents[2]
PASSWORD = "only-for-this-test-run"


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as trying:
        trying.bind(("127.0.0.1", 0))
        return int(trying.getsockname()[1])


def until(what: Callable[[], bool], seconds: float, why: str) -> float:
    """Wait for a condition; how long it took. Fails with `why` when it does not come."""
    began = time.monotonic()
    while not what():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"after {seconds} s still not: {why}")
        time.sleep(0.02)
    return time.monotonic() - began


def status_of(address: str) -> int:
    """The HTTP status of a page; 0 when nobody answers."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return int(answer.status)
    except OSError:
        return 0


def sign_in(address: str, user: str) -> str:
    """Sign in as a demo user; the address of the page where that leads."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = f"{address}/accounts/login/"
    opener.open(page, timeout=10).close()
    token = next(str(cookie.value) for cookie in jar if cookie.name == "csrftoken")
    form = {"login": user, "password": PASSWORD, "csrfmiddlewaretoken": token}
    asked = urllib.request.Request(page, urllib.parse.urlencode(form).encode(), {"Referer": page})
    with opener.open(asked, timeout=10) as answer:
        return str(answer.url)


class Up:
    """One instance. `with Up() as up` is ready inside the block, and gone with all its processes behind it."""

    def __init__(self, *options: str, home: Path | None = None, **settings: str) -> None:
        self.home = home or Path(tempfile.mkdtemp(prefix="countersign-up-"))
        self.port = free_port()
        self.options = options
        self.settings = {"LAM_DEMO": "sandbox", **settings}  # the day is played where a test is about it
        self.output = self.home.parent / f"{self.home.name}.out"
        self.process: subprocess.Popen[bytes] | None = None
        self.family: list[psutil.Process] = []

    def __enter__(self) -> Up:
        try:
            self.start()
        except BaseException:
            self.clean()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            self.clean()

    def spawn(self) -> None:
        """Start it, without waiting."""
        clean = {name: os.environ[name] for name in ("PATH", "LANG", "HOME", "SSL_CERT_FILE") if name in os.environ}
        with open(self.output, "ab") as out:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "manage.py",
                    "up",
                    "--demo",
                    "--port",
                    str(self.port),
                    "--workers",
                    "1",
                    *self.options,
                ],
                cwd=PROJECT,
                env={**clean, "LAM_HOME": str(self.home), "LAM_DEMO_PASSWORD": PASSWORD, **self.settings},
                stdout=out,
                stderr=out,
            )

    def start(self, seconds: float = 90) -> float:
        """Start it and wait for its `ready` line; the seconds it took."""
        self.output.write_bytes(b"")
        self.spawn()
        took = until(lambda: "\nready " in self.said or self.ended, seconds, "ready")
        assert not self.ended, self.said
        self.remember()
        return took

    @property
    def url(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def office(self) -> BackOffice:
        """The demo's back office."""
        return BackOffice(f"http://127.0.0.1:{(self.home / 'run' / 'sandbox.port').read_text()}")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the database answers to its owner."""
        with psycopg.connect(self.owner) as connection:
            return connection.execute(query.encode()).fetchall()

    @property
    def owner(self) -> str:
        """Where the account that owns the tables signs in."""
        return str(json.loads((self.home / "run" / "services.json").read_text())["owner"])

    @property
    def said(self) -> str:
        """Everything it has printed."""
        return "\n" + self.output.read_text()

    @property
    def ended(self) -> bool:
        """Whether the supervisor itself is gone."""
        return self.process is None or self.process.poll() is not None

    def remember(self) -> None:
        """Note all its processes, to see later that none is left."""
        assert self.process is not None
        self.family = psutil.Process(self.process.pid).children(recursive=True)

    def child(self, name: str) -> psutil.Process:
        """The living process of this name: postgres, redis, web, gatekeeper, planner, executor1, sweeper, sandbox, …

        Waited for, since the notes may still name one that has just died with a server it needs.
        """
        until(lambda: self._living(name) is not None, 60, f"{name} lives")
        return self._living(name) or self.child(name)

    def _living(self, name: str) -> psutil.Process | None:
        try:
            one = psutil.Process(json.loads((self.home / "run" / "processes.json").read_text())[name][0])
            return None if one.status() == psutil.STATUS_ZOMBIE else one
        except (KeyError, psutil.NoSuchProcess):
            return None

    def came_back(self, name: str, killed: int) -> bool:
        """Whether another process of this name lives now."""
        return (now := self._living(name)) is not None and now.pid != killed

    def left(self) -> list[psutil.Process]:
        """Which of its processes still live."""
        return [process for process in self.family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]

    def stop(self) -> float:
        """Ask it to stop; the seconds until it has ended."""
        if self.process is None or self.ended:
            return 0.0
        self.remember()
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        return time.monotonic() - began

    def kill(self) -> None:
        """kill -9 of the supervisor alone."""
        assert self.process is not None
        self.remember()
        self.process.kill()
        self.process.wait(5)

    def clean(self) -> None:
        """End what is left, by pid, and remove its files."""
        if self.process is not None and not self.ended:
            self.kill()
        for process in self.left():
            process.kill()
        psutil.wait_procs(self.family, timeout=5)
        if moved := re.search(r"data of the servers lies in (\S+):", self.said if self.output.exists() else ""):
            shutil.rmtree(moved[1], ignore_errors=True)
        shutil.rmtree(self.home, ignore_errors=True)
        self.output.unlink(missing_ok=True)
