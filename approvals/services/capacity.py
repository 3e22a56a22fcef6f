"""capacity: how much may wait for people at once, so that one flood neither buries them nor starves the others.

What people would not get to is not put before them: the proposal is refused, whoever proposed is told why and when to
come again, and a planner waits. Nothing is ever approved, and no check is left out, to drain what waits.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from django.conf import settings
from django.db import connection

from approvals.exceptions import DeskFull

MARGIN: Final = 50
"""How near to a limit the counting becomes exact: from there on whoever proposes waits for who was before."""


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
    where: str
    params: tuple[uuid.UUID, ...]
    says: str


def caps(proposing: Proposing) -> tuple[Cap, ...]:
    """The limits over a proposal, the narrowest first."""
    own, agent, organization = proposing.initiator, proposing.agent, proposing.organization
    return (
        Cap(
            "initiator",
            f"desk:initiator:{organization}:{own}",
            settings.LAM_WAITING_INITIATOR,
            "organization_id = %s AND initiator_id = %s",
            (organization, own),
            "requests on behalf of the same person",
        ),
        Cap(
            "agent",
            f"desk:agent:{agent}",
            settings.LAM_WAITING_AGENT,
            "agent_id = %s",
            (agent,),
            "requests of this agent",
        ),
        Cap(
            "organization",
            f"desk:organization:{organization}",
            settings.LAM_WAITING_ORGANIZATION,
            "organization_id = %s",
            (organization,),
            "requests in this organization",
        ),
    )


def room_for(proposing: Proposing) -> None:
    """Raise DeskFull where one more request would be more than people are asked to look at.

    Call it inside the transaction that stages the request. Far from a limit rows are only counted, all in one look;
    near one whoever else proposes waits, so that the limit is exact. What takes an effect back always has room: it is
    a person's wish, and there is never more of it than was done.
    """
    if proposing.origin == "undo":
        return
    over = caps(proposing)
    near = [cap for cap, waiting in zip(over, _waiting(over), strict=True) if waiting > cap.most - MARGIN]
    for cap in near:
        _alone(cap)
        (waiting,) = _waiting([cap])
        if waiting >= cap.most:
            raise DeskFull(f"{_says(cap)} Try again when some of them are decided.", whose=cap.whose, most=cap.most)


def full(proposing: Proposing) -> str:
    """Why there is no room for a request now; empty where there is. Counts, and locks nothing."""
    if proposing.origin == "undo":
        return ""
    over = caps(proposing)
    return next((_says(cap) for cap, waiting in zip(over, _waiting(over), strict=True) if waiting >= cap.most), "")


def _says(cap: Cap) -> str:
    return f"The desk is full: {cap.most} {cap.says} wait for people, which is as many as may."


# The condition is that of the partial indexes ``action_waiting`` and ``action_waiting_agent``, word for word.
_COUNT = """(SELECT count(*) FROM (
    SELECT 1 FROM approvals_action WHERE {} AND status IN ('proposed', 'in_review') AND NOT canary LIMIT %s) AS seen)"""


def _waiting(over: Sequence[Cap]) -> list[int]:
    """How many wait under each of these limits, at most one more than may. One query."""
    params: list[Any] = [one for cap in over for one in (*cap.params, cap.most + 1)]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(_COUNT.format(cap.where) for cap in over)}", params)
        row = cursor.fetchone()
    assert row is not None
    return list(row)


def _alone(cap: Cap) -> None:
    """Wait until whoever counts against the same limit has ended its transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 18))", [cap.key])
