"""A person's own page: away until a time, with somebody who stands in or nobody, and back."""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.models import Absence, Membership
from accounts.pages import PersonRequest, only, page
from accounts.roles import Role
from approvals.models import Action
from approvals.services.assign import WAITING
from approvals.services.away import back_at_desk, leave_desk
from traces.exceptions import DomainError

MOST_COLLEAGUES: Final = 500


@require_http_methods(["GET", "POST"])
@page()
def away(request: PersonRequest) -> HttpResponse:
    """Whether one is away, and the form that says so; a POST says it, or that one is back."""
    if request.method == "GET":
        done = only(request.GET, "handed", "freed")
        return _shown(request, {name: value for name, value in done.items() if value.isdecimal()})
    form = only(request.POST, "what", "until", "stand_in")
    if form["what"] == "back":
        back_at_desk(actor=request.user, organization=request.organization.pk)
        return redirect("away")
    if form["what"] != "away":
        raise BadRequest("Say whether you are away or back.")
    try:
        until = _moment(form["until"], request.organization.zone_of(request.user))
        _, handed, freed = leave_desk(
            actor=request.user, organization=request.organization.pk, until=until, stand_in=form["stand_in"].strip()
        )
    except ValueError:
        return _shown(request, {"problem": "Say until when you are away.", "form": form}, status=422)
    except DomainError as refused:
        return _shown(request, {"problem": refused.message, "form": form}, status=refused.http_status)
    return redirect(f"{reverse('away')}?handed={handed}&freed={freed}")


def _moment(said: str, zone: str) -> datetime:
    """A local time of a zone, as a browser's field writes it. Raises ValueError for anything else."""
    return datetime.fromisoformat(said).replace(tzinfo=ZoneInfo(zone))


def _shown(request: PersonRequest, more: dict[str, Any], *, status: int = 200) -> HttpResponse:
    organization = request.organization
    reviewers = Membership.objects.filter(
        organization=organization, roles__contains=[Role.REVIEWER], user__is_active=True
    ).exclude(user=request.user)
    context: dict[str, Any] = {
        "absence": Absence.objects.open().filter(organization=organization, person=request.user).first(),
        "colleagues": reviewers.order_by("user__username").values_list("user__username", flat=True)[:MOST_COLLEAGUES],
        "taken": Action.objects.within(organization.pk).filter(status__in=WAITING).taken_by(request.user.pk).count(),
        "zone": organization.zone_of(request.user),
        **more,
    }
    return render(request, "approvals/away.html", context, status=status)
