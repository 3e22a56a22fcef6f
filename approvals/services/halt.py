"""halt: what was about to leave when a stop was engaged does not leave. IN_REVIEW stays, held until release."""

from django.db import connection, transaction

from approvals.models import Action, Permit
from approvals.states import ActionStatus
from tools.queries import barred_sql, engaged_sql
from traces.clock import Moment, now
from traces.doorbell import ring
from traces.services import Actor, Guard, move

SWEEPER = Actor.system("sweeper")
UNDER_A_STOP = Guard(engaged_sql("m"))
BARRED = Guard(barred_sql("m"))
"""A stop in its first stage: once people decide again, what they permit waits for the release and is not halted."""
BATCH = 500


def halt() -> int:
    """Halt what is proposed, scheduled or permitted under an engaged stop, and revoke permits. Returns how many."""
    halted = 0
    for status in (ActionStatus.PERMITTED, ActionStatus.SCHEDULED, ActionStatus.PROPOSED):
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT m.id FROM approvals_action m WHERE m.status = %(status)s AND {BARRED.sql} LIMIT {BATCH}",
                    {"status": status.value},
                )
                ids = [row[0] for row in cursor.fetchall()]
            moved = move(
                Action,
                ids,
                status,
                ActionStatus.HALTED,
                actor=SWEEPER,
                verb="halted",
                reason="A stop was engaged.",
                changes={"settled_at": Moment()} if ids else None,
                guard=BARRED,
                skip_locked=True,
            )
            Permit.objects.filter(action_id__in=moved, revoked_at=None).update(
                revoked_at=now(), revoked_because="A stop was engaged."
            )
            halted += len(moved)
            if moved:
                ring("lam_app.tasks.advance_runs")
    return halted
