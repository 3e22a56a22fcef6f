"""The list beside the card: which rows, in which order, and where the next page begins.

What runs out soon stands first, the soonest at the top; then high risk before low; then what waits longest. "Soon" is
measured from the moment at which the first page was made, and every further page measures from the same: so a row
keeps its place while a person turns pages, is on one page only, and whatever comes and goes meanwhile moves no other.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.core.exceptions import BadRequest

from accounts.models import Agent
from accounts.pages import PersonRequest, only
from approvals.models import Action, SavedView
from approvals.queries import ActionQuerySet
from approvals.reading.alike import counted as counted_alike
from approvals.reading.card import votes_by_action
from approvals.reading.counted import CAP, counted
from approvals.reading.fairness import WINDOW, crowding, shared_out
from approvals.reading.lanes import LANES, ORDERS, OWN, SOON, Lane, Viewer, parts
from approvals.services.votes import unroutable_among
from approvals.states import ActionStatus
from approvals.views.filters import FIELDS, View, view_of
from tools.contract import Contract
from tools.models import Tool, ToolVersion

PAGE: Final = 30
MOMENTS: Final = frozenset({"due_at", "expires_at", "created"})
RANKS: Final = {"high": 0, "medium": 1}


@dataclass(frozen=True)
class Row:
    """One action in the list, and what is said of it there."""

    action: Action
    votes: int
    contract: Contract | None
    stopped: bool
    taken: bool
    """Whether somebody looks at it now."""
    yours: bool
    """Whether that is the reader."""
    unroutable: str = ""
    """Why nobody can decide, where that is still so."""
    alike: int = 0
    """How many of the page's rows can be decided together with it, itself included; 0 where it is decided alone."""

    folded: int = 0
    """How many more of the same initiator's stand behind it and are passed over on this page."""

    @property
    def plain(self) -> bool:
        """Whether it waits as most do, and nothing is marked of it but its risk and what its tool says of itself."""
        row = self.action
        more = row.undo_of or row.asked_at or row.held_at or row.escalated_at
        return row.status == ActionStatus.IN_REVIEW and not (self.stopped or self.taken or row.unroutable or more)


@dataclass(frozen=True)
class Choices:
    """What the list can be narrowed by."""

    tools: list[str]
    agents: list[str]


@dataclass(frozen=True)
class Queue:
    """A page of what one lane holds for one person, and where the next page begins."""

    rows: list[Row]
    lane: Lane
    view: View
    here: str
    more: str
    since: str
    total: int
    choices: Choices
    kept: list[SavedView]

    @property
    def capped(self) -> bool:
        """Whether ``total`` says "at least"."""
        return self.total > CAP

    @cached_property
    def query(self) -> str:
        """What leads back to this very page."""
        return self.view.query(**{"from": self.here})

    @property
    def next_query(self) -> str:
        """What leads to the next page."""
        return self.view.query(**{"from": self.more})

    @property
    def news_query(self) -> str:
        """What asks whether anything has arrived behind this page."""
        return self.view.query(since=self.since, total=str(self.total))

    @cached_property
    def without(self) -> list[tuple[str, str, str]]:
        """Each filter, what it says, and the view without it."""
        return [(name, said, self.view.query(without=name)) for name, said in self.view.filters.chosen.items()]


@dataclass(frozen=True)
class Place:
    """A row's place: the moment from which "soon" is measured, the part of the lane, and the row's keys there."""

    soon: dt.datetime
    part: str
    keys: tuple[Any, ...]

    @classmethod
    def of(cls, row: Action, part: str, soon: dt.datetime) -> "Place":
        """Where this row stands."""
        known: dict[str, Any] = {"urgency": RANKS.get(row.risk, 2), "id": row.pk}
        return cls(soon, part, tuple(known[key] if key in known else getattr(row, key) for key in ORDERS[part]))

    def __str__(self) -> str:
        said = [key.isoformat() if isinstance(key, dt.datetime) else str(key) for key in self.keys]
        return "~".join([self.soon.isoformat(), self.part, *said])

    @classmethod
    def read(cls, said: str) -> "Place":
        """The place that an address names. Raises ``BadRequest`` for anything that is not one of ours."""
        try:
            soon, part, *keys = said.split("~")
            read = [_key(name, key) for name, key in zip(ORDERS[part], keys, strict=True)]
            return cls(_moment(soon), part, tuple(read))
        except (KeyError, ValueError) as wrong:
            raise BadRequest("This is not a place in the list.") from wrong


