"""Whether a process that claimed work is still there: known dead, or not known.

A worker holds a session-level advisory lock for as long as it lives, on a connection that does nothing else. When
the process dies, PostgreSQL sees the connection close and the lock is free within milliseconds. A free lock alone
proves too little, though: the connection may be lost while the process lives (a restarted database, a cut network).
So the worker ends itself as soon as it notices that, and the others count it as dead only when the
lock is free *and* either its pid is gone from this host or, for another host, it has been silent for a whole lease.
"""

import contextlib
import logging
import os
import random
import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from tools.models import Worker
from tools.progress import mine
from traces import schema
from traces.ids import uuid7

logger = logging.getLogger(__name__)
BEAT_SECONDS = 1.0
BEATS_TO_WAKE = 3
_STARTED_FIELD = 21  # of /proc/PID/stat, after the name


def host() -> str:
    """Where a pid means something: this boot of this machine, in this process namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:  # not Linux: a name is the best there is, and leases decide
        return socket.gethostname()[:120]
    return f"{boot}/{space}"[:120]


def ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when there is no such process (or it is a zombie)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    if fields[0] in {"Z", "X"}:
        return None
    return int(fields[_STARTED_FIELD - 2])


class Presence:
    """This process's own row and lock. ``worker`` is what claims name as their claimer."""

    def __init__(self, role: str, *, serving: bool = False) -> None:
        """``serving``: this process plays a role and nothing else, so that it may be told to stop."""
        self.outdated = ""  # why nothing more may be taken up: the database is newer than this program
        self._serving, self._late = serving, 0
        self._migrated: tuple[object, ...] | None = None
        self._connection = self._connect()
        self._last = time.monotonic()
        key = random.SystemRandom().getrandbits(62)
        self.worker = Worker(
            id=uuid7(), role=role, host=host(), pid=os.getpid(), started_ticks=ticks(os.getpid()) or 0, lock_key=key
        )
        try:
            self._connection.execute("SELECT pg_advisory_lock(%s)", [key])
            self._connection.execute(
                "INSERT INTO tools_worker (id, role, host, pid, started_ticks, lock_key)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                [self.worker.id, role, self.worker.host, self.worker.pid, self.worker.started_ticks, key],
            )
        except BaseException:
            self._connection.close()  # whoever tries again must not hold one more each time
            raise
        self._left = threading.Event()
        self._beating = threading.Thread(target=self._beat, name="presence", daemon=True)
        self._beating.start()

    def leave(self) -> None:
        """Go in order: what was claimed and not recorded may be taken over from now on."""
        self._left.set()
        self._beating.join()
        with contextlib.suppress(psycopg.Error):
            self._connection.execute(
                "UPDATE tools_worker SET ended_at = clock_timestamp() WHERE id = %s", [self.worker.id]
            )
        self._connection.close()

    @staticmethod
    def _connect() -> psycopg.Connection[tuple[object, ...]]:
        # Django's parameters with no pool: the lock lives exactly as long as this one session.
        params = connection.get_connection_params()
        for name in ("cursor_factory", "context", "pool", "isolation_level", "prepare_threshold"):
            params.pop(name, None)
        return psycopg.connect(**params, autocommit=True)

    def _beat(self) -> None:
        """Prove once a second that the session stands; without it others may take our work over, so end at once."""
        while not self._left.wait(BEAT_SECONDS):
            try:
                row = self._connection.execute(
                    "UPDATE tools_worker SET seen_at = clock_timestamp(), steps = %s, busy = %s WHERE id = %s"
                    " RETURNING (SELECT max(id) FROM django_migrations)",
                    [mine.steps, mine.busy, self.worker.id],
                ).fetchone()
                self._last = time.monotonic()
                self._look_at_the_schema(row)
            except psycopg.Error:
                logger.critical("the session that proves this process alive is gone; ending", exc_info=True)
                os._exit(75)  # EX_TEMPFAIL: whoever supervises us starts a fresh one
            self._end_if_late()

    def _look_at_the_schema(self, newest: tuple[object, ...] | None) -> None:
        """Once a newer program has migrated the database, this one finishes what it has claimed and ends."""
        if newest == self._migrated or self.outdated:
            return
        self._migrated = newest
        applied = self._connection.execute(schema.APPLIED, [list(schema.OURS)]).fetchall()
        self.outdated = schema.unknown((str(app), str(name)) for app, name in applied)
        if self.outdated and self._serving:
            logger.critical("%s", self.outdated)
            os.kill(os.getpid(), signal.SIGTERM)  # the queue's own end: after the task that is under way

    def _end_if_late(self) -> None:
        """End where the work hangs although the heart beats. A machine that slept is given a few beats to wake up."""
        self._late = self._late + 1 if mine.late() > settings.LAM_SILENT_SECONDS else 0
        if self._late >= BEATS_TO_WAKE:
            logger.critical("the work of this process hangs; ending, so that others may recover it")
            os._exit(75)

    @contextlib.contextmanager
    def or_die(self) -> Iterator[None]:
        """End the process when the database fails between a claim and its record.

        Whether that transaction was committed is then unknown, and as long as we live nobody may take our rows over.
        Dead, we are known to be dead, and every row is recovered by its tool's class (promise 3).
        """
        try:
            yield
        except (OperationalError, InterfaceError):
            logger.exception("the database failed between a claim and its record; ending, so that others may recover")
            os._exit(75)

    def proven(self) -> bool:
        """Whether the session was seen to stand recently enough that nobody may count this process as dead."""
        return time.monotonic() - self._last < settings.LAM_LEASE_SECONDS / 2


_here: dict[int, Presence] = {}
_guard = threading.Lock()


def present(role: str, *, serving: bool = False) -> Presence:
    """This process's presence, made on first use and again after a fork."""
    with _guard:
        if os.getpid() not in _here:
            _here[os.getpid()] = Presence(role, serving=serving)
        return _here[os.getpid()]


def leave() -> None:
    """End this process's presence, if it has one."""
    with _guard:
        presence = _here.pop(os.getpid(), None)
    if presence is not None:
        presence.leave()


def bury() -> list[uuid.UUID]:
    """Mark the workers that are known dead, and return them. Safe to call from any process at any time."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT w.id, w.host, w.pid, w.started_ticks, w.seen_at < clock_timestamp() - make_interval(secs => %s)
            FROM tools_worker w
            WHERE w.ended_at IS NULL AND NOT EXISTS (
                SELECT 1 FROM pg_locks l
                WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
                  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND ((l.classid::bigint << 32) | l.objid::bigint) = w.lock_key
            )
            """,
            [settings.LAM_LEASE_SECONDS],
        )
        here = host()
        dead = [row[0] for row in cursor.fetchall() if (ticks(row[2]) != row[3] if row[1] == here else row[4])]
        if dead:
            cursor.execute(
                "UPDATE tools_worker SET ended_at = clock_timestamp() WHERE id = ANY(%s) AND ended_at IS NULL", [dead]
            )
    return dead
