"""What one person may do with each tool, and why; and the forms that switch them off or on, or sign them out."""

import uuid
from typing import Any, Final

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.exceptions import PasswordAgain
from accounts.models import Agent, ApiToken, Membership, SignIn, StandingChange, Team
from accounts.pages import PersonRequest, only, page
from accounts.roles import Role
from accounts.sessions import freshly, is_fresh
from accounts.switching import end_sessions, switch_off, switch_on
from accounts.views.again import ask_again
from tools.matrix import of_person
from traces.exceptions import DomainError

A_PAGE: Final = 25
"""Tools at a time."""
MOST_AGENTS: Final = 50
MOST_SESSIONS: Final = 20
CHANGES_SHOWN: Final = 6
VERBS: Final = {"off": switch_off, "on": switch_on, "end": end_sessions}
DOING: Final = {"off": "switching somebody off", "on": "switching somebody on", "end": "signing somebody out"}


@require_http_methods(["GET", "POST"])
@page(Role.ADMINISTRATOR, Role.AUDITOR)
def person(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """One member, with the tools that they have any right on, by name; a POST switches them or ends their sessions."""
    member = Membership.objects.filter(organization=request.organization, pk=pk).select_related("user").first()
    if member is None:
        raise Http404
    if request.method == "GET":
        return _shown(request, member, only(request.GET, "after"))
    form = only(request.POST, "what", "reason")
    if form["what"] not in VERBS:
        raise BadRequest("Say what to do: switch off, switch on, or end their sessions.")
    if not request.membership.has(Role.ADMINISTRATOR):
        raise PermissionDenied
    try:
        freshly(request)
        VERBS[form["what"]](member, by=request.user, reason=form["reason"])
    except PasswordAgain:
        return ask_again(request, DOING[form["what"]], reverse("person", args=[pk]))
    except DomainError as refused:
        member.user.refresh_from_db()
        return _shown(request, member, {"after": ""}, problem=refused)
    return redirect("person", pk=pk)


def _shown(
    request: PersonRequest, member: Membership, asked: dict[str, str], *, problem: DomainError | None = None
) -> HttpResponse:
    here = request.organization
    held = of_person(here.pk, member.user_id)
    later = [line for line in held if line.name > asked["after"]]
    context: dict[str, Any] = {
        "member": member,
        "teams": Team.objects.filter(organization=here, group__user=member.user_id).order_by("name"),
        "agents": Agent.objects.filter(organization=here, owner=member.user_id).order_by("name")[:MOST_AGENTS],
        "lines": later[:A_PAGE],
        "count": len(held),
        "after": asked["after"],
        "next": later[A_PAGE - 1].name if len(later) > A_PAGE else "",
        "sessions": SignIn.objects.open().filter(user=member.user_id, organization=here)[:MOST_SESSIONS],
        "tokens": ApiToken.objects.filter(user=member.user_id, organization=here, revoked_at=None).count(),
        "changes": StandingChange.objects.filter(member=member, what__in=list(VERBS))
        .select_related("by")
        .order_by("-at", "-id")[:CHANGES_SHOWN],
        "own": member.user_id == request.user.pk,
        "may_change": request.membership.has(Role.ADMINISTRATOR),
        "fresh": is_fresh(request),
        "problem": problem,
    }
    return render(request, "settings/person.html", context, status=problem.http_status if problem else 200)
