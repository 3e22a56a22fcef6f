"""comment: something is said about an action, by whoever may read it. It decides nothing and grants nothing."""

import uuid

from accounts.models import User
from approvals.models import Remark


def comment(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, text: str) -> Remark:
    """Keep what was said."""
    raise NotImplementedError
