"""Stopping and lifting a stop. Anyone who may open the page sees what is stopped; the verb decides who may do it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Agent, Membership
from accounts.pages import PersonRequest, id_of, only, page
from approvals.models import Action
from approvals.reading.stopped import Caught, caught_by
from approvals.states import ActionStatus
from tools.killswitch import STOPPERS, engage
from tools.killswitch import ease as ease_stop
from tools.killswitch import release as lift
from tools.listing import engaged, last_drill, released, stop_says
from tools.models import KillSwitch, Tool
from traces.exceptions import DomainError
from traces.models import Event

COUNTED: Final = (ActionStatus.EXECUTING, ActionStatus.PERMITTED, ActionStatus.SCHEDULED, ActionStatus.IN_REVIEW)
SHOWN_RELEASED: Final = 10
CHOICES: Final = ("run", "tool", "agent", "initiator")
"""Scopes that name a target; the organization names itself."""


@dataclass(frozen=True)
class Standing:
    """A stop in force, in words, with what it caught."""

    switch: KillSwitch
    says: str
    caught: Caught


@dataclass(frozen=True)
class Target:
    """Something that can be stopped, and what a stop of it would catch this moment."""

    pk: uuid.UUID
    name: str
    numbers: str


def _numbers(request: PersonRequest) -> Callable[..., str]:
    """What a stop would catch this moment, in words, by what it is over: one query for the whole page."""
    rows = Action.objects.within(request.organization.pk).filter(status__in=COUNTED).order_by()
    grouped = rows.values("status", "tool", "agent", "initiator").annotate(n=Count("pk"))
    found: list[dict[str, Any]] = [{**row} for row in grouped]

    def said(**narrow: uuid.UUID) -> str:
        counts: dict[str, int] = dict.fromkeys(COUNTED, 0)
        for row in found:
            if all(row[name] == value for name, value in narrow.items()):
                counts[row["status"]] += row["n"]
        parts = [f"{counts[status]} {status.label.lower()}" for status in COUNTED if counts[status]]
        return " · ".join(parts) or "nothing under way"

    return said


def _run_numbers(request: PersonRequest, run: uuid.UUID) -> str:
    rows = Action.objects.within(request.organization.pk).filter(status__in=COUNTED, run=run)
    counts = dict(rows.order_by().values_list("status").annotate(n=Count("pk")))
    parts = [f"{counts[status]} {status.label.lower()}" for status in COUNTED if counts.get(status)]
    return " · ".join(parts) or "nothing under way"


def _known(request: PersonRequest, run: uuid.UUID) -> bool:
    """Whether there is such a run here: one that has proposed something, or one that has not come to it yet."""
    ours = request.organization.pk
    proposed = Action.objects.within(ours).filter(run=run)
    return proposed.exists() or Event.objects.about(ours, run).filter(subject_kind="run").exists()


def _uuid(value: str) -> uuid.UUID | None:
    """An id from a form or link; nothing when none was given. Raises ``BadRequest`` for what is no id."""
    return id_of(value) if value else None


def _page(request: PersonRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    source = request.POST if request.method == "POST" else request.GET
    chosen = {name: _uuid(source.get(name, "")) for name in CHOICES}
    run = chosen["run"]
    if run is not None and not _known(request, run):
        raise Http404
    numbers = _numbers(request)
    tools = Tool.objects.filter(organization=request.organization, enabled=True).order_by("name")
    agents = Agent.objects.filter(organization=request.organization, enabled=True).order_by("name")
    people = Membership.objects.filter(organization=request.organization, user__is_active=True).select_related("user")
    first = source.get("scope", "") or next((name for name in CHOICES if chosen[name] is not None), "")
    context = {
        "engaged": [Standing(stop, stop_says(stop), caught_by(stop)) for stop in engaged(request.organization.pk)],
        "released": [(stop, stop_says(stop)) for stop in released(request.organization.pk)[:SHOWN_RELEASED]],
        "groups": [
            ("tool", "A tool", [Target(t.pk, t.name, numbers(tool=t.pk)) for t in tools]),
            ("agent", "An agent", [Target(a.pk, a.name, numbers(agent=a.pk)) for a in agents]),
            (
                "initiator",
                "Whatever acts for a person",
                [
                    Target(m.user_id, m.user.username, numbers(initiator=m.user_id))
                    for m in people.order_by("user__username")
                ],
            ),
        ],
        "chosen": chosen,
        "first": first,
        "run": run,
        "run_numbers": _run_numbers(request, run) if run else "",
        "organization_numbers": numbers(),
        "drill": last_drill(request.organization.pk),
        "may_stop": request.membership.has(*STOPPERS),
        "problem": problem,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "approvals/stop.html", context, status=status)


@require_http_methods(["GET", "POST"])
@page()
def stop(request: PersonRequest) -> HttpResponse:
    """What is stopped, and a form to stop more. It takes effect when its row is committed, whatever else is down."""
    if request.method == "GET":
        only(request.GET, *CHOICES)
        return _page(request)
    fields = only(request.POST, "scope", "reason", *CHOICES)
    scope = fields["scope"]
    if scope not in ("organization", *CHOICES):
        return _page(request, problem="Choose what to stop.", status=422)
    target = None if scope == "organization" else _uuid(fields[scope])
    if scope != "organization" and target is None:
        return _page(request, problem=f"Say which {scope} to stop.", status=422)
    if not fields["reason"].strip():
        return _page(request, problem="Say why: whoever lifts the stop has to know what you saw.", status=422)
    try:
        engage(
            actor=request.user,
            organization=request.organization.pk,
            scope=KillSwitch.Scope(scope),
            target=target,
            reason=fields["reason"].strip(),
        )
    except DomainError as refused:
        return _refused(request, refused)
    return redirect("stop")


@require_POST
@page()
def ease(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """The first stage of lifting a stop: people decide again, and still nothing leaves."""
    return _lifting(request, pk, ease_stop)


@require_POST
@page()
def release(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """The second stage: agents may act again. Permits from before the stop stay void."""
    return _lifting(request, pk, lift)


def _lifting(request: PersonRequest, pk: uuid.UUID, stage: Callable[..., KillSwitch]) -> HttpResponse:
    reason = only(request.POST, "reason")["reason"].strip()
    if not reason:
        return _page(request, problem="Say why the stop can be lifted.", status=422)
    try:
        stage(actor=request.user, organization=request.organization.pk, switch_id=pk, reason=reason)
    except DomainError as refused:
        return _refused(request, refused)
    return redirect("stop")


def _refused(request: PersonRequest, refused: DomainError) -> HttpResponse:
    if refused.http_status == 404:
        raise Http404 from refused
    return _page(request, problem=refused.message, status=refused.http_status)