def _key(name: str, said: str) -> object:
    if name in MOMENTS:
        return _moment(said)
    if name == "id":
        return uuid.UUID(said)
    if said not in {"0", "1", "2"}:
        raise ValueError(said)
    return int(said)


def _moment(said: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(said)
    if moment.utcoffset() != dt.timedelta(0):  # ours are in UTC; others may be no moment that PostgreSQL knows
        raise ValueError(said)
    return moment


def moment_of(said: str) -> dt.datetime:
    """A moment that an address names. Raises ``BadRequest`` for anything that is not one of ours."""
    try:
        return _moment(said)
    except ValueError as wrong:
        raise BadRequest("This is not a moment.") from wrong


def listed(view: View, viewer: Viewer, soon: dt.datetime) -> dict[str, ActionQuerySet]:
    """The parts of the view's lane, narrowed by its filters, each in its order."""
    return view.filters.narrowed(parts(LANES[view.lane], viewer, soon))


def total_of(view: View, viewer: Viewer, soon: dt.datetime) -> int:
    """How many the view holds, at most one more than ``CAP``."""
    crowded = {view.lane} if LANES[view.lane].crowded else set()
    tools = viewer.tools_called(view.filters.tool)
    return counted({view.lane: list(listed(view, viewer, soon).values())}, tools, crowded)[view.lane]


def arrived(view: View, viewer: Viewer, since: dt.datetime) -> int:
    """How many of what the view holds came into being after that moment, at most one more than ``CAP``."""
    lists = listed(view, viewer, viewer.at + SOON).values()
    return counted({view.lane: [rows.filter(created__gt=since) for rows in lists]}, [], set())[view.lane]


def queue_of(request: PersonRequest, *, plain: bool = False, wanted: View | None = None) -> Queue:
    """The page of the list that the address names, or with ``plain`` its first, where an address names other things;
    or the first page of the view that is ``wanted``.

    Raises ``BadRequest`` for a lane or a choice that there is not."""
    fields = dict.fromkeys(FIELDS, "") if plain or wanted else only(request.GET, *FIELDS)
    view, viewer = wanted or view_of(fields), Viewer.asking(request, request.membership)
    place = Place.read(fields["from"]) if fields["from"] else None
    soon = place.soon if place else viewer.at + SOON
    found = _page(view, viewer, soon, place)
    found, folded = (found, {}) if place else _shared_out(found, view, viewer, soon)
    shown = found[:PAGE]
    return Queue(
        rows=_rows([row for _, row in shown], viewer, folded),
        lane=LANES[view.lane],
        view=view,
        here=fields["from"],
        more=str(Place.of(shown[-1][1], shown[-1][0], soon)) if len(found) > PAGE else "",
        since=viewer.at.isoformat(),
        total=viewer.held[view.lane] if _as_in_frame(request, view, place) else total_of(view, viewer, soon),
        choices=_choices(viewer),
        kept=viewer.kept,
    )


def _as_in_frame(request: PersonRequest, view: View, place: Place | None) -> bool:
    """Whether the frame around the list counts the very same: the lane's first page, by no filter, with a frame."""
    return not (request.htmx or view.filters.chosen or place) and view.lane in OWN


def _page(view: View, viewer: Viewer, soon: dt.datetime, place: Place | None) -> list[tuple[str, Action]]:
    """The rows behind a place, one more than fit on a page, each with the part of the lane that it stands in."""
    found: list[tuple[str, Action]] = []
    lists = listed(view, viewer, soon)
    if place and place.part not in lists:
        raise BadRequest("This is not a place in the list.")
    names, tools = list(lists), viewer.tools_called(view.filters.tool)
    for part in names[names.index(place.part) if place else 0 :]:
        rows, missing = lists[part], PAGE + 1 - len(found)
        if missing <= 0:
            break
        if place and part == place.part:
            rows = rows.behind(ORDERS[part], place.keys)
        if LANES[view.lane].crowded and part != "leaving":
            rows = rows.first_of(tools, missing)
        found += [(part, row) for row in rows.select_related("initiator", "agent", "assignee")[:missing]]
    return found


def _shared_out(
    found: list[tuple[str, Action]], view: View, viewer: Viewer, soon: dt.datetime
) -> tuple[list[tuple[str, Action]], dict[uuid.UUID, int]]:
    """The first page so that no initiator crowds out the others, where one does; and what is passed over behind which
    row. What runs out soon keeps its place, whoever asked for it. One more query, and only then."""
    later = [row for part, row in found if part == "later"]
    if not LANES[view.lane].crowded or view.filters.initiator or len(found) <= PAGE or not crowding(later):
        return found, {}
    rows = listed(view, viewer, soon)["later"].first_of(viewer.tools_called(view.filters.tool), WINDOW)
    wider = list(rows.select_related("initiator", "agent", "assignee")[:WINDOW])
    shown, folded = shared_out(wider, len(later))
    return [*((part, row) for part, row in found if part != "later"), *(("later", row) for row in shown)], folded


def _rows(actions: list[Action], viewer: Viewer, folded: Mapping[uuid.UUID, int]) -> list[Row]:
    """What is said of each of these: as many queries for many as for one."""
    votes = votes_by_action([row.pk for row in actions if row.quorum > 1])
    stuck = unroutable_among([row for row in actions if row.unroutable])
    contracts = _contracts({row.tool_id for row in actions if row.tool_id})
    stopped = {stop.scope_key for stop in viewer.stops}
    own = [row for row in actions if row.tool_id in viewer.tools]
    free = [row for row in own if stopped.isdisjoint(row.scopes) and not _elsewhere(row, viewer)]
    alike = counted_alike(free, contracts)
    return [
        Row(
            action=row,
            votes=votes.get(row.pk, 0),
            contract=contracts.get(row.tool_id) if row.tool_id else None,
            stopped=not stopped.isdisjoint(row.scopes),
            taken=(taken := row.assigned_until is not None and row.assigned_until > viewer.at),
            yours=taken and row.assignee_id == viewer.user,
            unroutable=stuck.get(row.pk, ""),
            alike=alike.get(row.pk, 0),
            folded=folded.get(row.pk, 0),
        )
        for row in actions
    ]


def _elsewhere(row: Action, viewer: Viewer) -> bool:
    """Whether somebody else looks at it now."""
    other = row.assignee_id is not None and row.assignee_id != viewer.user
    return other and row.assigned_until is not None and row.assigned_until > viewer.at


def _contracts(tools: set[uuid.UUID]) -> dict[uuid.UUID, Contract]:
    """What each of these tools says of itself now: whether its effect can be undone."""
    offered = ToolVersion.objects.filter(pk__in=Tool.objects.filter(pk__in=tools).values("version"))
    return {tool: Contract.from_json(said) for tool, said in offered.values_list("tool_id", "contract")}


def _choices(viewer: Viewer) -> Choices:
    organization = viewer.membership.organization_id
    return Choices(
        tools=list(Tool.objects.filter(pk__in=viewer.tools).order_by("name").values_list("name", flat=True)),
        agents=list(Agent.objects.filter(organization=organization).order_by("name").values_list("name", flat=True)),
    )
