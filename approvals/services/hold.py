"""hold, resume: a person sets an action aside for a while, and somebody takes it up again. The time limit runs on."""

import uuid

from accounts.models import User
from approvals.models import Action


def hold(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, digest: str, reason: str = "") -> Action:
    """Set aside what waits, or stop what was about to leave and bring it before people: nobody can approve meanwhile."""
    raise NotImplementedError


def resume(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, digest: str, reason: str = "") -> Action:
    """Take up again what was set aside."""
    raise NotImplementedError
