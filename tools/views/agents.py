"""Agents: who answers for each, how deep it may reach, which tools it may propose; and the form that changes it."""

from typing import Any, Final

from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import Agent, Membership
from accounts.pages import PersonRequest, id_of, only, page
from accounts.roles import Role
from tools import listing
from tools.agents import change
from tools.changes import AgentChange
from tools.kinds import Tier
from tools.models import Tool
from tools.wording import REACH
from traces.exceptions import DomainError

A_PAGE: Final = 20
CHANGES_SHOWN: Final = 8
TOOLS_SHOWN: Final = 60
MOST_TOOLS: Final = 500


@require_http_methods(["GET", "POST"])
@page(Role.ADMINISTRATOR, Role.AUDITOR)
def agents(request: PersonRequest) -> HttpResponse:
    """The organization's agents; a POST changes one of them."""
    if request.method == "POST":
        return _changed(request)
    return _shown(request, only(request.GET, "after", "agent"))


def _changed(request: PersonRequest) -> HttpResponse:
    form = only(request.POST, "agent", "what", "tier", "owner", "tool", "reason")
    agent = _agent(request, form["agent"])
    what = form["what"]
    tool = None
    if what in {"list", "unlist"}:
        tool = listing.catalogue(request.organization.pk).filter(pk=id_of(form["tool"])).first()
        if tool is None:
            raise Http404
    value = form["tier"] if what == "tier" else str(id_of(form["owner"])) if what == "owner" else ""
    try:
        change(agent, what, value=value, tool=tool, by=request.user, reason=form["reason"])
    except DomainError as refused:
        return _shown(request, {"after": "", "agent": str(agent.pk)}, problem=refused)
    return redirect(f"{request.path}?agent={agent.pk}#chosen")


def _shown(request: PersonRequest, asked: dict[str, str], *, problem: DomainError | None = None) -> HttpResponse:
    every = (
        Agent.objects.filter(organization=request.organization)
        .select_related("owner")
        .annotate(listed=Count("tools"))
        .order_by("name")
    )
    rows = list((every.filter(name__gt=asked["after"]) if asked["after"] else every)[: A_PAGE + 1])
    chosen = _agent(request, asked["agent"]) if asked["agent"] else None
    context: dict[str, Any] = {
        "agents": [(agent, REACH[Tier(agent.tier)]) for agent in rows[:A_PAGE]],
        "count": every.count(),
        "next": rows[A_PAGE - 1].name if len(rows) > A_PAGE else "",
        "after": asked["after"],
        "chosen": chosen,
        "may_change": request.membership.has(Role.ADMINISTRATOR),
        "problem": problem,
        **(_details(request, chosen) if chosen else {}),
    }
    return render(request, "tools/agents.html", context, status=problem.http_status if problem else 200)


def _details(request: PersonRequest, agent: Agent) -> dict[str, Any]:
    """What an agent may propose, and what changed last."""
    listed = list(agent.tools.order_by("name")[:MOST_TOOLS])
    others = Tool.objects.filter(organization=request.organization).exclude(agents=agent).order_by("name")
    people = Membership.objects.filter(organization=request.organization, user__is_active=True)
    return {
        "listed": listed,
        "shown": listed[:TOOLS_SHOWN],
        "count_listed": agent.tools.count(),
        "others": others.values_list("pk", "name")[:MOST_TOOLS],
        "tiers": [(tier.value, REACH[tier]) for tier in Tier],
        "people": people.order_by("user__username").values_list("user_id", "user__username")[:500],
        "own": agent.owner_id == request.user.pk,
        "changes": AgentChange.objects.filter(agent=agent).select_related("by", "tool").order_by("-at")[:CHANGES_SHOWN],
    }


def _agent(request: PersonRequest, value: str) -> Agent:
    found = Agent.objects.filter(organization=request.organization, pk=id_of(value)).select_related("owner").first()
    if found is None:
        raise Http404
    return found
