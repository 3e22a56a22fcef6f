"""take_back: whoever approved takes the yes back while the call has not left yet."""

import uuid

from accounts.models import User
from approvals.models import Action


def take_back(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, digest: str, reason: str = "") -> Action:
    """Void the permit and bring the action before people again, or say that it has left."""
    raise NotImplementedError
