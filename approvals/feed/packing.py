"""What a page is told, made once for all readers who are told the same: lines as their markup, and what else moved.

A line's markup differs from reader to reader only by the presses that they have, so of two hundred open pages most get
the very same bytes. Which lines a reader gets is judged here, on the row's own organization and on the reader's rights.
"""

import json
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.template.loader import render_to_string

from accounts.rows import within
from approvals.models import Action
from approvals.reading.changes import APART, LONGEST, Change, Look, Place, here, look, stands
from approvals.reading.feed import FREE, Line, Sees, changed, standing
from approvals.states import ActionStatus

WANTS: Final = ("feed", "inbox")
"""What a page follows: the feed's lines, or only that something waits."""


@dataclass(frozen=True)
class Reader:
    """Who is told, and what their page follows."""

    sees: Sees
    wants: str


@dataclass(frozen=True)
class News:
    """One message to a page."""

    place: Place
    rows: tuple[dict[str, Any], ...] = ()
    state: bool = False
    """Whether ``rows`` are all that there is, and not only what changed."""
    waits: bool = False
    """Whether something that waits for people has come or gone; told to the inbox alone."""
    stops: bool = False
    """Whether a stop was engaged or lifted."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it."""
        return not (self.rows or self.state or self.waits or self.stops)

    def document(self) -> dict[str, Any]:
        """As a page asks for it."""
        return {
            "place": str(self.place),
            "state": self.state,
            "rows": list(self.rows),
            "waits": self.waits,
            "stops": self.stops,
        }

    def message(self) -> bytes:
        """As a stream carries it."""
        return event("news", self.document(), at=str(self.place))


def event(name: str, data: object = None, *, at: str = "", retry: int = 0) -> bytes:
    """One server-sent event. ``at`` is what a page sends as ``Last-Event-ID``, ``retry`` milliseconds until it asks."""
    lines = [f"id: {at}"] if at else []
    lines += [f"retry: {retry}"] if retry else []
    lines += [f"event: {name}", f"data: {json.dumps(data, separators=(',', ':'))}"]
    return ("\n".join(lines) + "\n\n").encode()


def parcels(found: Look, place: Place, readers: Collection[Reader]) -> dict[Reader, bytes | None]:
    """What each of these readers is told of a look; None where that is nothing. Reads the changed rows once for all."""
    touched = _touched(found.changes, place.organization) if readers else []
    lines = _followed(found.changes, touched, readers)
    drawn: dict[tuple[uuid.UUID, tuple[bool, ...]], dict[str, Any]] = {}
    made: dict[tuple[object, ...], bytes | None] = {}
    parcels: dict[Reader, bytes | None] = {}
    for reader in readers:
        theirs = [line for line in lines if reader.sees.reads(line.action)] if reader.wants == "feed" else []
        waits = _waits(found.changes, touched, reader)
        alike = (waits, tuple((line.action.pk, reader.sees.marks(line)) for line in theirs))
        if alike not in made:
            rows = tuple(_drawn(line, reader.sees, drawn) for line in theirs)
            news = News(place, rows, waits=waits, stops=_stops(found.changes))
            made[alike] = None if news.empty else news.message()
        parcels[reader] = made[alike]
    return parcels


def caught_up(reader: Reader, after: Place | None) -> News:
    """What a page has missed since ``after``; or, where it comes from nowhere or from too far, all that there is."""
    organization = reader.sees.organization
    with within(organization):
        if after is not None:
            found = look(after)
            if stands(after, found) and not found.full:
                place = Place(organization, found.horizon, found.at - LONGEST - APART)
                touched = _touched(found.changes, organization)
                lines = _followed(found.changes, touched, [reader])
                rows = tuple(_drawn(one, reader.sees, {}) for one in lines if reader.sees.reads(one.action))
                waits = _waits(found.changes, touched, reader)
                return News(place, rows, waits=waits, stops=_stops(found.changes))
        place = here(organization)  # before the rows are read: what changes meanwhile is told again
        lines = standing(reader.sees) if reader.wants == "feed" else []
        return News(place, tuple(_drawn(line, reader.sees, {}) for line in lines), state=True, waits=True)


def _touched(changes: Iterable[Change], organization: uuid.UUID) -> list[Action]:
    """The actions that were changed, as they stand now. One query: most of them no page follows."""
    subjects = {change.subject for change in changes if change.kind == "action"}
    return list(Action.objects.within(organization).filter(pk__in=subjects)) if subjects else []


def _followed(changes: Iterable[Change], touched: Iterable[Action], readers: Iterable[Reader]) -> list[Line]:
    """The lines of those that the feed follows, or has shown until now, where somebody's page is a feed."""
    left = {change.subject for change in changes if change.source == ActionStatus.SCHEDULED}
    rows = [row for row in touched if row.maturity in FREE or row.status == ActionStatus.SCHEDULED or row.pk in left]
    if not rows or all(reader.wants != "feed" for reader in readers):
        return []
    return changed(rows[0].organization_id, [row.pk for row in rows])


def _waits(changes: Iterable[Change], touched: Iterable[Action], reader: Reader) -> bool:
    """Whether something came or went that this reader's inbox may hold."""
    if reader.wants != "inbox":
        return False
    theirs = {row.pk for row in touched if row.tool_id in reader.sees.tools and reader.sees.reads(row)}
    return any(
        change.subject in theirs and (ActionStatus.IN_REVIEW in (change.source, change.target) or not change.target)
        for change in changes
    )


def _stops(changes: Iterable[Change]) -> bool:
    return any(change.kind == "stop" for change in changes)


def _drawn(line: Line, sees: Sees, drawn: dict[tuple[uuid.UUID, tuple[bool, ...]], dict[str, Any]]) -> dict[str, Any]:
    """A line as a page puts it in its place."""
    marks = sees.marks(line)
    key = (line.action.pk, marks)
    if key not in drawn:
        drawn[key] = {
            "id": str(line.action.pk),
            "part": line.part,
            "event": str(line.event or ""),
            "status": line.action.status,
            "html": render_to_string("approvals/feed.html#row", drawing(line, sees)),
        }
    return drawn[key]


def drawing(line: Line, sees: Sees) -> dict[str, Any]:
    """What a line's template is given."""
    decides, stops, undoes = sees.marks(line)
    return {"line": line, "a": line.action, "decides": decides, "stops": stops, "undoes": undoes}
