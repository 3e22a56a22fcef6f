"""read_notices: a person has seen what they were told. It decides nothing, and nobody else's notices change."""

import uuid

from accounts.models import Membership
from approvals.models import Notice
from traces.clock import now


def read_notices(member: Membership, *, notice: uuid.UUID | None = None) -> int:
    """Mark one notice read, or all of the person's here. Returns how many were unread."""
    mine = Notice.objects.filter(person_id=member.user_id, organization_id=member.organization_id, read_at=None)
    return (mine if notice is None else mine.filter(pk=notice)).update(read_at=now())
