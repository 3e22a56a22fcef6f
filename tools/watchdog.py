"""Workers that live and do nothing: paused, or stuck so deep that not even their beat goes on.

Or deaf: it waits for a message and hears none, though its work is due and is rung for every second.

Such a process holds its lock, so nobody may take its work over (it may wake up at any moment). It is therefore ended,
which makes it known dead; whoever supervises it starts a fresh one, and its rows are recovered by their tools' classes.
A worker inside a call is left alone for as long as the call may take. Only a process of this host can be ended.
A worker whose work hangs while its heart beats ends itself: see ``tools.progress``.
"""

import logging
import os
import signal
import time
import uuid
from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.db import connection

from tools.models import Worker
from tools.presence import host, ticks

logger = logging.getLogger(__name__)
WATCHED_SECONDS = 3.0
"""For how long the watcher itself has to have seen the silence: a machine that slept wakes up full of old beats."""

_SILENT = """
    SELECT w.id, w.role, w.host, w.pid, w.started_ticks, w.seen_at
    FROM tools_worker w
    WHERE w.ended_at IS NULL AND w.seen_at < clock_timestamp() - make_interval(secs => %(silent)s)
      AND NOT EXISTS (
          SELECT 1 FROM tools_execution e JOIN tools_toolversion v ON v.id = e.tool_version_id
          WHERE e.claimer_id = w.id AND e.status = 'claimed' AND e.retry_at IS NULL
            AND clock_timestamp() < e.claimed_at + make_interval(secs => (v.contract->>'timeout')::float + %(silent)s))
"""


class Watchdog:
    """What one watcher has seen so far."""

    def __init__(self) -> None:
        self._since: dict[uuid.UUID, tuple[datetime, float]] = {}
        self._idle: dict[uuid.UUID, tuple[int, float]] = {}

    def look(self, due: Collection[str] = ()) -> list[uuid.UUID]:
        """End the workers of this host that have been silent or deaf for LAM_SILENT_SECONDS; returns which. For every
        sweep. ``due`` names the roles whose work waits and was rung for.
        """
        return self._silent() + self._deaf(due)

    def _deaf(self, due: Collection[str]) -> list[uuid.UUID]:
        """Those that took no step for as long, while what they are there for was due all the time."""
        idle = Worker.objects.filter(ended_at=None, busy=False, host=host(), role__in=due)
        now, ended = time.monotonic(), []
        seen: dict[uuid.UUID, tuple[int, float]] = {}
        for worker in idle:
            before = self._idle.get(worker.id)
            seen[worker.id] = before if before and before[0] == worker.steps else (worker.steps, now)
            if now - seen[worker.id][1] < settings.LAM_SILENT_SECONDS or ticks(worker.pid) != worker.started_ticks:
                continue
            if _ended(worker.pid, worker.role):
                ended.append(worker.id)
        self._idle = seen
        return ended

    def _silent(self) -> list[uuid.UUID]:
        with connection.cursor() as cursor:
            cursor.execute(_SILENT, {"silent": settings.LAM_SILENT_SECONDS})
            rows = cursor.fetchall()
        here, now, ended = host(), time.monotonic(), []
        seen: dict[uuid.UUID, tuple[datetime, float]] = {}
        for worker, role, where, pid, started, beat in rows:
            before = self._since.get(worker)
            seen[worker] = before if before and before[0] == beat else (beat, now)
            if where != here or now - seen[worker][1] < WATCHED_SECONDS or ticks(pid) != started:
                continue  # the dead, and those whose pid is another's by now, are buried elsewhere
            if _ended(pid, role):
                ended.append(worker)
        self._since = seen
        return ended


def _ended(pid: int, role: str) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        logger.exception("a silent worker could not be ended", extra={"role": role, "pid": pid})
        return False
    logger.warning("a silent worker was ended", extra={"role": role, "pid": pid})
    return True
