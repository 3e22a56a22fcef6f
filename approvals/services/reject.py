"""reject: a person's no. It is final, and the reason reaches the planner as "do not try this again"."""

import uuid

from accounts.actors import person
from accounts.models import User
from approvals.exceptions import ReasonMissing
from approvals.models import Action, Decision
from approvals.services.canaries import tell_ended
from approvals.services.deciding import Looked, decided, free, remembers_refusals, shown, take
from approvals.states import ActionStatus
from traces.clock import Moment
from traces.doorbell import ring
from traces.services import move


@remembers_refusals("reject")
def reject(
    *,
    actor: User,
    organization: uuid.UUID,
    action_id: uuid.UUID,
    digest: str,
    reason: str = "",
    code: str = "",
    among: int = 0,
    card: str = "",
    table: float | None = None,
) -> Decision:
    """One person's no outweighs any number of yeses so far. ``code`` is one of ``approvals.codes``, or nothing;
    ``among`` how many calls the person decided at once, 0 for this one alone; ``card`` and ``table`` as for a yes.

    Raises ReasonMissing, Taken, and as ``take`` and ``shown``.
    """
    if not reason.strip():
        raise ReasonMissing(errors={"reason": ReasonMissing().message})
    action = take(actor=actor, organization=organization, action_id=action_id)
    revision = shown(action, digest=digest, status=ActionStatus.IN_REVIEW)
    free(action, actor)
    decision = decided(
        action,
        revision,
        actor=actor,
        verb=Decision.Verb.REJECT,
        reason=reason,
        code=code,
        among=among,
        looked=Looked(card, table=table),
    )
    move(
        Action,
        [action.id],
        ActionStatus.IN_REVIEW,
        ActionStatus.REJECTED,
        actor=person(actor),
        verb="rejected",
        reason=reason,
        changes={"settled_at": Moment()},
    )
    if action.canary:
        tell_ended(action, actor, how=Decision.Verb.REJECT)
    ring("lam_app.tasks.advance_runs")
    return decision
