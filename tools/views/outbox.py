"""The world's side of the demo's tools. Reads only."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.pages import PersonRequest, only, page
from tools import listing

SHOWN: Final = 100


@require_GET
@page()
def outbox(request: PersonRequest) -> HttpResponse:
    """The world's side of the demo tools: what arrived there, each with the key it came under."""
    only(request.GET)
    organization = request.organization.pk
    context = {"messages_sent": listing.outbox(organization)[:SHOWN], "notes": listing.notes(organization)[:SHOWN]}
    return render(request, "tools/outbox.html", context)
