"""withdraw: whoever asked no longer does. Open permits are revoked in the same transaction."""

import uuid

from approvals.models import Action, Permit
from approvals.states import ActionStatus
from traces.clock import Moment, now
from traces.services import Actor, move

OPEN = (ActionStatus.PROPOSED, ActionStatus.IN_REVIEW, ActionStatus.SCHEDULED, ActionStatus.PERMITTED)


def withdraw_run(*, organization: uuid.UUID, run: uuid.UUID, actor: Actor, reason: str) -> list[uuid.UUID]:
    """Withdraw what a run still has under the gate; what executes already is past withdrawing. Returns what moved.

    Call it inside the transaction that ends the run. All of them are locked before the first is moved: a permit that
    is voided at this moment takes its action back to review, and it must not slip past between two looks.
    """
    held = (
        Action.objects.filter(organization_id=organization, run=run, status__in=OPEN)
        .order_by("id")
        .select_for_update()
        .values_list("id", "status")
    )
    standing: dict[str, list[uuid.UUID]] = {}
    for action, status in held:
        standing.setdefault(status, []).append(action)
    moved: list[uuid.UUID] = []
    for status, ids in standing.items():
        moved += move(
            Action,
            ids,
            status,
            ActionStatus.WITHDRAWN,
            actor=actor,
            verb="withdrawn",
            reason=reason,
            changes={"settled_at": Moment()},
        )
    Permit.objects.filter(action_id__in=moved, revoked_at=None).update(revoked_at=now(), revoked_because=reason)
    return moved
