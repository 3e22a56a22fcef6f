"""People: their roles, how deep calls may reach for them, their teams; and the forms that change one of them."""

from typing import Any, Final

from django.contrib.auth.models import Group
from django.core.exceptions import BadRequest
from django.db.models import Prefetch
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from accounts.models import Membership, StandingChange, Team
from accounts.pages import PersonRequest, id_of, only, page
from accounts.roles import Role, TierLevel
from accounts.standing import join, leave, set_roles, set_tier
from traces.exceptions import DomainError

A_PAGE: Final = 25
CHANGES_SHOWN: Final = 8
MOST_TEAMS: Final = 500
ROLE_FIELDS: Final = {f"role_{role}": role for role in Role.values}
"""The form's boxes, one a role."""


@require_http_methods(["GET", "POST"])
@page(Role.ADMINISTRATOR, Role.AUDITOR)
def people(request: PersonRequest) -> HttpResponse:
    """The organization's people; a POST changes one of them."""
    if request.method == "POST":
        return _changed(request)
    asked = only(request.GET, "q", "role", "after", "member")
    if asked["role"] and asked["role"] not in Role.values:
        raise BadRequest("There is no such role.")
    return _shown(request, asked)


def _changed(request: PersonRequest) -> HttpResponse:
    form = only(request.POST, "member", "what", "tier", "team", "reason", *ROLE_FIELDS)
    member = _member(request, form["member"])
    who: dict[str, Any] = {"by": request.user, "reason": form["reason"]}
    try:
        if form["what"] == "tier":
            set_tier(member, form["tier"], **who)
        elif form["what"] == "roles":
            set_roles(member, [role for name, role in ROLE_FIELDS.items() if form[name]], **who)
        elif form["what"] in {"join", "leave"}:
            (join if form["what"] == "join" else leave)(_team(request, form["team"]), member.user, **who)
        else:
            raise BadRequest("Say what to change.")
    except DomainError as refused:
        return _shown(request, {"q": "", "role": "", "after": "", "member": str(member.pk)}, problem=refused)
    return redirect(f"{reverse('people')}?{urlencode({'member': str(member.pk)})}#chosen")


def _shown(request: PersonRequest, asked: dict[str, str], *, problem: DomainError | None = None) -> HttpResponse:
    every = _members(request).order_by("user__username")
    if asked["q"]:
        every = every.filter(user__username__icontains=asked["q"][:80])
    if asked["role"]:
        every = every.filter(roles__contains=[asked["role"]])
    page_of = every.filter(user__username__gt=asked["after"]) if asked["after"] else every
    rows = list(page_of[: A_PAGE + 1])
    here = {name: asked[name] for name in ("q", "role") if asked[name]}
    chosen = _member(request, asked["member"]) if asked["member"] else None
    context: dict[str, Any] = {
        "people": rows[:A_PAGE],
        "count": every.count(),
        "asked": asked,
        "roles": Role.values,
        "place": urlencode({**here, "after": asked["after"]} if asked["after"] else here),
        "first": urlencode(here),
        "next": urlencode({**here, "after": rows[A_PAGE - 1].user.username}) if len(rows) > A_PAGE else "",
        "chosen": chosen,
        "may_change": request.membership.has(Role.ADMINISTRATOR),
        "problem": problem,
        **(_details(request, chosen) if chosen else {}),
    }
    return render(request, "settings/people.html", context, status=problem.http_status if problem else 200)


def _details(request: PersonRequest, member: Membership) -> dict[str, Any]:
    """The teams a person is in and could join, and what changed last."""
    teams = Team.objects.filter(organization=request.organization).order_by("name")
    inside = [group.team for group in member.user.groups.all()]
    return {
        "own": member.user_id == request.user.pk,
        "inside": inside,
        "others": teams.exclude(pk__in=[team.pk for team in inside])[:MOST_TEAMS],
        "tiers": TierLevel.values,
        "changes": StandingChange.objects.filter(member=member)
        .select_related("by", "team")
        .order_by("-at", "-id")[:CHANGES_SHOWN],
    }


def _members(request: PersonRequest) -> Any:
    """The organization's memberships with their people, and of these people's teams the organization's own."""
    ours = Group.objects.filter(team__organization=request.organization).select_related("team").order_by("team__name")
    return (
        Membership.objects.filter(organization=request.organization)
        .select_related("user")
        .prefetch_related(Prefetch("user__groups", queryset=ours))
    )


def _member(request: PersonRequest, value: str) -> Membership:
    found: Membership | None = _members(request).filter(pk=id_of(value)).first()
    if found is None:
        raise Http404
    return found


def _team(request: PersonRequest, value: str) -> Team:
    found = Team.objects.filter(organization=request.organization, pk=id_of(value)).first()
    if found is None:
        raise Http404
    return found
