"""Who may do what with which tool, and why: a page of tools against a page of teams, and one place in it explained."""

from typing import Any, Final

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from accounts.models import Membership, Team, User
from accounts.pages import PersonRequest, id_of, only, page
from accounts.roles import Role
from tools import listing
from tools.changes import RightChange
from tools.matrix import matrix as lines_of
from tools.matrix import table
from tools.models import Tool
from tools.rights import RIGHTS, grant, revoke
from traces.exceptions import DomainError

TOOLS_A_PAGE: Final = 20
TEAMS_A_PAGE: Final = 10
CHANGES_SHOWN: Final = 8


@require_http_methods(["GET", "POST"])
@page(Role.ADMINISTRATOR, Role.AUDITOR)
def matrix(request: PersonRequest) -> HttpResponse:
    """The matrix; a POST gives or takes one right."""
    if request.method == "POST":
        return _changed(request)
    return _shown(request, only(request.GET, "q", "after", "teams", "tool", "team"))


def _changed(request: PersonRequest) -> HttpResponse:
    form = only(request.POST, "what", "tool", "right", "to", "reason")
    tool = _tool(request, form["tool"])
    if form["what"] not in {"give", "take"}:
        raise BadRequest("Say whether to give or to take.")
    try:
        whose = _whose(request, form["to"])
        if form["what"] == "give":
            grant(tool, form["right"], to=whose, by=request.user, reason=form["reason"])
        else:
            revoke(tool, form["right"], of=whose, by=request.user, reason=form["reason"])
    except DomainError as refused:
        asked = {"q": tool.name, "after": "", "teams": "", "tool": str(tool.pk), "team": ""}
        return _shown(request, asked, problem=refused, form=form)
    return redirect(f"{reverse('matrix')}?{urlencode({'q': tool.name, 'tool': str(tool.pk)})}")


def _shown(
    request: PersonRequest,
    asked: dict[str, str],
    *,
    problem: DomainError | None = None,
    form: dict[str, str] | None = None,
) -> HttpResponse:
    organization = request.organization.pk
    tools = Tool.objects.filter(organization=organization).order_by("name")
    if asked["q"]:
        tools = tools.filter(name__icontains=asked["q"][:80])
    rows = list((tools.filter(name__gt=asked["after"]) if asked["after"] else tools)[: TOOLS_A_PAGE + 1])
    first_team = int(asked["teams"]) if asked["teams"].isdecimal() and len(asked["teams"]) < 7 else 0
    teams = Team.objects.filter(organization=organization).order_by("name")
    shown_teams = list(teams[first_team : first_team + TEAMS_A_PAGE + 1])
    columns = shown_teams[:TEAMS_A_PAGE]
    here = {name: asked[name] for name in ("q", "teams") if asked[name]}
    chosen = _tool(request, asked["tool"]) if asked["tool"] else None
    context: dict[str, Any] = {
        "asked": asked,
        "teams": columns,
        "rows": table(organization, rows[:TOOLS_A_PAGE], columns),
        "count": tools.count(),
        "next": urlencode({**here, "after": rows[TOOLS_A_PAGE - 1].name}) if len(rows) > TOOLS_A_PAGE else "",
        "first": urlencode(here),
        "place": urlencode({**here, "after": asked["after"]}),
        "more_teams": urlencode({"q": asked["q"], "after": asked["after"], "teams": str(first_team + TEAMS_A_PAGE)})
        if len(shown_teams) > TEAMS_A_PAGE
        else "",
        "fewer_teams": urlencode(
            {"q": asked["q"], "after": asked["after"], "teams": str(max(0, first_team - TEAMS_A_PAGE))}
        )
        if first_team
        else "",
        "all_teams": teams.count(),
        "may_change": request.membership.has(Role.ADMINISTRATOR),
        "rights": RIGHTS,
        "problem": problem,
        "form": form or {},
        **(_why(request, chosen, asked["team"]) if chosen else {}),
    }
    return render(request, "tools/matrix.html", context, status=problem.http_status if problem else 200)


def _why(request: PersonRequest, tool: Tool, team: str) -> dict[str, Any]:
    """One tool explained: who has each right, through what, and what changed last."""
    found = lines_of(request.organization.pk, only=[tool.pk])
    people = Membership.objects.filter(organization=request.organization, user__is_active=True)
    return {
        "chosen": tool,
        "chosen_team": team,
        "holders": found[0].holders.items() if found else (),
        "every_team": Team.objects.filter(organization=request.organization).order_by("name")[:200],
        "people": people.order_by("user__username").values_list("user_id", "user__username")[:500],
        "changes": RightChange.objects.filter(tool=tool)
        .select_related("by", "team", "user")
        .order_by("-at")[:CHANGES_SHOWN],
    }


def _tool(request: PersonRequest, value: str) -> Tool:
    found = listing.catalogue(request.organization.pk).filter(pk=id_of(value)).first()
    if found is None:
        raise Http404
    return found


def _whose(request: PersonRequest, value: str) -> Team | User:
    """The team or person that a form names, of this organization and no other. Raises Http404."""
    kind, _, pk = value.partition(":")
    found: Team | User | None = None
    if kind == "team":
        found = Team.objects.filter(organization=request.organization, pk=id_of(pk)).first()
    elif kind == "user":
        found = User.objects.filter(memberships__organization=request.organization, pk=id_of(pk)).first()
    else:
        raise BadRequest("Say who: a team or a person.")
    if found is None:
        raise Http404
    return found
