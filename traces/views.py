"""The audit log: every event of the organization, newest first, narrowed by what an auditor looks for."""

import json
import uuid
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from traces.models import Event, EventDetail, EventQuerySet
from traces.pages import MemberRequest, only, page

PAGE: Final = 100
AUDITOR: Final = "auditor"
FILTERS: Final = ("verb", "who", "kind", "about")


def _narrow(events: EventQuerySet, fields: dict[str, str]) -> EventQuerySet:
    """The filters that the page offers, and no lookups beyond them. Raises ``BadRequest`` for what is no id."""
    narrowed = events
    if fields["verb"]:
        narrowed = narrowed.filter(verb=fields["verb"])
    if fields["who"]:
        narrowed = narrowed.filter(actor_name=fields["who"])
    if fields["kind"]:
        narrowed = narrowed.filter(subject_kind=fields["kind"])
    try:
        if fields["about"]:
            about = uuid.UUID(fields["about"])
            narrowed = narrowed.filter(subject=about) | narrowed.filter(run=about)
        if fields["before"]:
            narrowed = narrowed.filter(id__lt=uuid.UUID(fields["before"]))
    except ValueError as wrong:
        raise BadRequest("That is not an id.") from wrong
    return narrowed


@require_GET
@page(AUDITOR)
def audit(request: MemberRequest) -> HttpResponse:
    """The log, a page at a time, in the order in which things were written."""
    fields = only(request.GET, *FILTERS, "before")
    organization = request.membership.organization_id
    events = list(_narrow(Event.objects.within(organization), fields)[: PAGE + 1])
    details = dict(EventDetail.objects.filter(event__in=[event.pk for event in events]).values_list("event", "detail"))
    kept = "&".join(f"{name}={fields[name]}" for name in FILTERS if fields[name])
    context: dict[str, Any] = {
        "rows": [(event, _said(details.get(event.pk, ""))) for event in events[:PAGE]],
        "before": events[PAGE - 1].pk if len(events) > PAGE else "",
        "kept": kept,
        "fields": fields,
        "filtered": any(fields[name] for name in FILTERS),
        "tab": "log",
    }
    return render(request, "traces/audit.html", context)


def _said(detail: str) -> list[tuple[str, str]]:
    """The detail's top level as names and short values; the record itself keeps every byte."""
    if not detail:
        return []
    value = json.loads(detail)
    return [
        (key, item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)) for key, item in value.items()
    ]
