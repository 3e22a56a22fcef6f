"""The record over HTTP: every event of the organization for its auditors, newest first, a page at a time."""

import json
import uuid
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol

from django.http import HttpRequest
from ninja import Query, Router

from traces.models import Event, EventDetail, EventQuerySet
from traces.wire import READS, Answer, Page, cut

router = Router(tags=["audit"])


class Auditing(Protocol):
    """What the record has to know of whoever asks."""

    @property
    def organization_id(self) -> uuid.UUID: ...


class AuditRequest(HttpRequest):
    """A request of a token that may read the record."""

    auth: Auditing


class Who(Answer):
    """Who did it."""

    kind: Literal["person", "agent", "system"]
    id: uuid.UUID | None
    name: str


class Subject(Answer):
    """Which row it was done to."""

    kind: str
    id: uuid.UUID


class EventOut(Answer):
    """One thing that happened. `source` and `target` are statuses, empty where nothing moved."""

    id: uuid.UUID
    at: datetime
    actor: Who
    verb: str
    subject: Subject
    source: str
    target: str
    reason: str
    run: uuid.UUID | None


class AuditedEvent(EventOut):
    """The same with its detail; null once a person's erasure has removed it."""

    detail: dict[str, Any] | None


def event_shape(event: Event) -> dict[str, Any]:
    """An event as clients read it."""
    return {
        "id": event.id,
        "at": event.at,
        "actor": {"kind": event.actor_kind, "id": event.actor, "name": event.actor_name},
        "verb": event.verb,
        "subject": {"kind": event.subject_kind, "id": event.subject},
        "source": event.source,
        "target": event.target,
        "reason": event.reason,
        "run": event.run,
    }


def _narrow(events: EventQuerySet, **fields: Any) -> EventQuerySet:
    """The filters that are offered, by the model's own names and no lookups beyond them."""
    return events.filter(**{name: value for name, value in fields.items() if value is not None})


@router.get("/events", response=Page[AuditedEvent], operation_id="list_events", openapi_extra=READS)
def events(
    request: AuditRequest,
    *,
    before: Annotated[uuid.UUID | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
    verb: Annotated[str | None, Query(max_length=64)] = None,
    actor: uuid.UUID | None = None,
    subject: uuid.UUID | None = None,
    run: uuid.UUID | None = None,
) -> dict[str, Any]:
    """Everything that happened in the organization, newest first. Needs scope audit and an auditor behind it."""
    found = _narrow(
        Event.objects.within(request.auth.organization_id),
        verb=verb, actor=actor, subject=subject, run=run, id__lt=before,
    )  # fmt: skip
    rows, behind = cut(list(found[: limit + 1]), limit)
    details = dict(EventDetail.objects.filter(event__in=[row.id for row in rows]).values_list("event", "detail"))
    return {
        "items": [
            {**event_shape(row), "detail": json.loads(details[row.id]) if row.id in details else None} for row in rows
        ],
        "next": behind,
    }
