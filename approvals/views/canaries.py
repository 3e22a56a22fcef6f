"""The auditor's pages about people: canaries, and what reviewers' decisions look like."""

from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.pages import PersonRequest, id_of, only, page
from accounts.roles import Role
from approvals import habits
from approvals.models import CanaryPlan
from approvals.models.canaries import MOST_RATE
from approvals.reading.habits import DAYS, planted, reviewers
from approvals.services.canaries import LONGEST_CLAIM, LONGEST_WHY, define, retire, set_rate
from tools.models import Tool
from traces.canonical import BadJSON, parse
from traces.exceptions import DomainError


@require_http_methods(["GET", "POST"])
@page(Role.AUDITOR)
def canaries(request: PersonRequest) -> HttpResponse:
    """The canaries and how many there are; a POST defines one, takes one out, or sets the rate."""
    if request.method == "GET":
        only(request.GET)
        return _shown(request)
    form = only(request.POST, "what", "tool", "arguments", "why", "claim", "goal", "template", "rate", "reason")
    who: dict[str, Any] = {"by": request.user, "organization": request.organization.pk}
    try:
        _done(form, who)
    except BadJSON as wrong:
        problem = f"The arguments are no JSON object: {wrong.reason}"
        return _shown(request, problem=problem, form=form, status=422)
    except DomainError as refused:
        if refused.http_status == 404:
            raise Http404 from refused
        return _shown(request, problem=refused.message, form=form, status=refused.http_status)
    return redirect("canaries")


def _done(form: dict[str, str], who: dict[str, Any]) -> None:
    if form["what"] == "define":
        arguments = parse(form["arguments"], at="arguments")
        if not isinstance(arguments, dict):
            raise BadJSON("arguments", "must be an object")
        define(**who, tool=form["tool"], arguments=arguments, why=form["why"], claim=form["claim"],
               goal=form["goal"])  # fmt: skip
    elif form["what"] == "retire":
        retire(**who, template=id_of(form["template"]))
    elif form["what"] == "rate":
        set_rate(**who, rate=_share(form["rate"]), reason=form["reason"])
    else:
        raise BadRequest("Say what to change.")


def _share(percent: str) -> float:
    """A percentage as a share; what is none is out of every bound."""
    try:
        return float(percent) / 100
    except ValueError:
        return -1.0


def _shown(request: PersonRequest, *, problem: str = "", form: Any = None, status: int = 200) -> HttpResponse:
    organization = request.organization
    plan = CanaryPlan.objects.filter(organization=organization).select_related("set_by").first()
    context = {
        "canaries": planted(organization.pk),
        "plan": plan,
        "percent": f"{100 * plan.rate:g}" if plan else "0",
        "most": f"{100 * MOST_RATE:g}",
        "tools": Tool.objects.filter(organization=organization, enabled=True).order_by("name"),
        "longest_why": LONGEST_WHY,
        "longest_claim": LONGEST_CLAIM,
        "problem": problem,
        "form": form or {},
    }
    return render(request, "approvals/canaries.html", context, status=status)


@require_GET
@page(Role.AUDITOR)
def people(request: PersonRequest) -> HttpResponse:
    """What reviewers' decisions look like, who stands out first. It is a reason to talk, and proves nothing."""
    only(request.GET)
    context = {"reviewers": reviewers(request.organization.pk), "days": DAYS, "thresholds": habits}
    return render(request, "approvals/habits.html", context)
