"""The live feed: what leaves by itself, and what tools that act freely have just done. Reads only.

A line is shown to whoever may read its action, with the presses that this person has; the verbs ask for themselves
again. What is leaving is read from the actions. What just ran is found through the newest events, so that millions of
actions that are over cost nothing: of a very busy organization that is the last few thousand changes.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from accounts.models import Membership
from accounts.roles import Role
from approvals.access import reviewable_tools
from approvals.models import Action
from approvals.queries import ActionQuerySet
from approvals.states import ActionStatus
from tools.contract import Contract
from tools.killswitch import STOPPERS
from tools.listing import engaged
from tools.models import Tool, ToolVersion
from traces.clock import now
from traces.ids import first_of
from traces.models import Event

S = ActionStatus
FREE: Final = ("on_the_loop", "audit_only")
"""How freely a tool acts whose calls nobody looks at beforehand."""
RAN: Final = (S.PERMITTED, S.EXECUTING, S.DONE, S.FAILED, S.UNCERTAIN, S.UNDONE, S.REJECTED, S.HALTED, S.WITHDRAWN)
WINDOW: Final = dt.timedelta(minutes=15)
"""How long something has just run."""
LAST: Final = 5
"""Seconds before it leaves in which a line stands out."""
MOST_LEAVING, MOST_RAN, EVENTS = 100, 50, 3000
ENDED: Final = (S.DENIED, S.REJECTED, S.EXPIRED, S.WITHDRAWN, S.HALTED, S.FAILED)
"""How a compensation came to nothing."""


@dataclass(frozen=True)
class Sees:
    """Whose feed it is: what this person may read, and which presses they have."""

    user: uuid.UUID
    organization: uuid.UUID
    tools: frozenset[uuid.UUID]
    """On whose actions they may decide."""
    everything: bool
    stops: bool
    administers: bool
    roles: tuple[str, ...] = ()

    @classmethod
    def of(cls, membership: Membership) -> "Sees":
        """This member, with the rights of this moment."""
        return cls(
            membership.user_id,
            membership.organization_id,
            frozenset(reviewable_tools(membership)),
            membership.has(Role.AUDITOR, Role.ADMINISTRATOR),
            membership.has(*STOPPERS),
            membership.has(Role.ADMINISTRATOR),
            tuple(sorted(membership.roles)),
        )

    def reads(self, action: Action) -> bool:
        """Whether they may look at this action: of their organization, as ``get_action_for_reading`` says."""
        if action.organization_id != self.organization:
            return False
        return self.everything or self.user in action.principals or action.tool_id in self.tools

    def marks(self, line: "Line") -> tuple[bool, bool, bool]:
        """What of a line differs from reader to reader: whether they may decide, stop, and ask for its undoing."""
        action = line.action
        decides = action.tool_id in self.tools and self.user not in action.principals
        undoes = line.undoable and (self.administers or action.initiator_id == self.user)
        return decides, self.stops, undoes


@dataclass(frozen=True)
class Line:
    """One action in the feed, and what is said of it there."""

    action: Action
    part: str
    """``leaving``, ``ran``, or ``gone`` for what belongs to neither any more."""
    contract: Contract | None
    stopped: bool
    event: uuid.UUID | None
    """The event that brought it where it stands."""
    at: dt.datetime
    by: str
    """Who brought it there."""
    asked: dt.datetime
    """When this was read, by the database's clock."""
    undoable: bool
    """Whether something would take its effect back, and nothing has begun to."""

    @property
    def seconds(self) -> int:
        """Until it leaves; 0 where it does not leave by itself."""
        leaves = self.action.due_at if self.action.status == S.SCHEDULED else None
        return max(0, int((leaves - self.asked).total_seconds())) if leaves else 0

    @property
    def last(self) -> bool:
        """Whether it leaves so soon that it stands out."""
        return self.action.status == S.SCHEDULED and not self.stopped and self.seconds < LAST

    @property
    def share(self) -> int:
        """How much of its time is left, of 100."""
        due = self.action.due_at
        whole = max(1.0, (due - min(self.at, due)).total_seconds()) if due else 1.0
        return min(100, round(100 * self.seconds / whole))


