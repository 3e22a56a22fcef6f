"""What the decision bar offers a person: who has the action, what of it waits for whom, and whom it can be handed to.

Reads only, and nothing of it is a right: each verb asks for itself again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from accounts.models import User
from approvals.models import Action, Decision, Revision
from approvals.states import ActionStatus
from tools.contract import Contract
from tools.kinds import Tier
from tools.matrix import Holder
from tools.queries import holds
from traces.clock import now


@dataclass(frozen=True)
class Bar:
    """How the bar stands for one person at this moment."""

    taken_by: str
    """Who else has the action; empty where nobody has."""
    taken_until: datetime | None
    """Until when somebody has it, whoever it is."""
    mine: bool
    """Whether this person has it."""
    twice: bool
    """Whether a yes takes a second press, because nothing takes its effect back."""
    own_yes: bool
    """Whether this person's yes is what lets it leave."""
    seconds: int
    """Seconds that are left before it leaves; 0 where it does not leave by itself."""
    part: int
    """How much of its time is left, of 100."""
    grace: int
    """Seconds for which a yes can be taken back before its call leaves."""
    colleagues: tuple[str, ...]
    """Who else may decide on it, by name, while it waits."""
    may_allow: bool = False
    """Whether this person may allow calls like it beforehand, as far as rights and the tool go."""


def bar(
    action: Action, revision: Revision, contract: Contract | None, reader: User, reviewers: Sequence[Holder]
) -> Bar:
    """Read it. One query for the time where that matters; ``reviewers`` are who may decide on the action's tool."""
    at = now() if action.assignee_id or action.due_at else None
    taken = at is not None and action.assigned_until is not None and action.assigned_until > at
    mine = taken and action.assignee_id == reader.pk
    leaves = action.status == ActionStatus.SCHEDULED and action.due_at is not None and at is not None
    left = max(0.0, (action.due_at - at).total_seconds()) if leaves and action.due_at and at else 0.0
    waits = action.status in (ActionStatus.IN_REVIEW, ActionStatus.UNCERTAIN)
    return Bar(
        taken_by=action.assignee.username if taken and not mine and action.assignee else "",
        taken_until=action.assigned_until if taken else None,
        mine=mine,
        twice=irreversible(contract),
        own_yes=leaves and revision.decisions.filter(decider=reader, verb=Decision.Verb.APPROVE).exists(),
        seconds=int(left) if leaves else 0,
        part=_part(action, left),
        grace=settings.LAM_TAKEBACK_SECONDS,
        colleagues=tuple(one.name for one in reviewers if one.user not in {*action.principals, reader.pk})
        if waits
        else (),
        may_allow=action.status == ActionStatus.IN_REVIEW and _may_allow(action, contract, reader),
    )


def _may_allow(action: Action, contract: Contract | None, reader: User) -> bool:
    if action.tool_id is None or action.undo_of is not None or irreversible(contract):
        return False
    return reader.pk not in action.principals and holds(reader.pk, action.tool_id, "configure_tool")


def irreversible(contract: Contract | None) -> bool:
    """Whether nothing that the tool declares takes a call's effect back, and it has one."""
    return contract is None or (not contract.reversible and contract.tier not in (Tier.READ, Tier.DRAFT))


def _part(action: Action, left: float) -> int:
    if action.due_at is None:
        return 0
    whole = max(left, (action.due_at - action.created).total_seconds(), 1.0)
    return round(100 * left / whole)
