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
    """Whether something that waits for people has come or gone."""
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
    lines = _changed(found.changes, place.organization) if readers else []
    drawn: dict[tuple[uuid.UUID, tuple[bool, ...]], dict[str, Any]] = {}
    made: dict[tuple[object, ...], bytes | None] = {}
    parcels: dict[Reader, bytes | None] = {}
    for reader in readers:
        theirs = [line for line in lines if reader.sees.reads(line.action)]
        alike = (reader.wants, tuple((line.action.pk, reader.sees.marks(line)) for line in theirs))
        if alike not in made:
            news = _news(found.changes, place, theirs, reader, drawn)
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
                lines = [one for one in _changed(found.changes, organization) if reader.sees.reads(one.action)]
                return _news(found.changes, place, lines, reader, {})
        place = here(
            organization
        )  # before the rows are read: what changes meanwhile is told again, and not passed over
        lines = standing(reader.sees) if reader.wants == "feed" else []
        return News(place, tuple(_drawn(line, reader.sees, {}) for line in lines), state=True, waits=True)


def _changed(changes: Iterable[Change], organization: uuid.UUID) -> list[Line]:
    subjects = {change.subject for change in changes if change.kind == "action"}
    return changed(organization, subjects) if subjects else []


def _news(
    changes: list[Change],
    place: Place,
    lines: list[Line],
    reader: Reader,
    drawn: dict[tuple[uuid.UUID, tuple[bool, ...]], dict[str, Any]],
) -> News:
    left = {change.subject for change in changes if change.source == ActionStatus.SCHEDULED}
    shown = [line for line in lines if reader.wants == "feed" and _follows(line, left)]
    read = {line.action.pk: line.action for line in lines}
    return News(
        place,
        tuple(_drawn(line, reader.sees, drawn) for line in shown),
        waits=any(_of_the_inbox(change, read, reader.sees) for change in changes),
        stops=any(change.kind == "stop" for change in changes),
    )


def _follows(line: Line, left: set[uuid.UUID]) -> bool:
    """Whether the feed follows it, or has shown it until now."""
    return line.part != "gone" or line.action.maturity in FREE or line.action.pk in left


def _of_the_inbox(change: Change, read: dict[uuid.UUID, Action], sees: Sees) -> bool:
    action = read.get(change.subject)
    waits = ActionStatus.IN_REVIEW in (change.source, change.target) or not change.target
    return waits and action is not None and action.tool_id in sees.tools


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
