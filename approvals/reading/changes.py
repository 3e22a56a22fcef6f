"""What was written since a place in the record, so that nothing is passed over whatever commits late.

Ids are given before a commit, so a row with an older id can appear behind a newer one. A place is therefore a
transaction: every look takes what transactions from there on wrote, and goes on from the oldest that still ran then.
What such a late one finds again was given before, and whoever looks names it so that it is not given twice.

The same look tells how old an id can be there: where a transaction that is next to come was known at a moment, whatever
it and its successors write has ids from that moment on. That keeps the look to a few seconds of the record.
"""

import datetime as dt
import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection

from traces.ids import first_of
from traces.news import KINDS

MOST: Final = 500
"""Events of one look; there is more where so many are found."""
LONGEST: Final = dt.timedelta(seconds=60)
"""No transaction that writes events runs longer: statements are ended before."""
APART: Final = dt.timedelta(seconds=30)
"""How far an id may lie before its transaction: a statement has its ids before it waits for locks, ten seconds at most,
and clocks of hosts that write may stand apart."""
OLDEST: Final = dt.timedelta(minutes=15)
"""A place further back is none any more: whoever comes from there is shown everything anew."""


@dataclass(frozen=True)
class Change:
    """One event, as far as a page has to know of it."""

    event: uuid.UUID
    organization: uuid.UUID
    kind: str
    subject: uuid.UUID
    verb: str
    source: str
    target: str
    transaction: int


@dataclass(frozen=True)
class Place:
    """Where to go on: at transaction ``horizon``, whose events have ids from ``floor`` on."""

    organization: uuid.UUID
    horizon: int
    floor: dt.datetime

    def __str__(self) -> str:
        return f"{self.organization.hex}.{self.horizon:x}.{int(self.floor.timestamp() * 1000):x}"

    @classmethod
    def read(cls, said: str, organization: uuid.UUID) -> "Place | None":
        """The place that a page names; None where it names none of this organization."""
        try:
            whose, horizon, floor = said.split(".")
            if len(said) > 80 or uuid.UUID(hex=whose) != organization:
                return None
            return cls(organization, _number(horizon), dt.datetime.fromtimestamp(_number(floor) / 1000, tz=dt.UTC))
        except (ValueError, OverflowError, OSError):
            return None


def _number(said: str) -> int:
    if not said.isascii() or not said.isalnum():
        raise ValueError(said)
    number = int(said, 16)
    if number >= 1 << 62:
        raise ValueError(said)
    return number


@dataclass(frozen=True)
class Look:
    """What one look found: events in the order of their ids, the oldest transaction that ran then, the one that is next
    to come, and the time at the database."""

    changes: list[Change]
    horizon: int
    following: int
    at: dt.datetime

    @property
    def full(self) -> bool:
        """Whether there may be more."""
        return len(self.changes) >= MOST


_HERE = """
SELECT pg_snapshot_xmin(s)::text::bigint, clock_timestamp() FROM pg_current_snapshot() AS s
"""
_LOOK = """
WITH seen AS MATERIALIZED (
    SELECT pg_snapshot_xmin(s)::text::bigint AS horizon, pg_snapshot_xmax(s)::text::bigint AS following,
           clock_timestamp() AS at
    FROM pg_current_snapshot() AS s
)
SELECT seen.horizon, seen.following, seen.at, e.* FROM seen LEFT JOIN LATERAL (
    SELECT e.id, e.organization, e.subject_kind, e.subject, e.verb, e.source, e.target, e.transaction
    FROM traces_event e
    WHERE e.organization = %(organization)s AND e.id >= %(floor)s AND e.transaction >= %(horizon)s
      AND e.subject_kind = ANY (%(kinds)s) AND e.id <> ALL (%(known)s::uuid[])
    ORDER BY e.id LIMIT %(most)s
) e ON true
"""


def look(place: Place, known: Collection[uuid.UUID] = (), *, most: int = MOST) -> Look:
    """The events from a place on, without those that are known. One statement, and so one snapshot."""
    with connection.cursor() as cursor:
        cursor.execute(
            _LOOK,
            {
                "organization": place.organization,
                "floor": first_of(place.floor),
                "horizon": place.horizon,
                "kinds": sorted(KINDS),
                "known": list(known),
                "most": most,
            },
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    horizon, following, at, *_ = rows[0]
    return Look([Change(*row[3:]) for row in rows if row[3] is not None], horizon, following, at)


def here(organization: uuid.UUID) -> Place:
    """The place at this moment: whatever commits from now on is found from it."""
    with connection.cursor() as cursor:
        cursor.execute(_HERE)
        row = cursor.fetchone()
    assert row is not None
    return Place(organization, row[0], row[1] - LONGEST - APART)


def stands(place: Place, found: Look) -> bool:
    """Whether a look from there has found everything that there was. It has not from before OLDEST, nor from a database
    whose transactions have not come so far: another one was put in its place."""
    return place.floor >= found.at - OLDEST and place.horizon <= found.following


@dataclass
class Reader:
    """Goes through an organization's record look by look, and gives each event once."""

    place: Place
    known: dict[uuid.UUID, int] = field(default_factory=dict)
    """Events that were given, by transaction, as far as a later look finds them again."""
    moments: list[tuple[int, dt.datetime]] = field(default_factory=list)
    """When which transaction was known to be the next to come."""

    def copy(self) -> "Reader":
        """One that goes on from here by itself: for a look whose find may yet be lost on its way."""
        return Reader(self.place, dict(self.known), list(self.moments))

    def next(self) -> Look:
        """What is new. The next look goes on behind it."""
        found = look(self.place, self.known)
        if not stands(self.place, found):  # the database is another one: what was known of it holds no more
            self.place, self.known, self.moments = here(self.place.organization), {}, []
            return found
        self.known |= {change.event: change.transaction for change in found.changes}
        self.moments.append((found.following, found.at))
        if found.full:
            return found
        self.known = {event: written for event, written in self.known.items() if written >= found.horizon}
        while len(self.moments) > 1 and self.moments[1][0] <= found.horizon:
            del self.moments[0]
        floor = self.place.floor
        if self.moments[0][0] <= found.horizon:
            floor = max(floor, self.moments[0][1] - APART)
        self.place = Place(self.place.organization, found.horizon, floor)
        return found
