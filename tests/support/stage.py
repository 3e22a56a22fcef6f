"""The product's real role processes on a test's database, to be killed: forked from a warm nursery, started again.

A stage has a Redis of its own (tests flush it) and a proxy in front of PostgreSQL through which the roles named in
``through_proxy`` go. A role that ends is started again after the supervisor's pause, as the supervisor would.
Everything is ended by pid.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psutil
from redis import Redis as Client

from lam_app.environment import broker
from lam_app.supervisor.embedded import Redis
from lam_app.supervisor.nursery import Nursery
from lam_app.supervisor.places import arrange
from lam_app.supervisor.processes import FIRST_PAUSE, Child, tail
from tests.support.outside import World
from tests.support.pgproxy import PgProxy
from tests.support.services import running
from tests.support.up import PROJECT, until

SIGN, EXECUTE = "approvals.tasks.sign_permits", "approvals.tasks.execute_permitted"
THROUGH_PROXY = frozenset({"gatekeeper", "executor"})
_PR_SET_CHILD_SUBREAPER = 36


def on(address: str, **changes: str) -> str:
    """A database address with another ``dbname`` or ``host``."""
    parts = urlsplit(address)
    options = dict(parse_qsl(parts.query))
    if "host" in changes:
        options["host"] = changes["host"]
    name = f"/{changes['dbname']}" if "dbname" in changes else parts.path
    return urlunsplit((parts.scheme, parts.netloc, name, urlencode(options, quote_via=quote, safe="/"), ""))


@dataclass
class Stage:
    """Servers and nursery of a whole module; ``playing`` starts roles for one test and ends them before its rows go."""

    home: Path
    redis_url: str
    redis_pid: int
    nursery: Nursery
    nursery_child: Child
    proxy: PgProxy
    world: World
    worker_url: str
    """The worker account's address of the server, whatever the database."""
    children: dict[str, Child] = field(default_factory=dict)
    ended: list[tuple[str, int]] = field(default_factory=list)
    """Every end of a role so far: its name and its exit code (negative: the signal)."""
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def playing(self, *roles: str, **settings: str) -> Iterator[Stage]:
        """Start these roles (``executor2`` is a second executor) and keep them running until the block ends.

        This process leaves first: the stage's sweeper would take it for a worker that hears no message, and kill it.
        """
        from django.db import connection

        from tools.presence import leave

        leave()
        database = str(connection.settings_dict["NAME"])
        self.world.clear()
        self.redis.flushall()
        self._stop.clear()
        for name in roles:
            self.children[name] = self._role(name, database, settings)
        keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        try:
            for child in self.children.values():
                child.pid = child.start()
            keeper.start()
            for name in roles:
                self.ready(name)
            yield self
        finally:
            self._stop.set()
            if keeper.is_alive():
                keeper.join()
            for child in self.children.values():
                self._end(child)
            self.children.clear()

    def pid(self, name: str) -> int:
        """The process that plays this role now."""
        return self.children[name].pid

    def ready(self, name: str) -> int:
        """Wait until the role works; its pid."""
        child = self.children[name]
        until(lambda: child.pid > 0 and child.ready(), 20, f"{name} is ready:\n{tail(child.log)}")
        return child.pid

    def present(self, name: str) -> int:
        """Wait until this executor has announced itself, so that its next work begins with the work; its pid."""
        from tools.models import Worker

        pid = self.ready(name)

        def announced() -> bool:
            if Worker.objects.filter(pid=pid, ended_at=None).exists():
                return True
            self.ring(EXECUTE)  # again and again: another executor may be the one that answers
            return False

        until(announced, 30, f"{name} announced itself")
        return pid

    def gone(self, name: str, pid: int) -> None:
        """Wait until this process is buried."""
        until(lambda: self.children[name].pid != pid, 30, f"{name} ended")

    def alive(self, name: str, pid: int) -> bool:
        """Whether this very process still plays the role."""
        return self.children[name].pid == pid and psutil.pid_exists(pid)

    def ring(self, task: str) -> None:
        """Send the message that says "look"."""
        from traces.doorbell import ROUTES

        self.app.send_task(task, queue=ROUTES[task], retry=False, ignore_result=True)

    @cached_property
    def redis(self) -> Client:
        """The stage's Redis."""
        return Client.from_url(self.redis_url)

    @cached_property
    def app(self) -> Any:
        """A Celery that only sends."""
        from celery import Celery

        return Celery("stage", broker=broker(self.redis_url), set_as_current=False)

    def _role(self, name: str, database: str, settings: dict[str, str]) -> Child:
        role = name.rstrip("0123456789")
        address = on(self.worker_url, dbname=database)
        if role in THROUGH_PROXY:
            address = on(address, host=str(self.proxy.directory))
        env = {"LAM_ROLE": "worker", "DATABASE_URL": address, "REDIS_URL": self.redis_url, **settings}
        return self.nursery.role(name, role, env, **({"threads": 2} if role == "planner" else {}))

    def _keep(self) -> None:
        """What the supervisor does with children that end."""
        again: dict[str, float] = {}
        while not self._stop.wait(0.01):
            for name, child in self.children.items():
                if child.pid and (code := _reaped(child.pid)) is not None:
                    self.ended.append((name, code))
                    child.pid = 0
                    again[name] = time.monotonic() + FIRST_PAUSE
                elif not child.pid and time.monotonic() >= again.get(name, 0):
                    with contextlib.suppress(OSError), self._guard:
                        child.pid = child.start()

    def _end(self, child: Child) -> None:
        if not child.pid:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)
        until(lambda: _reaped(child.pid) is not None, 30, f"{child.name} ended")
        child.pid = 0


def _reaped(pid: int) -> int | None:
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:  # not handed to us yet, or gone already
        return None if psutil.pid_exists(pid) else 0
    return os.waitstatus_to_exitcode(status) if found else None


def _adopting(yes: bool) -> None:
    """The forked roles become our children while we adopt orphans."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0)


@contextlib.contextmanager
def stage(tools: str = "tests.support.chaos_tools") -> Iterator[Stage]:
    """The servers and the warm nursery; ``tools`` is what the roles get as LAM_TOOLS."""
    from django.conf import settings

    home = Path(tempfile.mkdtemp(prefix="cs-stage-"))
    shared = home
    worker = os.environ["COUNTERSIGN_TEST_WORKER"]
    upstream = Path(dict(parse_qsl(urlsplit(worker).query))["host"]) / ".s.PGSQL.5432"
    outside = home / "outside"
    outside.mkdir()
    os.environ["CHAOS_WORLD"] = str(outside)
    _adopting(True)
    try:
        places = arrange(home)
        shared = places.shared
        redis = Redis(places, secrets.token_urlsafe(12))
        redis.prepare()
        env = {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "lam_app.settings",
            "LAM_HOME": str(settings.LAM_HOME),
            "LAM_TOOLS": tools,
            "CHAOS_WORLD": str(outside),
        }
        nursery = Nursery("nursery", env, PROJECT, places.logs)
        child = nursery.child()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # the supervisor waits by pid, not through Popen
            child.pid = child.start()
        with running(redis.program()) as server, PgProxy(upstream, home / "proxy") as proxy:
            found = Stage(home, redis.url(), server.pid, nursery, child, proxy, World(outside), worker)
            try:
                until(child.ready, 60, "the nursery is warm")
                yield found
            finally:
                found.redis.close()
                found._end(child)
                if nursery._ours is not None:
                    nursery._ours.close()
    finally:
        _adopting(False)
        os.environ.pop("CHAOS_WORLD", None)
        shutil.rmtree(shared, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)
