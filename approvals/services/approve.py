"""approve: a person's yes to exactly what was shown."""

import uuid

from accounts.actors import person
from accounts.models import User
from approvals.exceptions import TimeRanOut
from approvals.models import Action, Decision
from approvals.services.deciding import decided, remembers_refusals, shown, take
from approvals.states import ActionStatus
from traces.doorbell import ring
from traces.services import Guard, move


@remembers_refusals("approve")
def approve(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, digest: str, reason: str = "") -> Decision:
    """Record the vote and, when it is the last one needed, let the action go to the gatekeeper.

    ``digest`` is that of the revision that the person saw. Raises the exceptions of ``take`` and ``shown``.
    """
    action = take(actor=actor, organization=organization, action_id=action_id)
    revision = shown(action, digest=digest, status=ActionStatus.IN_REVIEW)
    decision = decided(action, revision, actor=actor, verb=Decision.Verb.APPROVE, reason=reason)
    votes = revision.decisions.filter(verb=Decision.Verb.APPROVE).values("decider").distinct().count()
    if votes >= action.quorum:
        moved = move(
            Action,
            [action.id],
            ActionStatus.IN_REVIEW,
            ActionStatus.PERMITTED,
            actor=person(actor),
            verb="permitted",
            reason=reason,
            details={action.id: {"votes": votes, "quorum": action.quorum, "digest": revision.digest}},
            guard=Guard("m.digest = %(shown)s AND m.expires_at > clock_timestamp()", {"shown": digest}),
        )
        if not moved:  # the last moment passed between the look and the move
            raise TimeRanOut(state=action.status)
        ring("approvals.tasks.sign_permits")
    return decision
