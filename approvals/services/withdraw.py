"""withdraw: whoever asked no longer does. Open permits are revoked in the same transaction."""

import uuid

from approvals.models import Action, Permit
from approvals.states import ActionStatus
from traces.clock import now
from traces.services import Actor, move

OPEN = (ActionStatus.PROPOSED, ActionStatus.IN_REVIEW, ActionStatus.SCHEDULED, ActionStatus.PERMITTED)


def withdraw_run(*, organization: uuid.UUID, run: uuid.UUID, actor: Actor, reason: str) -> list[uuid.UUID]:
    """Withdraw what a run still has under the gate; what executes already is past withdrawing. Returns what moved.

    Call it inside the transaction that ends the run.
    """
    moved: list[uuid.UUID] = []
    for status in OPEN:
        ids = list(Action.objects.within(organization).filter(run=run, status=status).values_list("id", flat=True))
        moved += move(
            Action,
            ids,
            status,
            ActionStatus.WITHDRAWN,
            actor=actor,
            verb="withdrawn",
            reason=reason,
            changes={"settled_at": now()},
        )
    Permit.objects.filter(action_id__in=moved, revoked_at=None).update(revoked_at=now(), revoked_because=reason)
    return moved
