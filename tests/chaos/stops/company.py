"""The product's processes for stops: claimers that never wait to be told, a gatekeeper, and a web role.

``python -m tests.chaos.stops.company claimers GATE NUMBER [unheld]`` forks claimers that run the executor's task over
and over while the gate is open; no message is needed for it, so they claim as hard with Redis stopped. One more process
asks for previews and signs. ``unheld`` takes the lock out of the claim, to prove that its loss is seen.
``python -m tests.chaos.stops.company web PORT`` serves the pages.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import signal
import sys
import time
from pathlib import Path

SHUT, OPEN, OVER = 0, 1, 2
BATCHES = (1, 1, 2, 3, 5, 1, 2, 20)
"""How many actions claimers take at once: many small claims, so that many stops fall beside one, and some large."""
PAUSE = 0.005
"""Seconds between two looks at the gate, and after a look that found nothing."""


class Gate:
    """One byte that processes share: whether they work, rest or end."""

    def __init__(self, place: Path) -> None:
        with open(place, "r+b") as file:
            self._byte = mmap.mmap(file.fileno(), 1)

    @property
    def now(self) -> int:
        """How it stands."""
        return self._byte[0]

    def set(self, how: int) -> None:
        """Open it, shut it, or end everybody."""
        self._byte[0] = how


def claim(gate: Gate, number: int, parent: int) -> None:
    """Be an executor that always looks."""
    from approvals import tasks
    from tools.presence import leave

    tasks.BATCH = BATCHES[number % len(BATCHES)]
    while gate.now != OVER and os.getppid() == parent:
        if gate.now == SHUT or not tasks.execute_permitted():
            time.sleep(PAUSE * (1 + random.random()))
    leave()


def permit(gate: Gate, parent: int) -> None:
    """Be the one who asks what calls would do, and the gatekeeper."""
    from approvals.tasks import rule_previewed, run_previews, sign_permits
    from tools.presence import leave

    while gate.now != OVER and os.getppid() == parent:
        if gate.now == SHUT or not run_previews() + rule_previewed() + sign_permits():
            time.sleep(PAUSE)
    leave()


def claimers(place: Path, number: int, *, held: bool) -> None:
    """Fork them, say so, and answer for them until the gate says that it is over: 1 if one ended before."""
    import django

    django.setup()
    from lam_app.celery import app
    from lam_app.supervisor.roles import give_way
    from tools import executor
    from tools.registry import contracts

    app.loader.import_default_modules()
    contracts()
    if not held:
        executor.hold = lambda scopes: None  # type: ignore[assignment]
    give_way()  # as workers do
    gate, parent, children = Gate(place), os.getpid(), set()
    for one in range(number + 1):
        child = os.fork()
        if not child:
            code = 70
            try:
                random.seed()
                claim(gate, one, parent) if one < number else permit(gate, parent)
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)
        children.add(child)
    print("ready", flush=True)
    failed = False
    while children:
        child, status = os.wait()
        children.discard(child)
        if gate.now != OVER:
            failed = True
            gate.set(OVER)
        failed = failed or status != 0
    sys.exit(int(failed))


def web(port: int) -> None:
    """Be the web role."""
    from lam_app.supervisor import roles

    roles.load()
    roles.web("127.0.0.1", port, lambda: print("ready", flush=True))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(KeyboardInterrupt):
        if sys.argv[1] == "web":
            web(int(sys.argv[2]))
        else:
            claimers(Path(sys.argv[2]), int(sys.argv[3]), held="unheld" not in sys.argv)
