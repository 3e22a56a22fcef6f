"""Pages of schedules: goals that are given again and again. They write only by calling a verb."""

import uuid
from datetime import datetime
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.pages import PersonRequest, only, page
from accounts.roles import Role
from lam_app.models import Firing, Schedule
from lam_app.runs import LONGEST_GOAL
from lam_app.schedules import SOONEST_SECONDS, end, first_time, pause, resume, schedule_goal, upcoming
from traces.clock import now
from traces.exceptions import DomainError

SHOWN: Final = 100
LAST: Final = 3
VERBS: Final = {"pause": pause, "resume": resume, "end": end}
USUAL: Final = (
    ("0 9 * * 1-5", "weekdays at 9:00"),
    ("0 8 * * 1", "Mondays at 8:00"),
    ("0 17 * * 5", "Fridays at 17:00"),
    ("0 7 1 * *", "the first of a month at 7:00"),
    ("0 * * * *", "every full hour"),
)
"""Expressions that people mean most often, with words for them."""


@require_http_methods(["GET", "POST"])
@page(Role.OPERATOR, Role.ADMINISTRATOR)
def schedules(request: PersonRequest) -> HttpResponse:
    """An operator's own schedules, or the organization's for an administrator; and the form for another."""
    if request.method == "GET":
        only(request.GET)
        return _page(request)
    form = only(request.POST, "goal", "cron", "then")
    if form["then"] not in {"look", "keep"}:
        raise BadRequest("Say whether to look at the times or to keep the schedule.")
    try:
        if form["then"] == "look":
            zone = request.organization.zone_of(request.user)
            first_time(form["cron"].strip(), zone, now())  # no times are promised that would be refused
            ahead = [_said(at) for at in upcoming(form["cron"].strip(), zone, now())]
            return _page(request, form=form, ahead=ahead)
        schedule_goal(actor=request.user, organization=request.organization.pk, goal=form["goal"], cron=form["cron"])
    except DomainError as refused:
        return _page(request, form=form, refused=refused)
    return redirect("schedules")


@require_POST
@page()
def schedule(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """Pause it, set it going again, or end it."""
    what = only(request.POST, "what")["what"]
    if what not in VERBS:
        raise BadRequest("A schedule is paused, resumed or ended.")
    try:
        VERBS[what](actor=request.user, organization=request.organization.pk, schedule=pk)
    except DomainError as refused:
        if refused.http_status == 404:
            raise Http404 from refused
        if not request.membership.has(Role.OPERATOR, Role.ADMINISTRATOR):
            raise
        return _page(request, refused=refused)
    return redirect("schedules")


def _page(
    request: PersonRequest,
    *,
    form: dict[str, str] | None = None,
    ahead: list[str] | None = None,
    refused: DomainError | None = None,
) -> HttpResponse:
    rows = Schedule.objects.within(request.organization.pk)
    if not request.membership.has(Role.ADMINISTRATOR):
        rows = rows.filter(person=request.user)
    shown = list(rows.filter(ended_at=None)[:SHOWN])
    over = list(rows.exclude(ended_at=None)[:LAST])
    came = _came(shown)
    errors: Any = refused.extra.get("errors", {}) if refused else {}
    context = {
        "rows": [(row, came.get(row.pk, []), row.person_id == request.user.pk) for row in shown],
        "over": over,
        "may_give": request.membership.has(Role.OPERATOR),
        "zone": request.organization.zone_of(request.user),
        "usual": USUAL,
        "longest": LONGEST_GOAL,
        "soonest": SOONEST_SECONDS // 60,
        "form": form or {},
        "ahead": ahead,
        "errors": errors,
        "problem": refused if refused and not errors else None,
        "tab": "schedules",
    }
    return render(request, "lam_app/schedules.html", context, status=refused.http_status if refused else 200)


def _said(at: datetime) -> str:
    """A time as its own zone has it, with the zone: a template would turn it into another."""
    return f"{at:%a} {at.day} {at:%b %Y, %H:%M %Z}"


def _came(rows: list[Schedule]) -> dict[uuid.UUID, list[Firing]]:
    """What came of the last times of each, newest first. One query."""
    place = Window(RowNumber(), partition_by=F("schedule"), order_by=F("due_at").desc())
    last = Firing.objects.filter(schedule__in=rows).annotate(place=place).filter(place__lte=LAST)
    found: dict[uuid.UUID, list[Firing]] = {}
    for firing in last.select_related("run").order_by("-due_at"):
        found.setdefault(firing.schedule_id, []).append(firing)
    return found
