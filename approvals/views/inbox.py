"""The inbox: what waits for a person, a page at a time, and the views of it that a person keeps."""

from typing import Final

from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.pages import HTMX_NO_SWAP, PersonRequest, id_of, only, page
from accounts.roles import Role
from approvals.reading.card import card
from approvals.reading.counted import CAP
from approvals.reading.lanes import ADMINISTERED, SOON, Viewer
from approvals.services.keep_view import forget_view, keep_view
from approvals.views.action import desk
from approvals.views.filters import FILTERS, kept_view, view_of
from approvals.views.queue import arrived, moment_of, queue_of, total_of

FIRST_PAGES: Final = ((Role.OPERATOR, "runs"), (Role.AUDITOR, "audit"), (Role.ADMINISTRATOR, "tools"))


@require_GET
@page()
def inbox(request: PersonRequest) -> HttpResponse:
    """What waits for this person. Whoever reviews nothing is taken to the first page of their own part."""
    theirs = request.GET.get("lane") in ADMINISTERED and request.membership.has(Role.ADMINISTRATOR)
    if not request.membership.has(Role.REVIEWER) and not theirs:
        for role, name in FIRST_PAGES:
            if request.membership.has(role):
                return redirect(name)
        return redirect("tools")
    queue = queue_of(request)
    if not all(request.GET.values()):  # a form sends its empty fields too, and the address is what is kept and sent on
        return redirect(f"{reverse('inbox')}?{queue.query}" if queue.query else "inbox")
    first = card(queue.rows[0].action) if queue.rows else None
    return render(request, "approvals/desk.html", desk(request, queue, first, view="list"))


@require_GET
@page(Role.REVIEWER)
def news(request: PersonRequest) -> HttpResponse:
    """How many have arrived behind the list that is on the screen. The list itself stays as it is."""
    fields = only(request.GET, "lane", *FILTERS, "since", "total")
    if not fields["since"]:  # a list that does not say when it was made has no news
        return HttpResponse(status=HTMX_NO_SWAP)
    view, viewer, since = view_of(fields), Viewer.of(request.membership), moment_of(fields["since"])
    if not (fields["total"].isascii() and fields["total"].isdigit() and len(fields["total"]) <= len(str(CAP)) + 1):
        raise BadRequest("This is not a number of rows.")
    total = total_of(view, viewer, viewer.at + SOON)
    new = max(arrived(view, viewer, since), total - int(fields["total"]))
    if new <= 0:
        return HttpResponse(status=HTMX_NO_SWAP)
    return render(request, "approvals/desk.html#news", {"new": new, "query": view.query()})


@require_POST
@page(Role.REVIEWER)
def views(request: PersonRequest) -> HttpResponse:
    """Keep the view that ``query`` names under a name of one's own, or forget one."""
    fields = only(request.POST, "what", "name", "query", "view")
    view = kept_view(fields["query"])
    if fields["what"] == "keep":
        keep_view(owner=request.user, organization=request.organization, name=fields["name"], query=view.query())
    elif fields["what"] == "forget":
        forget_view(owner=request.user, organization=request.organization, view_id=id_of(fields["view"]))
    else:
        raise BadRequest("A view is kept or forgotten.")
    return redirect(f"{reverse('inbox')}?{view.query()}" if view.query() else "inbox")
