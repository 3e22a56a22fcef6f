"""One at a time: whoever names the same thing waits until the transaction of the one before has ended."""

from django.db import connection


def alone(key: str) -> None:
    """Wait for every other transaction that has said the same words, and hold them until this one ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
