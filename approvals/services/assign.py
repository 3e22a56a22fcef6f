"""assign, let_go, reassign, escalate, extend: who looks at an action now. A courtesy with a time limit, not a right."""

import uuid

from accounts.models import User
from approvals.models import Action


def assign(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, over: bool = False) -> Action:
    """Take an action for ``LAM_ASSIGN_SECONDS``; with ``over`` also from somebody who has it."""
    raise NotImplementedError


def let_go(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID) -> Action:
    """Let go of an action before the time is over."""
    raise NotImplementedError


def reassign(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, to: str, reason: str = "") -> Action:
    """Hand an action to somebody else who may decide on it; ``to`` is a username."""
    raise NotImplementedError


def extend(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID) -> Action:
    """Keep an action that one has taken for another ``LAM_ASSIGN_SECONDS``."""
    raise NotImplementedError


def escalate(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, reason: str) -> Action:
    """Say that somebody who administers should look at an action."""
    raise NotImplementedError
