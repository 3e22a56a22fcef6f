"""assign, let_go, reassign, extend, escalate: who looks at an action now. A courtesy with a time limit, not a right.

Whoever has taken an action keeps others from deciding on it by accident, and nobody from looking. A time that is over
makes it anybody's again without a write; before that anybody else who may decide takes it over with one press, and
the record says so. Taking decides nothing, and the action's own time runs on.
"""

import uuid

from django.conf import settings

from accounts.actors import person
from accounts.models import User
from approvals.exceptions import AlreadyDecided, NobodyToTakeIt, NotYours, ReasonMissing, Taken
from approvals.models import Action
from approvals.services.deciding import remembers_refusals, take, taken_by_other
from approvals.states import ActionStatus
from tools.queries import holds
from traces.clock import later, now
from traces.services import Entry, record

WAITING = (ActionStatus.IN_REVIEW, ActionStatus.UNCERTAIN)
"""What a person can be looking at: where a word of theirs is wanted."""


@remembers_refusals("assign")
def assign(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, over: bool = False) -> Action:
    """Take an action for ``LAM_ASSIGN_SECONDS``; with ``over`` also from somebody who has it.

    Raises Taken, AlreadyDecided, and as ``take``.
    """
    action = _waiting(actor, organization, action_id)
    other = taken_by_other(action, actor)
    if other and not over:
        raise Taken(state=action.status)
    before = action.assignee_id
    _to(action, actor)
    _tell(action, actor, "taken_over" if other else "assigned", **({"from": str(before)} if other else {}))
    return action


@remembers_refusals("release")
def let_go(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID) -> Action:
    """Let go of an action before the time is over. Raises NotYours, and as ``take``."""
    action = _own(actor, organization, action_id)
    _to(action, None)
    _tell(action, actor, "released")
    return action


@remembers_refusals("extend")
def extend(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID) -> Action:
    """Keep an action that one has taken for another ``LAM_ASSIGN_SECONDS`` from now. Raises NotYours, and as ``take``.

    The time within which it has to be decided stays what it was.
    """
    action = _own(actor, organization, action_id)
    _to(action, actor)
    _tell(action, actor, "extended")
    return action


@remembers_refusals("reassign")
def reassign(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, to: str, reason: str = "") -> Action:
    """Hand an action to somebody else who may decide on it; ``to`` is a username.

    Raises NobodyToTakeIt, Taken where a third person has it, AlreadyDecided, and as ``take``.
    """
    action = _waiting(actor, organization, action_id)
    if taken_by_other(action, actor):
        raise Taken(state=action.status)
    found = User.objects.filter(username=to, is_active=True).first()
    may = found is not None and action.tool_id is not None and holds(found.pk, action.tool_id, "review_tool")
    if found is None or not may or found.pk in action.principals:
        raise NobodyToTakeIt(errors={"to": NobodyToTakeIt().message})
    _to(action, found)
    _tell(action, actor, "reassigned", reason=reason, to=str(found.pk), name=found.username)
    return action


@remembers_refusals("escalate")
def escalate(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, reason: str) -> Action:
    """Mark an action so that those who administer look at it, with why. It waits on, and its time runs on.

    Raises ReasonMissing, AlreadyDecided, and as ``take``.
    """
    if not reason.strip():
        raise ReasonMissing(errors={"reason": ReasonMissing().message})
    action = _waiting(actor, organization, action_id)
    action.escalated_at = now()
    action.save(update_fields=["escalated_at"])
    _tell(action, actor, "escalated", reason=reason)
    return action


def hand_over(action: Action, actor: User, to: User | None, *, reason: str) -> None:
    """Give what a person has taken to somebody who may decide on it, or to nobody. Call it inside a transaction, with
    the action locked."""
    _to(action, to)
    if to is None:
        _tell(action, actor, "released", reason=reason)
    else:
        _tell(action, actor, "reassigned", reason=reason, to=str(to.pk), name=to.username)


def done_looking(action: Action, actor: User) -> None:
    """Somebody who had an action has said their word, and it waits for others: it is anybody's again."""
    if action.assignee_id == actor.pk:
        _to(action, None)


def _waiting(actor: User, organization: uuid.UUID, action_id: uuid.UUID) -> Action:
    action = take(actor=actor, organization=organization, action_id=action_id)
    if action.status not in WAITING:
        raise AlreadyDecided(state=action.status)
    return action


def _own(actor: User, organization: uuid.UUID, action_id: uuid.UUID) -> Action:
    action = _waiting(actor, organization, action_id)
    if action.assignee_id != actor.pk:
        raise NotYours(state=action.status)
    return action


def _to(action: Action, whom: User | None) -> None:
    action.assignee = whom
    action.assigned_until = later(settings.LAM_ASSIGN_SECONDS) if whom else None
    action.save(update_fields=["assignee", "assigned_until"])


def _tell(action: Action, actor: User, verb: str, *, reason: str = "", **detail: str) -> None:
    record(
        Entry(
            organization=action.organization_id,
            actor=person(actor),
            verb=verb,
            subject_kind="action",
            subject=action.id,
            reason=reason,
            run=action.run,
            detail={
                **detail,
                **({"until": action.assigned_until.isoformat()} if action.assigned_until else {}),
            },
        )
    )
