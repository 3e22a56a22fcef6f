"""prolong: a person who may decide gives an action more time, near the end of what it has. It decides nothing."""

import json
import uuid

from accounts.actors import person
from accounts.models import User
from approvals.exceptions import AlreadyDecided, NoMoreTime, ReasonMissing, TimeRanOut, TooEarly
from approvals.models import Action, Revision
from approvals.policy import Ruling
from approvals.services.deciding import remembers_refusals, take
from approvals.services.window import MOST_EXTENSIONS, extended_until, review_seconds, running_out
from approvals.states import ActionStatus
from tools.contract import Contract
from traces.clock import now
from traces.services import Entry, record


@remembers_refusals("prolong")
def prolong(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, reason: str) -> Action:
    """Give an action its time once more, with why. Only in the last part of its time, and twice at most.

    Raises ReasonMissing, TimeRanOut, AlreadyDecided, TooEarly, NoMoreTime, and as ``take``.
    """
    if not reason.strip():
        raise ReasonMissing(errors={"reason": ReasonMissing().message})
    action = take(actor=actor, organization=organization, action_id=action_id)
    at = now()
    if action.status == ActionStatus.EXPIRED or (action.status == ActionStatus.IN_REVIEW and action.expires_at <= at):
        raise TimeRanOut(state=action.status)
    if action.status != ActionStatus.IN_REVIEW:
        raise AlreadyDecided(state=action.status)
    seconds, contract = window_of(action)
    until = extended_until(action, seconds, contract)
    if action.extended >= MOST_EXTENSIONS or until <= action.expires_at:
        raise NoMoreTime(state=action.status)
    if not running_out(action, seconds, at):
        raise TooEarly(state=action.status)
    before = action.expires_at
    action.expires_at, action.extended = until, action.extended + 1
    action.save(update_fields=["expires_at", "extended"])
    record(
        Entry(
            organization=action.organization_id,
            actor=person(actor),
            verb="time_given",
            subject_kind="action",
            subject=action.id,
            reason=reason,
            run=action.run,
            detail={"from": before.isoformat(), "until": until.isoformat(), "times": action.extended},
        )
    )
    return action


def window_of(action: Action, revision: Revision | None = None) -> tuple[int, Contract | None]:
    """How many seconds an action's current revision gives people, and the contract that it was judged by."""
    current = revision or action.revisions.select_related("tool_version").get(number=action.revision)
    version = current.tool_version
    ruling = Ruling.from_json(json.loads(current.ruling))
    return review_seconds(ruling), Contract.from_json(version.contract) if version else None
