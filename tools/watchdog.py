"""Workers that live and do nothing: paused, or stuck so deep that not even their beat goes on.

Such a process holds its lock, so nobody may take its work over (it may wake up at any moment). It is therefore ended,
which makes it known dead; whoever supervises it starts a fresh one, and its rows are recovered by their tools' classes.
A worker inside a call is left alone for as long as the call may take. Only a process of this host can be ended.
"""

import logging
import os
import signal
import time
import uuid
from datetime import datetime

from django.conf import settings
from django.db import connection

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

    def look(self) -> list[uuid.UUID]:
        """End the workers of this host that have been silent for LAM_SILENT_SECONDS; returns which. For every sweep."""
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
