"""A drill of the stop: how long until it would be ARMED, and how long until QUIET, without stopping anything.

It takes the very lock that a stop takes, so it waits for the very claims, and lets go of it without raising the epoch:
nothing is denied, no permit becomes void, and claims wait no longer than for one another. What it finds is remembered.
"""

import time
import uuid
from dataclasses import dataclass

from django.db import connection, transaction

from accounts.actors import person
from accounts.models import User
from tools.killswitch import may_stop
from tools.scopes import key
from traces.services import Entry, record

LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Drill:
    """What a drill found. Times in milliseconds from the moment it was asked for."""

    armed_ms: int
    in_flight: int
    """Calls that were under way when it would have been ARMED."""
    quiet_ms: int | None
    """When the last of them was accounted for; None if that took longer than anybody wanted to wait."""


def drill(*, actor: User, organization: uuid.UUID, wait_seconds: float = 60) -> Drill:
    """Measure a stop over an organization. Raises MayNotStop, or OperationalError where the lock is not to be had."""
    may_stop(actor, organization)
    began = time.monotonic()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '1s'")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key("organization", organization)])
        cursor.execute(
            "SELECT id FROM tools_execution WHERE status = 'claimed' AND retry_at IS NULL AND organization_id = %s",
            [organization],
        )
        flying = [row[0] for row in cursor.fetchall()]
    armed = _since(began)
    found = Drill(armed, len(flying), _quiet(flying, began, wait_seconds))
    record(
        Entry(
            organization=organization,
            actor=person(actor),
            verb="stop_drill",
            subject_kind="organization",
            subject=organization,
            detail={"armed_ms": found.armed_ms, "in_flight": found.in_flight, "quiet_ms": found.quiet_ms},
        )
    )
    return found


def _quiet(flying: list[uuid.UUID], began: float, wait_seconds: float) -> int | None:
    """Wait until each of these claims is recorded, put off, or its claimer known dead."""
    while flying:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT e.id FROM tools_execution e JOIN tools_worker w ON w.id = e.claimer_id"
                " WHERE e.id = ANY (%s) AND e.status = 'claimed' AND e.retry_at IS NULL AND w.ended_at IS NULL",
                [flying],
            )
            flying = [row[0] for row in cursor.fetchall()]
        if flying and time.monotonic() - began > wait_seconds:
            return None
        if flying:
            time.sleep(LOOK_SECONDS)
    return _since(began)


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
