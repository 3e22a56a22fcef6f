"""The organization itself: its name and time zone, the bounds that hold in it, and the way to who acts there."""

from typing import Any, Final
from zoneinfo import available_timezones

from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import Count, Q
from django.db.models.functions import Now
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import Agent, ApiToken, Membership, SignIn, StandingChange, Team
from accounts.organizations import name_organization, set_zone
from accounts.pages import PersonRequest, only, page
from accounts.roles import Role
from approvals.policy import Policy
from approvals.reading import policies
from approvals.views.policy_saving import in_force
from traces.exceptions import DomainError

READERS: Final = (Role.ADMINISTRATOR, Role.AUDITOR)
CHANGES_SHOWN: Final = 6
FIELDS: Final = ("what", "name", "time_zone", "reason")


@require_http_methods(["GET", "POST"])
@page()
def organization(request: PersonRequest) -> HttpResponse:
    """What holds for all of an organization; a POST names it or sets its time zone. Others see their own sessions."""
    if request.method == "GET":
        only(request.GET)
        return _shown(request) if request.membership.has(*READERS) else redirect("sessions")
    form = only(request.POST, *FIELDS)
    if not request.membership.has(Role.ADMINISTRATOR):
        raise PermissionDenied
    asked: dict[str, Any] = {"by": request.user, "reason": form["reason"]}
    try:
        if form["what"] == "name":
            name_organization(request.organization, form["name"], **asked)
        elif form["what"] == "zone":
            set_zone(request.organization, form["time_zone"], **asked)
        else:
            raise BadRequest("Say what to set: the name or the time zone.")
    except DomainError as refused:
        return _shown(request, problem=refused, form=form)
    return redirect("settings")


def _shown(
    request: PersonRequest, *, problem: DomainError | None = None, form: dict[str, str] | None = None
) -> HttpResponse:
    here = request.organization
    version, document = in_force(request)
    context = {
        "counts": _counts(request),
        "version": version,
        "limits": len(document.limits),
        "rules": len(document.rules),
        "bounds": _bounds(document),
        "zones": sorted(available_timezones()),
        "changes": StandingChange.objects.filter(organization=here, what__in=["name", "zone"])
        .select_related("by")
        .order_by("-at", "-id")[:CHANGES_SHOWN],
        "may_change": request.membership.has(Role.ADMINISTRATOR),
        "problem": problem,
        "form": form or {},
    }
    return render(request, "settings/organization.html", context, status=problem.http_status if problem else 200)


def _bounds(document: Policy) -> list[tuple[str, str, str]]:
    money = [("Money that a day may move", f"{most:f} {currency}", "") for currency, most in document.exposure]
    return [
        *(money or [("Money that a day may move", "not limited", "")]),
        *((label, policies.plainly(getattr(document, name)), hint) for name, (label, hint) in policies.BOUNDS.items()),
    ]


def _counts(request: PersonRequest) -> dict[str, int]:
    """How many there are of what the other pages list."""
    here = request.organization
    people = Membership.objects.filter(organization=here).aggregate(
        people=Count("pk", filter=Q(user__is_active=True)),
        off=Count("pk", filter=Q(user__is_active=False)),
        administrators=Count("pk", filter=Q(user__is_active=True, roles__contains=[Role.ADMINISTRATOR.value])),
    )
    return {
        **people,
        "teams": Team.objects.filter(organization=here).count(),
        "agents": Agent.objects.filter(organization=here, enabled=True).count(),
        "tokens": ApiToken.objects.filter(organization=here, revoked_at=None, expires_at__gt=Now()).count(),
        "sessions": SignIn.objects.open().filter(user=request.user, organization=here).count(),
    }