def standing(sees: Sees) -> list[Line]:
    """Everything that is in a person's feed now: what leaves, the soonest first; then what ran, the newest first."""
    ours = _read_by(sees)
    scheduled = ours.filter(status=S.SCHEDULED).order_by("due_at", "id")[:MOST_LEAVING]
    aside = ours.set_aside().filter(maturity__in=FREE).order_by("held_at", "id")[:MOST_LEAVING]
    ran = ours.filter(pk__in=_moved_lately(sees.organization), maturity__in=FREE, status__in=RAN)
    lines = _lines(sees.organization, [*_whole(scheduled), *_whole(aside), *_whole(ran)])
    leaving = [line for line in lines if line.part == "leaving"]
    newest = sorted((line for line in lines if line.part == "ran"), key=lambda line: (line.at, str(line.event)))
    return [*leaving, *newest[: -MOST_RAN - 1 : -1]]


def changed(organization: uuid.UUID, actions: Collection[uuid.UUID]) -> list[Line]:
    """These actions as they stand now, whoever may read them. For who shows each only to those who may."""
    return _lines(organization, _whole(Action.objects.within(organization).filter(pk__in=actions)))


def _read_by(sees: Sees) -> ActionQuerySet:
    ours = Action.objects.within(sees.organization)
    if sees.everything:
        return ours
    return ours.filter(Q(tool_id__in=sees.tools) | Q(principals__contains=[sees.user]))


def _whole(rows: ActionQuerySet) -> ActionQuerySet:
    return rows.select_related("initiator", "agent", "held_by")


def _moved_lately(organization: uuid.UUID) -> list[uuid.UUID]:
    """Actions that came to where what ran stands, the newest first."""
    found = (
        Event.objects.within(organization)
        .filter(id__gte=first_of(now() - WINDOW), subject_kind="action", target__in=RAN)
        .values_list("subject", flat=True)[:EVENTS]
    )
    return list(dict.fromkeys(found))


def _lines(organization: uuid.UUID, actions: Iterable[Action]) -> list[Line]:
    """What is said of each: as many queries for many as for one."""
    rows = list({action.pk: action for action in actions}.values())
    if not rows:
        return []
    at = now()
    told = _told(organization, rows)
    contracts = _contracts({row.tool_id for row in rows if row.tool_id})
    stopped = {stop.scope_key for stop in engaged(organization)}
    taken = set(
        Action.objects.within(organization)
        .filter(undo_of__in=[row.pk for row in rows])
        .exclude(status__in=ENDED)
        .values_list("undo_of", flat=True)
    )
    lines = []
    for row in rows:
        event = told.get(row.pk)
        contract = contracts.get(row.tool_id) if row.tool_id else None
        back = contract is not None and contract.reversible and contract.inverse is not None
        lines.append(
            Line(
                action=row,
                part=_part(row),
                contract=contract,
                stopped=not stopped.isdisjoint(row.scopes),
                event=event.pk if event else None,
                at=event.at if event else row.created,
                by=event.actor_name if event and event.actor_kind == "person" else "",
                asked=at,
                # An action of an outside agent belongs to no run of ours that could be taken back.
                undoable=back and row.status == S.DONE and row.origin == "planner" and row.pk not in taken,
            )
        )
    return lines


def _part(action: Action) -> str:
    if action.status == S.SCHEDULED:
        return "leaving"
    if action.maturity not in FREE:
        return "gone"
    if action.status == S.IN_REVIEW:
        return "leaving" if action.held_at else "gone"
    return "ran" if action.status in RAN else "gone"


def _told(organization: uuid.UUID, rows: list[Action]) -> dict[uuid.UUID, Event]:
    """The newest change of each one's status."""
    events = Event.objects.filter(organization=organization, subject__in=[row.pk for row in rows]).exclude(target="")
    return {event.subject: event for event in events.order_by("subject", "-id").distinct("subject")}


def _contracts(tools: set[uuid.UUID]) -> dict[uuid.UUID, Contract]:
    """What each of these tools says of itself now."""
    offered = ToolVersion.objects.filter(pk__in=Tool.objects.filter(pk__in=tools).values("version"))
    return {tool: Contract.from_json(said) for tool, said in offered.values_list("tool_id", "contract")}
