"""Lifting a stop in one breath, where a test is not about its stages."""

from __future__ import annotations

import uuid

from accounts.models import User
from tools.killswitch import ease, release
from tools.models import KillSwitch


def lift(*, actor: User, organization: uuid.UUID, switch_id: uuid.UUID, reason: str = "") -> KillSwitch:
    """Both stages, by the same second person."""
    ease(actor=actor, organization=organization, switch_id=switch_id, reason=reason)
    return release(actor=actor, organization=organization, switch_id=switch_id, reason=reason)
