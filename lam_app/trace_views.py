"""Pages of the remembered model calls: find one, and read what was sent and said. Reading is an event of the record."""

import uuid
from datetime import date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.actors import person
from accounts.models import Agent
from accounts.pages import PersonRequest, id_of, only, page
from approvals.models import Action
from lam_app.models import Run
from lam_app.planner.prompts import offered
from lam_app.trace_search import FAILED, OUTCOMES, READS, readable, search
from traces.heard import Heard, heard
from traces.ids import LAST, NIL, first_of
from traces.looked import TRACE_READ, looked
from traces.models import Trace
from traces.queries import Wanted

FIELDS: Final = ("words", "run", "agent", "tool", "model", "outcome", "since", "until")
MORE: Final = ("agent", "model", "since", "until", "run")
"""What the form shows only to those who look for it."""
SEARCHED: Final = "traces_searched"


@require_GET
@page(*READS)
def traces(request: PersonRequest) -> HttpResponse:
    """Model calls of the organization, newest first, narrowed by what somebody looks for."""
    fields = only(request.GET, *FIELDS, "before")
    wanted = _wanted(fields)
    organization = request.membership.organization_id
    asked = {name: fields[name] for name in FIELDS if fields[name]}
    if asked:
        looked(person(request.user), organization, SEARCHED, kind="organization", subject=organization, detail=asked)
    context = {
        "found": search(request.membership, wanted, fields["outcome"]),
        "fields": fields,
        "filtered": bool(asked),
        "more": any(fields[name] for name in MORE),
        "kept": urlencode(asked),
        "agents": Agent.objects.filter(organization=organization).order_by("name"),
        "outcomes": sorted(OUTCOMES),
        "tab": "traces",
    }
    return render(request, "traces/traces.html", context)


def _wanted(fields: dict[str, str]) -> Wanted:
    """What a form asks for. Raises ``BadRequest`` for what is no id, no day, and no outcome."""
    if fields["outcome"] not in {"", FAILED, *OUTCOMES}:
        raise BadRequest("Calls have no such outcome.")
    below = id_of(fields["before"]) if fields["before"] else LAST
    until = _day(fields["until"], days=1)
    return Wanted(
        words=fields["words"],
        run=id_of(fields["run"]) if fields["run"] else None,
        agent=id_of(fields["agent"]) if fields["agent"] else None,
        tool=fields["tool"],
        model=fields["model"],
        failed=fields["outcome"] == FAILED,
        since=_day(fields["since"]) or NIL,
        below=min(below, until) if until else below,
    )


def _day(text: str, days: int = 0) -> uuid.UUID | None:
    """The first id of a day in the reader's time zone, or of so many days later; None where none is named."""
    if not text:
        return None
    try:
        midnight = datetime.combine(date.fromisoformat(text) + timedelta(days=days), time())
        return first_of(timezone.make_aware(midnight))
    except (ValueError, OverflowError) as wrong:
        raise BadRequest("That is not a day.") from wrong


@require_GET
@page(*READS)
def trace(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """One model call: the prompt as sent, what came back, and how sure the model was."""
    only(request.GET)
    one = _read(request, pk)
    action = Action.objects.within(one.call.organization).filter(trace=pk, run=one.call.run).first()
    context = {
        "one": one,
        "action": action,
        "offered": offered(text for _, text in one.prompt),
        "run": Run.objects.within(one.call.organization).filter(pk=one.call.run).first(),
        "tab": "traces",
    }
    return render(request, "traces/trace.html", context)


@require_GET
@page(*READS)
def trace_saw(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """What the model saw at one call, for the story of its run."""
    only(request.GET)
    one = _read(request, pk)
    context = {"one": one, "offered": offered(text for _, text in one.prompt)}
    return render(request, "traces/call.html#saw", context)


def _read(request: PersonRequest, pk: uuid.UUID) -> Heard:
    """A call that this person may read, once the record says so. Raises ``Http404`` for any other, missing or not."""
    organization = request.membership.organization_id
    call = readable(request.membership, Trace.objects.within(organization)).filter(pk=pk).first()
    if call is None:
        raise Http404
    detail = {"run": str(call.run), "step": call.step}
    looked(person(request.user), organization, TRACE_READ, kind="trace", subject=pk, detail=detail)
    return heard(organization, [call])[0]
