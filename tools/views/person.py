"""What one person may do with each tool, and why: by which teams, or given to them directly."""

import uuid
from typing import Any, Final

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.models import Agent, Membership, Team
from accounts.pages import PersonRequest, only, page
from accounts.roles import Role
from tools.matrix import of_person

A_PAGE: Final = 25
"""Tools at a time."""
MOST_AGENTS: Final = 50


@require_GET
@page(Role.ADMINISTRATOR, Role.AUDITOR)
def person(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """One member, with the tools that they have any right on, by name."""
    asked = only(request.GET, "after")
    here = request.organization
    member = Membership.objects.filter(organization=here, pk=pk).select_related("user").first()
    if member is None:
        raise Http404
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
    }
    return render(request, "settings/person.html", context)
