"""take_back: whoever approved takes the yes back while the call has not left yet."""

import uuid

from accounts.actors import person
from accounts.models import User
from approvals.exceptions import NothingToTakeBack, TooLate
from approvals.models import Action, Decision
from approvals.services.deciding import remembers_refusals, shown, take
from approvals.services.rejudge import rejudge
from approvals.services.veto import LEFT
from approvals.states import ActionStatus


@remembers_refusals("take_back")
def take_back(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, digest: str, reason: str = "") -> Action:
    """Bring what was approved before people again as a new revision, or say that it was too late.

    There is time for it where ``LAM_TAKEBACK_SECONDS`` is set: until then the action stands scheduled. Everybody's yes
    belongs to the old revision and counts no more. Raises TooLate, NothingToTakeBack, and as ``take`` and ``shown``.
    """
    action = take(actor=actor, organization=organization, action_id=action_id)
    if action.status in LEFT:
        raise TooLate(state=action.status)
    revision = shown(action, digest=digest, status=ActionStatus.SCHEDULED)
    if not revision.decisions.filter(decider=actor, verb=Decision.Verb.APPROVE).exists():
        raise NothingToTakeBack(state=action.status)
    why = reason or "The yes was taken back."
    if not rejudge(action, actor=person(actor), why=why, source=ActionStatus.SCHEDULED, verb="taken_back"):
        raise TooLate(state=action.status)
    action.refresh_from_db()
    return action
