"""What agents could do: the list with what stands behind each tool, found by name, reach, freedom and state."""

import uuid
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from accounts.pages import PersonRequest, only, page
from tools import listing
from tools.changes import DialProposal
from tools.kinds import Maturity, Tier
from tools.models import Tool
from tools.shown import MATURITIES, STATES, offered
from tools.views.dial import tool_page
from tools.wording import REACH

A_PAGE: Final = 25
FILTERS: Final = ("q", "tier", "maturity", "state")


@require_GET
@page()
def tools(request: PersonRequest) -> HttpResponse:
    """The organization's catalogue, a page at a time."""
    asked = only(request.GET, *FILTERS, "after")
    every = listing.catalogue(request.organization.pk)
    found = _filtered(every, asked)
    rows = list((found.filter(name__gt=asked["after"]) if asked["after"] else found)[: A_PAGE + 1])
    shown = rows[:A_PAGE]
    here = {name: asked[name] for name in FILTERS if asked[name]}
    context: dict[str, Any] = {
        "offered": offered(request.organization.pk, shown),
        "asked": asked,
        "filtered": bool(here),
        "count": found.count(),
        "all": every.count() if here else None,
        "next": urlencode({**here, "after": shown[-1].name}) if len(rows) > A_PAGE else "",
        "first": urlencode(here),
        "tiers": [(tier.value, REACH[tier]) for tier in Tier],
        "maturities": [(value, name) for value, (name, _, _) in MATURITIES.items()],
        "states": [(value, name) for value, (name, _) in STATES.items()],
        "waiting": DialProposal.objects.filter(
            organization=request.organization, status=DialProposal.Status.OPEN
        ).count(),
    }
    return render(request, "tools/tools.html", context)


@require_GET
@page()
def tool(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """One tool: how freely it acts, what speaks for that, and what it promises."""
    only(request.GET)
    found = listing.catalogue(request.organization.pk).filter(pk=pk).first()
    if found is None:
        raise Http404
    return tool_page(request, found)


def _filtered(rows: QuerySet[Tool], asked: dict[str, str]) -> QuerySet[Tool]:
    """The tools that fit what stands in the address. Raises BadRequest for a word that there is not."""
    if asked["q"]:
        q = asked["q"][:80]
        rows = rows.filter(
            Q(name__icontains=q) | Q(version__contract__title__icontains=q) | Q(owner__username__iexact=q)
        )
    for name, known in (("tier", set(Tier)), ("maturity", set(Maturity))):
        if asked[name]:
            if asked[name] not in known:
                raise BadRequest(f"There is no {name} “{asked[name][:40]}”.")
            rows = rows.filter(**{name: asked[name]})
    if asked["state"]:
        if asked["state"] not in STATES:
            raise BadRequest("There is no such state.")
        rows = rows.filter(**STATES[asked["state"]][1])
    return rows
