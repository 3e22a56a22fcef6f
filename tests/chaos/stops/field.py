"""Everything that runs beside a test of stops: recorder, Redis, claimers, web role. Ended by pid behind the block."""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.db import connection
from django.test import Client

from accounts.models import User
from lam_app.supervisor.embedded import Redis
from lam_app.supervisor.places import arrange
from tests.chaos.stops.company import OVER, SHUT, Gate
from tests.chaos.stops.recorder import PLACE
from tests.support.services import running
from tests.support.stage import on
from tests.support.up import PROJECT, free_port

CLAIMERS = 16
_TOKEN = "s" * 32


@dataclass
class Field:
    """What is running, and how to reach it."""

    gate: Gate
    redis_pid: int
    company: subprocess.Popen[bytes]
    port: int

    @contextlib.contextmanager
    def without_redis(self) -> Iterator[None]:
        """Inside the block Redis takes connections and answers nothing: worse than none."""
        os.kill(self.redis_pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.redis_pid, signal.SIGCONT)

    @property
    def working(self) -> bool:
        """Whether every claimer still is what it was at the start."""
        return self.company.poll() is None and self.gate.now != OVER


class Browser:
    """Somebody who has signed in and looks at the stop page, with the connection open that the click will take."""

    def __init__(self, port: int, who: User) -> None:
        client = Client()
        client.force_login(who)
        session = client.cookies["sessionid"].value
        self._headers = {
            "Cookie": f"sessionid={session}; csrftoken={_TOKEN}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Referer": f"http://127.0.0.1:{port}/stop/",
        }
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def look(self) -> None:
        """Open the page, on a fresh line: an idle one is cut after a while."""
        self._line.close()
        self._line.request("GET", "/stop/", headers=self._headers)
        answer = self._line.getresponse()
        assert answer.status == 200, (answer.status, answer.read())
        answer.read()

    def click(self, scope: str, target: uuid.UUID | None) -> float:
        """Stop it; the seconds from the click to the page's word that it is armed."""
        form = {"scope": scope, "reason": "Stop it.", "csrfmiddlewaretoken": _TOKEN}
        if scope != "organization":
            form[scope] = str(target)
        body = urllib.parse.urlencode(form)
        began = time.monotonic()
        self._line.request("POST", "/stop/", body, self._headers)
        answer = self._line.getresponse()
        took = time.monotonic() - began
        said = answer.read()
        assert answer.status == 302, (answer.status, said[:2000])
        return took

    def close(self) -> None:
        """Hang up."""
        self._line.close()


@contextlib.contextmanager
def field(*, claimers: int = CLAIMERS, held: bool = True, pages: bool = True) -> Iterator[Field]:
    """Start everything on the test's database. ``held`` False takes the lock out of the claim."""
    home = Path(tempfile.mkdtemp(prefix="cs-stops-"))
    shared = home
    before = os.environ.get(PLACE)
    database = str(connection.settings_dict["NAME"])
    try:
        places = arrange(home)
        shared = places.shared
        redis = Redis(places, secrets.token_urlsafe(12))
        redis.prepare()
        gate_place = home / "gate"
        gate_place.write_bytes(bytes([SHUT]))
        os.environ[PLACE] = str(home / "recorder")
        common = {**os.environ, "REDIS_URL": redis.url()}
        worker = {**common, "LAM_ROLE": "worker", "LAM_PROCESS": "claimer"}
        worker["DATABASE_URL"] = on(os.environ["COUNTERSIGN_TEST_WORKER"], dbname=database)
        page = {**common, "LAM_ROLE": "web", "LAM_PROCESS": "web"}
        page["DATABASE_URL"] = on(os.environ["COUNTERSIGN_TEST_WEB"], dbname=database)
        port = free_port()
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(running(redis.program()))
            company = ["claimers", str(gate_place), str(claimers), *([] if held else ["unheld"])]
            stack.enter_context(_program(home, "recorder", [os.environ[PLACE]], common))
            gate = Gate(gate_place)
            working = _begun(home, "company", company, worker)
            stack.callback(_end, working, gate)
            if pages:
                stack.enter_context(_program(home, "company", ["web", str(port)], page))
            _ready(home, working)
            yield Field(gate, server.pid, working, port)
    finally:
        os.environ.pop(PLACE) if before is None else os.environ.update({PLACE: before})
        shutil.rmtree(shared, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def _begun(home: Path, module: str, arguments: list[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
    with open(home / "log", "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", f"tests.chaos.stops.{module}", *arguments],
            cwd=PROJECT, env=env, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip


def _ready(home: Path, process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said == b"ready\n", (said, (home / "log").read_text()[-4000:])


@contextlib.contextmanager
def _program(home: Path, module: str, arguments: list[str], env: dict[str, str]) -> Iterator[None]:
    process = _begun(home, module, arguments, env)
    try:
        _ready(home, process)
        yield
    finally:
        process.terminate()
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(8)
        assert process.stdout is not None
        process.stdout.close()


def _end(company: subprocess.Popen[bytes], gate: Gate) -> None:
    """End the claimers in order; their parent answers with 1 if one had ended before."""
    over = gate.now == OVER
    gate.set(OVER)
    try:
        company.wait(20)
    except subprocess.TimeoutExpired:
        company.kill()  # the claimers see that their parent is gone
        company.wait(8)
    assert company.stdout is not None
    company.stdout.close()
    assert over or company.returncode == 0, "a claimer ended by itself"
