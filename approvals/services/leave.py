"""leave: a scheduled action whose time has come goes to the gatekeeper, unless somebody objected first.

The time is that to object to what may leave by itself, or that to take a yes back.
"""

from django.db import transaction
from django.db.models.functions import Now

from approvals.models import Action
from approvals.services.halt import UNDER_A_STOP
from approvals.states import ActionStatus
from traces.doorbell import ring
from traces.services import Actor, Guard, move

SWEEPER = Actor.system("sweeper")
BATCH = 200


def leave() -> int:
    """Permit what is due and not under a stop. Returns how many moved."""
    with transaction.atomic():
        due = list(
            Action.objects.filter(status=ActionStatus.SCHEDULED, due_at__lte=Now())
            .order_by("due_at")
            .values_list("id", flat=True)[:BATCH]
        )
        moved = move(
            Action,
            due,
            ActionStatus.SCHEDULED,
            ActionStatus.PERMITTED,
            actor=SWEEPER,
            verb="permitted",
            reason="The time to object is over, and nobody did.",
            guard=Guard(f"m.due_at <= clock_timestamp() AND NOT {UNDER_A_STOP.sql}"),
            skip_locked=True,
        )
        if moved:
            ring("approvals.tasks.sign_permits")
    return len(moved)
