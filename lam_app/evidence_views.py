"""The page on which somebody asks for the evidence of an action or a run, and takes it once it is made."""

import uuid
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.actors import person
from accounts.pages import HTMX_STOP_POLLING, PersonRequest, only, page
from approvals.models import Action
from lam_app.audit_views import with_files
from lam_app.evidence.rights import Matter, matter_of, may_fetch, may_have, reads_reasoning
from lam_app.models import Run
from traces.inquiries import KEPT_HOURS
from traces.inquiries import evidence as ask
from traces.inquiry import Inquiry

SHOWN = 10
"""Archives that the page lists."""


@require_http_methods(["GET", "POST"])
@page()
def evidence(request: PersonRequest, kind: str, pk: uuid.UUID) -> HttpResponse:
    """What was asked for so far. A POST asks for an archive as things stand now."""
    matter = _matter(request, kind, pk)
    if request.method == "POST":
        only(request.POST)
        ask(request.organization.pk, subject_kind=kind, subject=pk, by=person(request.user))
        return redirect(f"{kind}_evidence", pk=pk)
    only(request.GET)
    return render(request, "evidence/evidence.html", _context(request, matter))


@require_GET
@page()
def live(request: PersonRequest, kind: str, pk: uuid.UUID) -> HttpResponse:
    """How far the archives have come; the last answer says that there is no more to ask."""
    only(request.GET)
    context = _context(request, _matter(request, kind, pk))
    status = 200 if context["under_way"] else HTMX_STOP_POLLING
    return render(request, "evidence/evidence.html#rows", context, status=status)


def _matter(request: PersonRequest, kind: str, pk: uuid.UUID) -> Matter:
    """What it is of, if this person may have it. Raises ``Http404`` for anything else, missing or not."""
    found = matter_of(request.organization.pk, kind, pk)
    if found is None or not may_have(request.membership, found):
        raise Http404
    return found


def _context(request: PersonRequest, matter: Matter) -> dict[str, Any]:
    organization = request.organization.pk
    asked = Inquiry.objects.about(organization, matter.id).filter(kind=Inquiry.Kind.EVIDENCE)
    own = [one for one in asked[:SHOWN] if may_fetch(request.membership, one)]
    if matter.kind == "action":
        name = Action.objects.within(organization).values_list("summary", flat=True).get(pk=matter.id)
    else:
        name = Run.objects.within(organization).get(pk=matter.id).goal
    return {
        "matter": matter,
        "name": name,
        "rows": with_files(own),
        "under_way": any(one.state == Inquiry.State.WAITING for one in own),
        "reasoning": reads_reasoning(request.membership, matter),
        "hours": KEPT_HOURS,
        "live": f"{matter.kind}_evidence_live",
    }
