"""veto: a person objects to what would leave by itself. It is a no, and it is final."""

import uuid

from accounts.actors import person
from accounts.models import User
from approvals.exceptions import ReasonMissing, TooLate
from approvals.models import Action, Decision
from approvals.services.deciding import decided, remembers_refusals, shown, take
from approvals.states import ActionStatus
from traces.clock import Moment
from traces.doorbell import ring
from traces.services import move

LEFT = (ActionStatus.PERMITTED, ActionStatus.EXECUTING, ActionStatus.DONE, ActionStatus.UNCERTAIN, ActionStatus.FAILED)


@remembers_refusals("veto")
def veto(
    *, actor: User, organization: uuid.UUID, action_id: uuid.UUID, digest: str, reason: str = "", code: str = ""
) -> Decision:
    """Reject what is scheduled before it leaves, or say that it was too late: one of the two, whatever the clock says.

    What is permitted already can still be held or stopped. Raises ReasonMissing, TooLate, and as ``take`` and
    ``shown``.
    """
    if not reason.strip():
        raise ReasonMissing(errors={"reason": ReasonMissing().message})
    action = take(actor=actor, organization=organization, action_id=action_id)
    if action.status in LEFT:
        raise TooLate(state=action.status)
    revision = shown(action, digest=digest, status=ActionStatus.SCHEDULED)
    decision = decided(action, revision, actor=actor, verb=Decision.Verb.REJECT, reason=reason, code=code, told="veto")
    move(
        Action,
        [action.id],
        ActionStatus.SCHEDULED,
        ActionStatus.REJECTED,
        actor=person(actor),
        verb="rejected",
        reason=reason,
        changes={"settled_at": Moment()},
    )
    ring("lam_app.tasks.advance_runs")
    return decision
