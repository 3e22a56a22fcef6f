"""The list beside the card: which rows, in which order, and where the next page begins."""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import BadRequest

from accounts.pages import PersonRequest, only
from accounts.roles import Role
from approvals.access import reviewable_tools
from approvals.models import Action
from approvals.queries import ActionQuerySet
from approvals.reading.card import votes_by_action
from approvals.services.votes import unroutable_now

PAGE: Final = 50
MORE_THAN: Final = 99


@dataclass(frozen=True)
class Row:
    """One waiting action, how many have approved it so far, and why nobody can where that is still so."""

    action: Action
    votes: int
    unroutable: str = ""


@dataclass(frozen=True)
class Queue:
    """A page of what waits for one person, and where the next page begins."""

    rows: list[Row]
    lane: str
    more: str
    newest: str
    total: int

    @property
    def capped(self) -> bool:
        """Whether ``total`` says "at least"."""
        return self.total > MORE_THAN


def cursor(row: Action) -> str:
    return f"{row.created.isoformat()}~{row.pk}"


def after(rows: ActionQuerySet, cursor: str) -> ActionQuerySet:
    """The rows behind a cursor. Raises ``BadRequest`` for anything that is not one of ours."""
    if not cursor:
        return rows
    try:
        created, pk = cursor.split("~")
        moment = dt.datetime.fromisoformat(created)
        if moment.utcoffset() != dt.timedelta(0):  # ours are in UTC; others may be no moment that PostgreSQL knows
            raise ValueError(created)
        return rows.after(moment, uuid.UUID(pk))
    except ValueError as wrong:
        raise BadRequest("This is not a place in the list.") from wrong


def mine(request: PersonRequest) -> ActionQuerySet:
    tools = reviewable_tools(request.membership)
    return Action.objects.within(request.organization.pk).reviewable_by(request.user.pk, tools)


def unroutable(request: PersonRequest) -> ActionQuerySet:
    """What nobody could decide on when it was ruled: an administrator sees all of it, and can give the rights."""
    everything = Action.objects.within(request.organization.pk)
    return (everything if request.membership.has(Role.ADMINISTRATOR) else mine(request)).unroutable()


def queue_of(request: PersonRequest) -> Queue:
    """The page of the list that the address names. Raises ``BadRequest`` for a lane that there is not."""
    fields = only(request.GET, "lane", "from", "words")
    lane = fields["lane"] or "waiting"
    lanes: dict[str, Callable[[], ActionQuerySet]] = {
        "waiting": mine(request).waiting,
        "unknown": mine(request).unknown_outcome,
        "unroutable": lambda: unroutable(request),
    }
    if lane not in lanes:
        raise BadRequest("There is no such lane.")
    waiting = lanes[lane]()
    rows = list(after(waiting, fields["from"]).select_related("tool", "initiator", "agent")[: PAGE + 1])
    votes = votes_by_action([row.pk for row in rows])
    last = waiting.reverse().values_list("created", "id").first()
    return Queue(
        rows=[
            Row(row, votes.get(row.pk, 0), unroutable_now(row) if row.unroutable else "")  # few, if any
            for row in rows[:PAGE]
        ],
        lane=lane,
        more=cursor(rows[PAGE - 1]) if len(rows) > PAGE else "",
        newest=f"{last[0].isoformat()}~{last[1]}" if last else "",
        total=waiting[: MORE_THAN + 1].count(),
    )
