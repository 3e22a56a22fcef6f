"""Teams: who is in each and on how many tools it has a right; and the forms that make, fill and empty one."""

from typing import Any, Final

from django.core.exceptions import BadRequest
from django.db.models import Count, F, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from accounts.models import Membership, StandingChange, Team
from accounts.pages import PersonRequest, id_of, only, page
from accounts.roles import Role
from accounts.standing import create_team, join, leave
from tools.models import ToolGroupObjectPermission
from traces.exceptions import DomainError

A_PAGE: Final = 25
CHANGES_SHOWN: Final = 8
PEOPLE_SHOWN: Final = 60
MOST_PEOPLE: Final = 500


@require_http_methods(["GET", "POST"])
@page(Role.ADMINISTRATOR, Role.AUDITOR)
def teams(request: PersonRequest) -> HttpResponse:
    """The organization's teams; a POST makes one, or puts somebody in or takes them out."""
    if request.method == "POST":
        return _changed(request)
    return _shown(request, only(request.GET, "after", "team"))


def _changed(request: PersonRequest) -> HttpResponse:
    form = only(request.POST, "what", "name", "team", "person", "reason")
    if form["what"] not in {"create", "join", "leave"}:
        raise BadRequest("Say what to change.")
    making = form["what"] == "create"
    team = None if making else _team(request, form["team"])
    who: dict[str, Any] = {"by": request.user, "reason": form["reason"]}
    try:
        if team is None:
            create_team(request.organization, form["name"], **who)
            team = Team.objects.get(organization=request.organization, name=form["name"])
        else:
            member = Membership.objects.filter(organization=request.organization, pk=id_of(form["person"]))
            found = member.select_related("user").first()
            if found is None:
                raise Http404
            (join if form["what"] == "join" else leave)(team, found.user, **who)
    except DomainError as refused:
        return _shown(request, {"after": "", "team": str(team.pk) if team else ""}, problem=refused, form=form)
    return redirect(f"{reverse('teams')}?{urlencode({'team': str(team.pk)})}#chosen")


def _shown(
    request: PersonRequest,
    asked: dict[str, str],
    *,
    problem: DomainError | None = None,
    form: dict[str, str] | None = None,
) -> HttpResponse:
    every = Team.objects.filter(organization=request.organization).order_by("name")
    counted = every.annotate(
        people=Count(
            "group__user",
            filter=Q(group__user__is_active=True, group__user__memberships__organization=F("organization")),
            distinct=True,
        )
    )
    rows = list((counted.filter(name__gt=asked["after"]) if asked["after"] else counted)[: A_PAGE + 1])
    shown = rows[:A_PAGE]
    holds: dict[int, int] = dict(
        ToolGroupObjectPermission.objects.filter(
            group__in=[team.group_id for team in shown], content_object__organization=request.organization
        )
        .values_list("group")
        .annotate(tools=Count("content_object", distinct=True))
    )
    chosen = _team(request, asked["team"]) if asked["team"] else None
    context: dict[str, Any] = {
        "teams": [(team, holds.get(team.group_id, 0)) for team in shown],
        "count": every.count(),
        "next": rows[A_PAGE - 1].name if len(rows) > A_PAGE else "",
        "after": asked["after"],
        "chosen": chosen,
        "may_change": request.membership.has(Role.ADMINISTRATOR),
        "problem": problem,
        "form": form or {},
        **(_details(request, chosen) if chosen else {}),
    }
    return render(request, "settings/teams.html", context, status=problem.http_status if problem else 200)


def _details(request: PersonRequest, team: Team) -> dict[str, Any]:
    """Who is in a team, who could be, and what changed last."""
    members = Membership.objects.filter(organization=request.organization).select_related("user")
    inside = members.filter(user__groups=team.group_id).order_by("user__username")
    listed = list(inside[:MOST_PEOPLE])
    others = members.filter(user__is_active=True).exclude(user__groups=team.group_id).exclude(user=request.user)
    return {
        "listed": listed,
        "shown": listed[:PEOPLE_SHOWN],
        "leavers": [member for member in listed if member.user_id != request.user.pk],
        "count_listed": inside.count(),
        "others": others.order_by("user__username")[:MOST_PEOPLE],
        "changes": StandingChange.objects.filter(team=team)
        .select_related("by", "member__user")
        .order_by("-at", "-id")[:CHANGES_SHOWN],
    }


def _team(request: PersonRequest, value: str) -> Team:
    found = Team.objects.filter(organization=request.organization, pk=id_of(value)).first()
    if found is None:
        raise Http404
    return found
