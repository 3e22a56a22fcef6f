"""Which tools no rule, no limit, no reviewer and no owner covers, each with a link to where it is set. Reads only."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.pages import PersonRequest, only, page
from approvals.reading.coverage import coverage, unroutable
from approvals.services.policy import unmet
from approvals.views.policy import ADMINISTRATOR, READERS
from approvals.views.policy_saving import in_force


@require_GET
@page(*READERS)
def covered(request: PersonRequest) -> HttpResponse:
    """The tools with most gaps first, and what waits for people who are not there."""
    only(request.GET)
    ours, document = request.organization.pk, in_force(request)[1]
    found = coverage(ours, document)
    context = {
        "covered": found,
        "gaps": sum(1 for one in found if one.gaps),
        "unroutable": unroutable(ours),
        "unmet": list(unmet(ours, document)),
        "may_change": request.membership.has(ADMINISTRATOR),
    }
    return render(request, "policy/coverage.html", context)
