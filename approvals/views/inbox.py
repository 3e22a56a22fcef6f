"""The inbox: what waits for a person, a page at a time. Reads only."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from accounts.pages import HTMX_NO_SWAP, PersonRequest, only, page
from accounts.roles import Role
from approvals.reading.card import card
from approvals.views.action import desk
from approvals.views.queue import MORE_THAN, after, mine, queue_of

FIRST_PAGES: Final = ((Role.OPERATOR, "runs"), (Role.AUDITOR, "audit"), (Role.ADMINISTRATOR, "tools"))


@require_GET
@page()
def inbox(request: PersonRequest) -> HttpResponse:
    """What waits for this person. Whoever reviews nothing is taken to the first page of their own part."""
    unroutable = request.GET.get("lane") == "unroutable" and request.membership.has(Role.ADMINISTRATOR)
    if not request.membership.has(Role.REVIEWER) and not unroutable:
        for role, name in FIRST_PAGES:
            if request.membership.has(role):
                return redirect(name)
        return redirect("tools")
    queue = queue_of(request)
    first = card(queue.rows[0].action) if queue.rows else None
    return render(request, "approvals/desk.html", desk(request, queue, first, view="list"))


@require_GET
@page(Role.REVIEWER)
def news(request: PersonRequest) -> HttpResponse:
    """How many have arrived behind the list that is on the screen. The list itself stays as it is."""
    fields = only(request.GET, "lane", "newest")
    own = mine(request)
    waiting = own.unknown_outcome() if fields["lane"] == "unknown" else own.waiting()
    new = after(waiting, fields["newest"])[: MORE_THAN + 1].count()
    if not new:
        return HttpResponse(status=HTMX_NO_SWAP)
    return render(request, "approvals/desk.html#news", {"new": new, "lane": fields["lane"], "newest": fields["newest"]})
