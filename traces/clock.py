"""The database's clock: one clock for every process on every host, so that no worker's own clock decides anything."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection


@dataclass(frozen=True)
class Moment:
    """A time that nobody needs to know before it is written: so many seconds after the statement that writes it.

    ``traces.services.move`` takes it for a value, and the database reads its clock there, which saves asking first.
    """

    after: float = 0.0


def now() -> datetime:
    """The time at the database, read at this moment (not at the transaction's start)."""
    return later(0)


def later(seconds: float) -> datetime:
    """The time at the database so many seconds from now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() + make_interval(secs => %s)", [float(seconds)])
        row = cursor.fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment
