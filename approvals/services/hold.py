"""hold, resume: a person sets an action aside for a while, and somebody takes it up again. The time limit runs on."""

import uuid

from accounts.actors import person
from accounts.models import User
from approvals.exceptions import AlreadyDecided, ReasonMissing, TooLate
from approvals.models import Action
from approvals.services.deciding import free, remembers_refusals, shown, take
from approvals.services.rejudge import rejudge
from approvals.states import ActionStatus
from traces.clock import now
from traces.services import Entry, record

LEAVING = (ActionStatus.SCHEDULED, ActionStatus.PERMITTED)
"""What leaves by itself unless somebody holds it; what is claimed is past holding."""


@remembers_refusals("hold")
def hold(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, digest: str, reason: str = "") -> Action:
    """Set aside what waits; or keep what was about to leave from leaving, and bring it before people as a new revision.

    Nobody can say yes while it stands aside. Its time runs on, so nothing stands aside for ever. A permit is void at
    once, and what was yes to it counts no more. The policy may deny what it judges anew.

    Raises ReasonMissing, Taken, AlreadyDecided, TooLate, and as ``take`` and ``shown``.
    """
    if not reason.strip():
        raise ReasonMissing(errors={"reason": ReasonMissing().message})
    action = take(actor=actor, organization=organization, action_id=action_id)
    if action.status in LEAVING:
        shown(action, digest=digest, status=action.status)
        _kept_back(action, actor, reason)
        if action.status != ActionStatus.IN_REVIEW:  # the policy says no by now, which keeps it back for good
            return action
    else:
        if action.status == ActionStatus.EXECUTING:
            raise TooLate(state=action.status)
        shown(action, digest=digest, status=ActionStatus.IN_REVIEW)
        free(action, actor)
        if action.held_at is not None:
            raise AlreadyDecided("Somebody has set this aside already.", state=action.status)
    action.held_by, action.held_at, action.held_reason = actor, now(), reason
    action.save(update_fields=["held_by", "held_at", "held_reason"])
    _tell(action, actor, "set_aside", reason)
    return action


@remembers_refusals("resume")
def resume(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, digest: str, reason: str = "") -> Action:
    """Take up again what was set aside, by whomever: anybody who may decide on it can. Raises as ``take`` and
    ``shown``, and AlreadyDecided where it does not stand aside."""
    action = take(actor=actor, organization=organization, action_id=action_id)
    shown(action, digest=digest, status=ActionStatus.IN_REVIEW)
    if action.held_at is None:
        raise AlreadyDecided("Somebody has taken this up already.", state=action.status)
    action.held_by, action.held_at, action.held_reason = None, None, ""
    action.save(update_fields=["held_by", "held_at", "held_reason"])
    _tell(action, actor, "taken_up", reason)
    return action


def _kept_back(action: Action, actor: User, reason: str) -> None:
    source = ActionStatus(action.status)
    if not rejudge(action, actor=person(actor), why=reason, source=source, verb="held"):
        raise TooLate(state=action.status)
    action.refresh_from_db()


def _tell(action: Action, actor: User, verb: str, reason: str) -> None:
    record(
        Entry(
            organization=action.organization_id,
            actor=person(actor),
            verb=verb,
            subject_kind="action",
            subject=action.id,
            reason=reason,
            run=action.run,
            detail={"digest": action.digest, "revision": action.revision},
        )
    )
