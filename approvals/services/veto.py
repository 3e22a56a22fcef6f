"""veto: a person objects to what would leave by itself. It is a no, and it is final."""

import uuid

from accounts.models import User
from approvals.models import Decision


def veto(
    *, actor: User, organization: uuid.UUID, action_id: uuid.UUID, digest: str, reason: str = "", code: str = ""
) -> Decision:
    """Reject what is scheduled before it leaves, or say that it has left."""
    raise NotImplementedError
