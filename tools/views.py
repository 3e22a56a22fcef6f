"""What agents could do, and what was really done. Read-only: the dial is turned by a verb with a reason."""

import uuid
from dataclasses import dataclass
from typing import Final

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.pages import PersonRequest, only, page
from tools import listing
from tools.contract import Contract
from tools.killswitch import STOPPERS
from tools.models import Tool

SHOWN: Final = 100
CLASSES: Final = {
    "keyed": "Keyed: a repeat has no second effect",
    "queryable": "Queryable: can be asked what happened",
    "neither": "Neither: never tried again",
}


@dataclass(frozen=True)
class Offered:
    """A tool as the catalogue shows it: the organization's setting and the contract of the offered version."""

    tool: Tool
    contract: Contract | None

    @property
    def after_a_crash(self) -> str:
        """What can be known about a call whose answer was lost."""
        return CLASSES[self.contract.idempotency.kind.value] if self.contract else "Unknown"

    @property
    def state(self) -> str:
        """Whether agents may use it, in words."""
        if self.tool.forbidden:
            return "Forbidden"
        if not self.tool.enabled:
            return "Off"
        return "Recommend only" if self.tool.recommend_only else "On"


def _offered(tool: Tool) -> Offered:
    return Offered(tool, Contract.from_json(tool.version.contract) if tool.version else None)


@require_GET
@page()
def tools(request: PersonRequest) -> HttpResponse:
    """The organization's catalogue."""
    only(request.GET)
    return render(
        request, "tools/tools.html", {"offered": [_offered(t) for t in listing.catalogue(request.organization.pk)]}
    )


@require_GET
@page()
def tool(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """One tool: its contract and how freely it acts."""
    only(request.GET)
    found = listing.catalogue(request.organization.pk).filter(pk=pk).first()
    if found is None:
        raise Http404
    return render(
        request, "tools/tool.html", {"offered": _offered(found), "may_stop": request.membership.has(*STOPPERS)}
    )


@require_GET
@page()
def outbox(request: PersonRequest) -> HttpResponse:
    """The world's side of the demo tools: what arrived there, each with the key it came under."""
    only(request.GET)
    organization = request.organization.pk
    context = {"messages_sent": listing.outbox(organization)[:SHOWN], "notes": listing.notes(organization)[:SHOWN]}
    return render(request, "tools/outbox.html", context)
