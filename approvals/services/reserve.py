"""reserve: a call is counted against its limits in the transaction that stages it; release gives back the unused.

The counting itself is the database's (migration ``0006_limits``): no process may write those rows, and nothing of it
is kept in Redis.
"""

import uuid
from collections.abc import Sequence

from django.db import OperationalError, connection, transaction

from approvals.exceptions import LimitsBusy
from approvals.facts import Gathered
from approvals.facts.usage import wants
from approvals.models import Reservation
from approvals.policy import Usage

WAITED_TOO_LONG = {"55P03", "57014", "40P01"}
"""SQLSTATEs of a lock that did not come in time, a statement that took too long, and a deadlock."""


def reserve(action: uuid.UUID, gathered: Gathered) -> tuple[Usage, ...]:
    """Count an action against every limit that it uses, and say how far each was used before it.

    Call it inside the transaction that stages the action or gives it a new revision, and rule on the answer in the
    same transaction: whoever counts against the same limit waits until it ends. Counting the same once more gives
    the first answer back; when it asks for something else by now, that takes the place of what was counted.
    A call that no limit is over costs no statement. Raises LimitsBusy; then nothing may be staged.
    """
    wanted = wants(gathered)
    if not wanted:
        return ()
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT counted, sum_before FROM approvals_reserve("
                "%s, %s, %s::text[], %s::text[], %s::integer[], %s::numeric[], %s::text[])",
                [
                    gathered.asked.organization,
                    action,
                    [want.key for want in wanted],
                    [want.limit for want in wanted],
                    [want.seconds for want in wanted],
                    [want.asks for want in wanted],
                    [want.unit for want in wanted],
                ],
            )
            before = dict(cursor.fetchall())
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) in WAITED_TOO_LONG:
            raise LimitsBusy from error
        raise
    return tuple(want.usage(before[want.key]) for want in wanted if want.key in before)


def release(actions: Sequence[uuid.UUID]) -> int:
    """Give back what these actions were counted for, where they ended without effect. Returns how many counts.

    The database looks at their status itself: what may still run, or ran, stays counted.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT approvals_release(%s::uuid[])", [list(actions)])
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def release_settled(limit: int) -> int:
    """Give back what was counted for actions that ended without effect, oldest first. Returns how many counts."""
    with transaction.atomic():
        rows = Reservation.objects.filter(unused=True, released_at=None).order_by("at")
        actions = set(rows.values_list("action", flat=True)[:limit])
        return release(sorted(actions)) if actions else 0


def forget() -> int:
    """Remove counts that no window reaches any more. Returns how many rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT approvals_forget()")
        row = cursor.fetchone()
    return int(row[0]) if row else 0
