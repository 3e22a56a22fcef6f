"""Keeping children alive, and leaving none behind.

Every child leads a process group of its own, dies with us even if we are killed with -9 (Linux: PR_SET_PDEATHSIG),
is started again with a growing pause when it ends, and is noted in a file, so that the next start finds
what a machine without PR_SET_PDEATHSIG left over. We adopt orphans (PR_SET_CHILD_SUBREAPER), hence also children
that were forked by somebody else for us.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from lam_app.supervisor.programs import Program, adopt_orphans, launch, signal_group, tail

FIRST_PAUSE = 0.1  # seconds before the first restart; doubled each time
LONGEST_PAUSE = 5.0
STEADY = 20.0  # seconds of life after which a child's earlier crashes are forgotten
TOO_OFTEN = 6  # crashes in a row after which a start is given up; PostgreSQL needs a few while old backends leave


class NotReady(Exception):
    """A child did not become ready in time; the message ends with what it last wrote."""


class Stopped(Exception):
    """A signal asked us to stop."""


@dataclass
class Child:
    """Something that is kept running: `start` returns the pid of a process that is, or will be, our child."""

    name: str
    start: Callable[[], int]
    ready: Callable[[], bool]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    last_signal: signal.Signals = signal.SIGKILL
    pid: int = 0
    started: float = 0.0
    crashes: int = 0
    restart_at: float | None = None
    once: bool = False  # a job that ends, not a service
    status: int | None = None  # how a job ended
    after: Callable[[int], None] | None = None  # told how a job ended, unless we are stopping


def child_of(program: Program) -> Child:
    """A child that runs this program."""
    return Child(
        program.name, lambda: launch(program).pid, program.ready, program.log, program.stop_signal, program.last_signal
    )


@dataclass
class Supervisor:
    """The children, in the order of their start; they are stopped in the opposite order, servers last."""

    notes: Path  # which processes are ours, for a start after we were killed
    say: Callable[[str], None]
    children: dict[str, Child] = field(default_factory=dict)
    asked_to_stop: bool = False
    _wake: tuple[int, int] = (-1, -1)

    def __enter__(self) -> Supervisor:
        adopt_orphans()
        self._wake = os.pipe()
        for end in self._wake:
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for asked in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(asked, self._on_stop)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        signal.set_wakeup_fd(-1)
        for end in self._wake:
            os.close(end)

    def _on_stop(self, *_: object) -> None:
        self.asked_to_stop = True

    def start(self, child: Child) -> None:
        """Start a child and keep it running from now on."""
        self.children[child.name] = child
        self._start(child)

    def _start(self, child: Child) -> None:
        child.restart_at = None
        child.started = time.monotonic()
        try:
            child.pid = child.start()
        except OSError as error:
            child.pid, child.status = 0, -1
            self._ended(child, f"could not start: {error}")
        self._note()

    def wait_ready(self, names: Iterable[str], seconds: float) -> None:
        """Wait until all of these are ready. Raises NotReady after `seconds`, Stopped when a signal arrives."""
        waiting = list(names)
        end = time.monotonic() + seconds
        while True:
            waiting = [name for name in waiting if not self._is_ready(self.children[name])]
            if not waiting:
                return
            failing = [name for name in waiting if self.children[name].crashes >= TOO_OFTEN]
            if failing or time.monotonic() > end:
                child = self.children[(failing or waiting)[0]]
                raise NotReady(f"{child.name} does not start; the last lines of {child.log}:\n{tail(child.log)}")
            self.attend(0.02)
            if self.asked_to_stop:
                raise Stopped

    def run_once(self, child: Child, seconds: float) -> None:
        """Run a job to its end. Raises NotReady when it fails or takes longer, Stopped when a signal arrives."""
        child.once = True
        self.start(child)
        end = time.monotonic() + seconds
        while child.status is None and time.monotonic() < end:
            self.attend(0.5)
            if self.asked_to_stop:
                raise Stopped
        if child.status != 0:
            raise NotReady(f"{child.name} failed; last lines of {child.log}:\n{tail(child.log)}")
        del self.children[child.name]

    def _is_ready(self, child: Child) -> bool:
        return child.pid > 0 and child.ready()

    def attend(self, seconds: float) -> None:
        """Sleep until something happens, at most so long; bury the dead and start again what is due."""
        pauses = [child.restart_at - time.monotonic() for child in self.children.values() if child.restart_at]
        select.select([self._wake[0]], [], [], max(0.0, min([seconds, *pauses])))
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake[0], 4096):
                pass
        self._bury()
        if not self.asked_to_stop:
            for child in list(self.children.values()):
                if child.restart_at and time.monotonic() >= child.restart_at:
                    self._start(child)

    def _bury(self) -> None:
        by_pid = {child.pid: child for child in self.children.values() if child.pid}
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if child := by_pid.get(pid):
                    code = os.waitstatus_to_exitcode(status)
                    child.status = code
                    self._ended(child, f"was killed by signal {-code}" if code < 0 else f"ended with status {code}")

    def _ended(self, child: Child, how: str) -> None:
        # What it started in its own group must not outlive it and work beside its successor.
        if child.pid:
            signal_group(child.pid, signal.SIGKILL)
        child.pid = 0
        if self.asked_to_stop:
            return
        if child.once:
            if child.after:
                child.after(-1 if child.status is None else child.status)
            return
        child.crashes = 0 if time.monotonic() - child.started > STEADY else child.crashes
        pause = min(FIRST_PAUSE * 2**child.crashes, LONGEST_PAUSE)
        child.crashes += 1
        child.restart_at = time.monotonic() + pause
        self.say(f"{child.name} {how}; starting it again in {pause:.1f} s")

    def stop(self, last: Iterable[str] = ("postgres", "redis", "sandbox")) -> None:
        """Stop everything within ten seconds: first what uses the servers and the world, then those."""
        self.asked_to_stop = True
        servers = [self.children[name] for name in last if name in self.children]
        others = [child for child in self.children.values() if child not in servers]
        self._stop(others, gentle=4.0, harsh=0.5)
        self._stop(servers, gentle=3.0, harsh=1.0)
        for orphan in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                orphan.kill()
        self._bury()
        self.notes.unlink(missing_ok=True)

    def _stop(self, children: list[Child], gentle: float, harsh: float) -> None:
        for asked, patience in ((None, gentle), (True, harsh), (False, 1.0)):
            alive = [child for child in children if child.pid]
            for child in alive:
                last = child.last_signal if asked else signal.SIGKILL
                signal_group(child.pid, child.stop_signal if asked is None else last)
            end = time.monotonic() + patience
            while any(child.pid for child in children) and (left := end - time.monotonic()) > 0:
                self.attend(min(left, 0.2))

    def _note(self) -> None:
        noted = {}
        for child in self.children.values():
            if child.pid:
                with contextlib.suppress(psutil.Error):
                    noted[child.name] = [child.pid, psutil.Process(child.pid).create_time()]
        unfinished = self.notes.with_suffix(".new")
        unfinished.write_text(json.dumps(noted))
        unfinished.rename(self.notes)


def end_leftovers(notes: Path, seconds: float = 8.0) -> int:
    """End the processes that a killed predecessor left: only those whose start time is the one noted. How many."""
    try:
        noted = json.loads(notes.read_text())
    except (OSError, ValueError):
        return 0
    found = []
    for pid, created in noted.values():
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if abs(process.create_time() - created) < 0.02:
                found.append(process)
    for process in found:
        signal_group(process.pid, signal.SIGINT if "postgres" in process.name() else signal.SIGTERM)
    _, alive = psutil.wait_procs(found, timeout=seconds)
    for process in alive:
        signal_group(process.pid, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=2)
    notes.unlink(missing_ok=True)
    return len(found)
