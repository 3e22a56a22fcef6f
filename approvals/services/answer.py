"""answer: somebody for whom an action acts says what a reviewer asked. It grants nothing."""

import uuid

from accounts.models import User
from approvals.models import Remark


def answer(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, text: str) -> Remark:
    """Keep the answer beside its question; the action asks no more."""
    raise NotImplementedError
