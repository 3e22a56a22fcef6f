"""ask: a reviewer wants to know something of whoever asked before deciding. It decides nothing, and the time runs on."""

import uuid

from accounts.models import User
from approvals.models import Remark


def ask(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, digest: str, reason: str = "") -> Remark:
    """Keep a question to the initiator, and mark the action as asking until somebody for whom it acts answers."""
    raise NotImplementedError
