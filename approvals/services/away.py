"""away, back: what a person had taken goes on to who stands in, or back to everybody, while they are not here.

A stand-in gets what they may decide on by a right of their own, and nothing else: an absence gives no right, and what
they may not decide on is anybody's again.
"""

import uuid
from datetime import datetime

from django.db import transaction

from accounts.away import come_back, go_away
from accounts.models import Absence, Membership, User
from approvals.exceptions import NobodyToTakeIt
from approvals.models import Action
from approvals.services.assign import WAITING, hand_over
from tools.queries import holds


def leave_desk(
    *, actor: User, organization: uuid.UUID, until: datetime, stand_in: str = ""
) -> tuple[Absence, int, int]:
    """A person is away until a time; ``stand_in`` is a username, or nobody. Returns the absence, how many actions went
    to the stand-in, and how many back to everybody.

    Raises NobodyToTakeIt for a stand-in who is nobody of the organization, or the person, and as ``go_away``.
    """
    other = _member(organization, stand_in, actor) if stand_in else None
    with transaction.atomic():
        absence = go_away(who=actor, organization=organization, until=until, stand_in=other)
        taken = Action.objects.within(organization).filter(assignee=actor, status__in=WAITING)
        handed = freed = 0
        for action in taken.order_by("id").select_for_update(of=("self",)):
            may = other is not None and _may(other, action)
            hand_over(action, actor, other if may else None, reason="Away.")
            handed, freed = handed + may, freed + (not may)
    return absence, handed, freed


def back_at_desk(*, actor: User, organization: uuid.UUID) -> bool:
    """A person is here again. What went on to others stays with them. Returns whether the person was away."""
    with transaction.atomic():
        return come_back(who=actor, organization=organization)


def _may(other: User, action: Action) -> bool:
    return (
        action.tool_id is not None
        and other.pk not in action.principals
        and holds(other.pk, action.tool_id, "review_tool")
    )


def _member(organization: uuid.UUID, name: str, actor: User) -> User:
    found = Membership.objects.filter(organization_id=organization, user__username=name, user__is_active=True)
    member = found.select_related("user").first()
    if member is None or member.user_id == actor.pk:
        says = "Nobody else of that name is here."
        raise NobodyToTakeIt(says, errors={"stand_in": says})
    return member.user
