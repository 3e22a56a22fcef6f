"""capacity: how much may wait for people at once, so that one flood neither buries them nor starves the others.

What people would not get to is not put before them: the proposal is refused, whoever proposed is told why and when to
come again, and a planner waits. Nothing is ever approved, and no check is left out, to drain what waits.
"""

import uuid
from dataclasses import dataclass
from typing import Any, Final, Protocol

from django.conf import settings
from django.db import connection
from django.db.models import Q

from approvals.exceptions import DeskFull
from approvals.models import Action
from approvals.states import ActionStatus

MARGIN: Final = 50
"""How near to a limit the counting becomes exact: from there on whoever proposes waits for who was before."""
WAITING: Final = (ActionStatus.PROPOSED, ActionStatus.IN_REVIEW)


class Proposing(Protocol):
    """The part of a proposal that says whose it is."""

    @property
    def organization(self) -> uuid.UUID: ...
    @property
    def initiator(self) -> uuid.UUID: ...
    @property
    def agent(self) -> uuid.UUID: ...
    @property
    def origin(self) -> str: ...


@dataclass(frozen=True)
class Cap:
    """One limit: over whose requests, how many of them may wait, and how it is told."""

    whose: str
    key: str
    most: int
    rows: Q
    says: str


def caps(proposing: Proposing) -> tuple[Cap, ...]:
    """The limits over a proposal, the narrowest first."""
    own, agent, organization = proposing.initiator, proposing.agent, proposing.organization
    return (
        Cap(
            "initiator",
            f"desk:initiator:{organization}:{own}",
            settings.LAM_WAITING_INITIATOR,
            Q(organization_id=organization, initiator_id=own),
            "requests on behalf of the same person",
        ),
        Cap("agent", f"desk:agent:{agent}", settings.LAM_WAITING_AGENT, Q(agent_id=agent), "requests of this agent"),
        Cap(
            "organization",
            f"desk:organization:{organization}",
            settings.LAM_WAITING_ORGANIZATION,
            Q(organization_id=organization),
            "requests in this organization",
        ),
    )


def room_for(proposing: Proposing) -> None:
    """Raise DeskFull where one more request would be more than people are asked to look at.

    Call it inside the transaction that stages the request. Far from a limit rows are only counted; near it whoever
    else proposes waits, so that the limit is exact. What takes an effect back always has room: it is a person's wish,
    and there is never more of it than was done.
    """
    if proposing.origin == "undo":
        return
    for cap in caps(proposing):
        waiting = _waiting(cap)
        if waiting > cap.most - MARGIN:
            _alone(cap)
            waiting = _waiting(cap)
        if waiting >= cap.most:
            raise DeskFull(
                f"The desk is full: {waiting} {cap.says} wait for people, and {cap.most} may."
                " Try again when some of them are decided.",
                whose=cap.whose,
                most=cap.most,
            )


def full(proposing: Proposing) -> str:
    """Why there is no room for a request now; empty where there is. Counts, and locks nothing."""
    if proposing.origin == "undo":
        return ""
    for cap in caps(proposing):
        if _waiting(cap) >= cap.most:
            return f"The desk is full: {cap.most} {cap.says} wait for people."
    return ""


def _waiting(cap: Cap) -> int:
    """How many wait, at most one more than may."""
    rows: Any = Action.objects.filter(cap.rows, status__in=WAITING, canary=False).order_by()
    return int(rows.values("pk")[: cap.most + 1].count())


def _alone(cap: Cap) -> None:
    """Wait until whoever counts against the same limit has ended its transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 18))", [cap.key])
