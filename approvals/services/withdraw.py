"""withdraw: whoever asked no longer does. Open permits are revoked in the same transaction."""

import uuid

from accounts.actors import person
from accounts.models import User
from approvals.exceptions import ActionNotFound, NotAPrincipal, TooLate
from approvals.models import Action, Permit
from approvals.services.deciding import remembers_refusals
from approvals.states import ActionStatus
from traces.clock import Moment, now
from traces.doorbell import ring
from traces.services import Actor, move

OPEN = (ActionStatus.PROPOSED, ActionStatus.IN_REVIEW, ActionStatus.SCHEDULED, ActionStatus.PERMITTED)


@remembers_refusals("withdraw")
def withdraw(
    *,
    actor: User,
    organization: uuid.UUID,
    action_id: uuid.UUID,
    digest: str,  # noqa: ARG001
    reason: str = "",
) -> Action:
    """Somebody for whom an action acts takes it back before anything was done; the run goes on without it.

    ``digest`` says nothing here: whatever it has become, it is not wanted any more. Raises ActionNotFound,
    NotAPrincipal and TooLate.
    """
    action = Action.objects.within(organization).select_for_update(of=("self",)).filter(id=action_id).first()
    if action is None:
        raise ActionNotFound
    if actor.pk not in action.principals:
        raise NotAPrincipal
    if action.status not in OPEN:
        raise TooLate("It was too late: this is settled, or under way.", state=action.status)
    why = reason or "Whoever asked no longer does."
    _withdrawn([action.id], action.status, person(actor), why)
    Permit.objects.filter(action=action, revoked_at=None).update(revoked_at=now(), revoked_because=why)
    ring("lam_app.tasks.advance_runs")
    return action


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
        moved += _withdrawn(ids, status, actor, reason)
    Permit.objects.filter(action_id__in=moved, revoked_at=None).update(revoked_at=now(), revoked_because=reason)
    return moved


def _withdrawn(ids: list[uuid.UUID], status: str, actor: Actor, reason: str) -> list[uuid.UUID]:
    return move(
        Action,
        ids,
        status,
        ActionStatus.WITHDRAWN,
        actor=actor,
        verb="withdrawn",
        reason=reason,
        changes={"settled_at": Moment()},
    )
