"""The report of a run as a page of its own, made to be kept or printed."""

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.pages import PersonRequest, only, page
from lam_app.attachments.keep import attached
from lam_app.planted import planted_run
from lam_app.reporting import given, reported
from lam_app.story import story, visible_runs
from traces.clock import now


@require_GET
@page()
def report(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """What a run did and what it did not, by whose yes, for whoever may look at the run."""
    only(request.GET)
    found = visible_runs(request.membership).filter(pk=pk).first() or planted_run(request.membership, pk)
    if found is None:
        raise Http404
    told = story(found)
    context = {
        "story": told,
        "run": found,
        "report": reported(told),
        "given": given(found),
        "files": attached(found),
        "as_of": now(),
    }
    return render(request, "lam_app/report.html", context)
