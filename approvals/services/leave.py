"""leave: a scheduled action whose time has come goes to the gatekeeper, unless somebody objected first."""

from django.db import transaction
from django.db.models.functions import Now

from approvals.models import Action
from approvals.states import ActionStatus
from traces.doorbell import ring
from traces.services import Actor, Guard, move

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
            actor=Actor.system("sweeper"),
            verb="permitted",
            reason="The veto window is over and nobody objected.",
            guard=Guard(
                "m.due_at <= clock_timestamp() AND NOT EXISTS (SELECT 1 FROM tools_killswitch k"
                " WHERE k.scope_key = ANY (m.scopes) AND k.released_at IS NULL)"
            ),
            skip_locked=True,
        )
        if moved:
            ring("approvals.tasks.sign_permits")
    return len(moved)
