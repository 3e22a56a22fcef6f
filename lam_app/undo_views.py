"""The page that shows how a run would be taken back, before anybody asks for it; and the asking."""

import uuid
from dataclasses import dataclass

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.pages import PersonRequest, only, page
from accounts.roles import Role
from lam_app.exceptions import RunNotFound
from lam_app.models import Run
from lam_app.runs import own_run
from lam_app.states import RUN, RunStatus
from lam_app.undo import planned, undo_run, undo_step
from tools.contract import Contract
from tools.models import Tool
from tools.saga import Undoing
from traces.exceptions import DomainError


@dataclass(frozen=True)
class Line:
    """One effect, and in words what would take it back."""

    undoing: Undoing
    says: str


@require_http_methods(["GET", "POST"])
@page()
def run_undo(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """What can be taken back and what cannot; then the whole run or one step. Each compensation passes the gate."""
    try:
        found = own_run(request.user, request.organization.pk, pk)
    except RunNotFound as missing:
        raise Http404 from missing
    if request.method == "GET":
        return _shown(request, found, step=_step(only(request.GET, "step")["step"]))
    fields = only(request.POST, "step", "reason")
    step, reason = _step(fields["step"]), fields["reason"].strip()
    if not reason:
        return _shown(request, found, step=step, problem="Say why: reviewers read it beside each step.", status=422)
    try:
        if step is None:
            undo_run(actor=request.user, organization=request.organization.pk, run_id=pk, reason=reason)
        else:
            undo_step(actor=request.user, organization=request.organization.pk, run_id=pk, step=step, reason=reason)
    except DomainError as refused:
        return _shown(request, found, step=step, problem=refused.message, status=refused.http_status)
    return redirect("run", pk=pk)


def may_undo(request: PersonRequest, run: Run) -> bool:
    """Whether to offer what the verbs allow: a run that stands, to its initiator or an administrator."""
    own = run.initiator_id == request.user.pk or request.membership.has(Role.ADMINISTRATOR)
    return own and RUN.allows(run.status, RunStatus.UNDOING)


def _shown(request: PersonRequest, run: Run, *, step: int | None, problem: str = "", status: int = 200) -> HttpResponse:
    undoings = [one for one in planned(run) if step in (None, one.effect.step)]
    context = {
        "run": run,
        "step": step,
        "lines": _lines(run, undoings),
        "possible": sum(one.possible for one in undoings),
        "staying": sum(not one.possible for one in undoings),
        "open": may_undo(request, run),
        "problem": problem,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "lam_app/undo.html", context, status=status)


def _lines(run: Run, undoings: list[Undoing]) -> list[Line]:
    """Each undoing with its call in one sentence, made from the inverse's own template."""
    names = {one.tool for one in undoings if one.possible}
    tools = {t.name: t for t in Tool.objects.within(run.organization_id).filter(name__in=names)}
    lines = []
    for one in undoings:
        tool = tools.get(one.tool)
        if not one.possible:
            says = one.why_not
        elif tool is None or tool.version is None:
            says = f"{one.tool} would undo it, but is not in the catalogue."
        else:
            says = Contract.from_json(tool.version.contract).summary_of(one.arguments or {})
        lines.append(Line(one, says))
    return lines


def _step(value: str) -> int | None:
    """A step's number from a form or link. Raises BadRequest for anything else that is not empty."""
    if not value:
        return None
    if not value.isascii() or not value.isdecimal() or len(value) > 4:
        raise BadRequest("That is not the number of a step.")
    return int(value)
