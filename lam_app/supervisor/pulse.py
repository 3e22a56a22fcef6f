"""Whether web, sweeper and sealer still do what they are there for; the sweeper itself looks after the workers.

The web is asked for a page that needs nothing, and the two others touch a file after every pass. Who shows nothing for
so long that nobody would still wait is ended, and then started again like whatever else has ended.
"""

from __future__ import annotations

import http.client
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lam_app.supervisor.processes import Supervisor
from lam_app.supervisor.programs import signal_group

EVERY_SECONDS = 2.0
ANSWER_SECONDS = 2.0
FAILURES = 3
"""Signs that have to be missing at least: one late answer is no hang, and nor is a machine that has just woken up."""


@dataclass
class Watched:
    """A child, whether it shows a sign of life now, and how long one is waited for."""

    name: str
    alive: Callable[[], bool]
    patience: float
    pid: int = 0
    since: float = 0.0
    failures: int = 0


@dataclass
class Pulse:
    """Looks after some of the supervisor's children."""

    supervisor: Supervisor
    watched: list[Watched] = field(default_factory=list)

    def keep(self) -> None:
        """Attend to the children until a signal asks to stop."""
        while not self.supervisor.asked_to_stop:
            self.supervisor.attend(EVERY_SECONDS)
            if not self.supervisor.asked_to_stop:
                self.look()

    def look(self) -> list[str]:
        """End those that have shown nothing for longer than their patience; returns which."""
        return [one.name for one in self.watched if self._hangs(one)]

    def _hangs(self, one: Watched) -> bool:
        child = self.supervisor.children[one.name]
        if not child.pid or not child.ready() or one.alive():
            one.failures = 0
            return False
        if one.pid != child.pid or not one.failures:
            one.pid, one.since, one.failures = child.pid, time.monotonic(), 0
        one.failures += 1
        if one.failures < FAILURES or time.monotonic() - one.since < one.patience:
            return False
        self.supervisor.say(f"{one.name} hangs: no sign of life for {one.patience:.0f} s; ending it")
        signal_group(child.pid, signal.SIGKILL)
        one.failures = 0
        return True


def web(host: str, port: int, patience: float) -> Watched:
    """The web role: whatever it answers, it answers."""

    def alive() -> bool:
        asking = http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
        try:
            asking.request("GET", "/healthz")
            asking.getresponse().read(64)
            return True
        except (OSError, http.client.HTTPException):
            return False
        finally:
            asking.close()

    return Watched("web", alive, patience)


def sweeper(sign: Path, patience: float) -> Watched:
    """The sweeper, by the file that it touches after every pass."""
    return _moving("sweeper", sign, patience)


def sealer(sign: Path, patience: float) -> Watched:
    """The sealer, by the file that it touches between its steps."""
    return _moving("sealer", sign, patience)


def _moving(name: str, sign: Path, patience: float) -> Watched:
    """Somebody whose file has moved since the last look, or has none because it cannot be written."""
    seen = [0]

    def alive() -> bool:
        try:
            moved = sign.stat().st_mtime_ns
        except OSError:
            return True
        before, seen[0] = seen[0], moved
        return moved != before

    return Watched(name, alive, patience)
