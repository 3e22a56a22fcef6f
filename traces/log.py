"""The record as auditors read it: narrowed by what somebody looks for, newest first, a bounded part at a time. Reads.

Most of what can be looked for has no index, because every writer would pay for it. So a page looks through a stretch of
the newest events, and where that does not fill it, says how far it has come and goes on from there when it is asked.
"""

import json
import uuid
from dataclasses import dataclass
from typing import Any, Final

from traces.ids import LAST, NIL
from traces.models import Event, EventDetail, EventQuerySet

PAGE: Final = 100
STRETCH: Final = 20_000
"""Events that one page looks through."""


@dataclass(frozen=True)
class Sought:
    """What somebody looks for; whatever is empty narrows nothing. ``since`` and ``below`` are ids, which rise with
    time: the first event that counts, and the first that does not.
    """

    verb: str = ""
    who: str = ""
    kind: str = ""
    subject: uuid.UUID | None = None
    run: uuid.UUID | None = None
    since: uuid.UUID = NIL
    below: uuid.UUID = LAST
    organizations_own: bool = False
    """Only what belongs to no run: settings, people, rights, stops, the record itself."""

    @property
    def indexed(self) -> bool:
        """Whether an index leads to it, so that there is nothing to look through."""
        return self.subject is not None or self.run is not None


@dataclass(frozen=True)
class Line:
    """An event and what it says beyond its envelope; ``gone`` where that is there no more.

    Whether it went by its age, for a person's sake, or unlawfully, verifying the record says.
    """

    event: Event
    detail: list[tuple[str, str]]
    gone: bool


@dataclass(frozen=True)
class Found:
    """A page of events, and where to go on: ``below`` is None at the end of the record."""

    lines: list[Line]
    below: uuid.UUID | None
    full: bool
    """Whether the page is full; otherwise it came to the end of its stretch."""


def look(organization: uuid.UUID, sought: Sought, narrowed: EventQuerySet | None = None) -> Found:
    """A page of the record. ``narrowed`` are the organization's events that count at all. At most three queries."""
    every = Event.objects.within(organization).filter(id__gte=sought.since, id__lt=sought.below)
    wanted = every if narrowed is None else narrowed.filter(id__gte=sought.since, id__lt=sought.below)
    simple = narrowed is None and not (sought.verb or sought.who or sought.kind or sought.organizations_own)
    end: uuid.UUID | None = None
    if not sought.indexed and not simple:
        end = every.values_list("pk", flat=True)[STRETCH : STRETCH + 1].first()
        wanted = wanted.filter(id__gt=end) if end else wanted
    found = list(_narrow(wanted, sought)[: PAGE + 1])
    full = len(found) > PAGE
    if full:
        return Found(_lines(found[:PAGE]), found[PAGE - 1].pk, full)
    below = uuid.UUID(int=end.int + 1) if end else None  # that one has not been looked at
    return Found(_lines(found), below, full)


def history(organization: uuid.UUID, subject: uuid.UUID, *, below: uuid.UUID = LAST) -> Found:
    """Everything that happened to one row, or within one run, newest first."""
    own = Event.objects.within(organization)
    found = list((own.filter(subject=subject) | own.filter(run=subject)).filter(id__lt=below)[: PAGE + 1])
    full = len(found) > PAGE
    return Found(_lines(found[:PAGE]), found[PAGE - 1].pk if full else None, full)


def _narrow(events: EventQuerySet, sought: Sought) -> EventQuerySet:
    asked: dict[str, Any] = {
        "verb": sought.verb,
        "actor_name": sought.who,
        "subject_kind": sought.kind,
        "subject": sought.subject,
        "run": sought.run,
    }
    found = events.filter(**{name: value for name, value in asked.items() if value})
    return found.filter(run=None) if sought.organizations_own else found


def _lines(events: list[Event]) -> list[Line]:
    details = dict(EventDetail.objects.filter(event__in=[event.pk for event in events]).values_list("event", "detail"))
    return [Line(event, _said(details.get(event.pk)), event.pk not in details) for event in events]


def _said(detail: str | None) -> list[tuple[str, str]]:
    """The detail's top level as names and short values; the record itself keeps every byte."""
    if detail is None:
        return []
    return [
        (key, item if isinstance(item, str) else json.dumps(item, ensure_ascii=False))
        for key, item in json.loads(detail).items()
    ]
