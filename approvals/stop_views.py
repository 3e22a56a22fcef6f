"""Stopping and lifting a stop. Anyone who may open the page sees what is stopped; the verb decides who may do it."""

import uuid
from typing import Final

from django.core.exceptions import BadRequest
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.pages import PersonRequest, only, page
from approvals.models import Action
from approvals.states import ActionStatus
from tools.killswitch import STOPPERS, engage
from tools.killswitch import release as lift
from tools.listing import engaged, released, stop_says
from tools.models import KillSwitch, Tool
from traces.exceptions import DomainError

COUNTED: Final = (ActionStatus.EXECUTING, ActionStatus.PERMITTED, ActionStatus.SCHEDULED, ActionStatus.IN_REVIEW)
SHOWN_RELEASED: Final = 10


def _numbers(request: PersonRequest, **narrow: object) -> str:
    """What a stop would catch this moment, in words."""
    rows = Action.objects.within(request.organization.pk).filter(status__in=COUNTED, **narrow)
    found = dict(rows.order_by().values_list("status").annotate(n=Count("pk")))
    parts = [f"{found[status]} {status.label.lower()}" for status in COUNTED if found.get(status)]
    return " · ".join(parts) or "nothing under way"


def _uuid(value: str) -> uuid.UUID | None:
    """An id from a form or link; nothing when none was given. Raises ``BadRequest`` for what is no id."""
    if not value:
        return None
    try:
        return uuid.UUID(value)
    except ValueError as wrong:
        raise BadRequest("That is not an id.") from wrong


def _page(request: PersonRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    source = request.POST if request.method == "POST" else request.GET
    run = _uuid(source.get("run", ""))
    chosen = _uuid(source.get("tool", ""))
    tools = Tool.objects.filter(organization=request.organization, enabled=True).order_by("name")
    if run is not None and not Action.objects.within(request.organization.pk).filter(run=run).exists():
        raise Http404
    context = {
        "engaged": [(switch, stop_says(switch)) for switch in engaged(request.organization.pk)],
        "released": [(switch, stop_says(switch)) for switch in released(request.organization.pk)[:SHOWN_RELEASED]],
        "tools": [(tool, _numbers(request, tool=tool)) for tool in tools],
        "chosen": chosen,
        "run": run,
        "run_numbers": _numbers(request, run=run) if run else "",
        "organization_numbers": _numbers(request),
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
        only(request.GET, "run", "tool")
        return _page(request)
    fields = only(request.POST, "scope", "run", "tool", "reason")
    scopes = {"organization": None, "run": _uuid(fields["run"]), "tool": _uuid(fields["tool"])}
    scope = fields["scope"]
    if scope not in scopes:
        return _page(request, problem="Choose what to stop.", status=422)
    if scope != "organization" and scopes[scope] is None:
        return _page(request, problem=f"Say which {scope} to stop.", status=422)
    if not fields["reason"].strip():
        return _page(request, problem="Say why: whoever lifts the stop has to know what you saw.", status=422)
    try:
        engage(
            actor=request.user,
            organization=request.organization.pk,
            scope=KillSwitch.Scope(scope),
            target=scopes[scope],
            reason=fields["reason"].strip(),
        )
    except DomainError as refused:
        return _refused(request, refused)
    return redirect("stop")


@require_POST
@page()
def release(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """Lift a stop: a second person's act, with a reason. Held requests come back to review; permits stay void."""
    fields = only(request.POST, "reason")
    if not fields["reason"].strip():
        return _page(request, problem="Say why the stop can be lifted.", status=422)
    try:
        lift(actor=request.user, organization=request.organization.pk, switch_id=pk, reason=fields["reason"].strip())
    except DomainError as refused:
        return _refused(request, refused)
    return redirect("stop")


def _refused(request: PersonRequest, refused: DomainError) -> HttpResponse:
    if refused.http_status == 404:
        raise Http404 from refused
    return _page(request, problem=refused.message, status=refused.http_status)
