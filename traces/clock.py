"""The database's clock: one clock for every process on every host, so that no worker's own clock decides anything."""

from datetime import datetime

from django.db import connection


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
