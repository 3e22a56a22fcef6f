"""Pages that tell how a run went, and how two runs went: for those who ask afterwards whether it was right."""

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.actors import person
from accounts.pages import PersonRequest, id_of, only, page
from accounts.roles import Role
from lam_app.comparing import compare as compared
from lam_app.models import Run
from lam_app.trace_search import READS, acts_for, open_to
from lam_app.trail import Trail, trail
from traces.looked import looked

OFFERED = 20
"""Runs that the comparison lists to choose from."""


@require_GET
@page(*READS)
def run_story(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """The story of a run from its goal to its report, every step with what was said, ruled, decided and done."""
    only(request.GET)
    told = _trail(request, pk)
    detail = {"model_calls": told.told}
    looked(person(request.user), told.run.organization_id, "story_read", kind="run", subject=pk, detail=detail)
    opens = request.membership.has(Role.AUDITOR)
    return render(request, "traces/story.html", {"trail": told, "run": told.run, "story": told.story, "opens": opens})


@require_GET
@page(*READS)
def compare(request: PersonRequest) -> HttpResponse:
    """Two runs side by side, or what could be compared where one of them is not named."""
    fields = only(request.GET, "a", "b")
    context = {"fields": fields, "tab": "compare"}
    named = {name: _trail(request, id_of(fields[name])) for name in ("a", "b") if fields[name]}
    if len(named) < 2:
        recent = open_to(request.membership, Run.objects.within(request.membership.organization_id))
        offered = [run for run in recent[: OFFERED + 1] if str(run.pk) not in fields.values()]
        return render(request, "traces/compare.html", {**context, **named, "offered": offered[:OFFERED]})
    a, b = named["a"], named["b"]
    detail = {"with": str(b.run.pk)}
    looked(person(request.user), a.run.organization_id, "runs_compared", kind="run", subject=a.run.pk, detail=detail)
    return render(request, "traces/compare.html", {**context, **named, "compared": compared(a, b)})


def _trail(request: PersonRequest, pk: uuid.UUID) -> Trail:
    """The road of a run of the organization that is open to the reader. Raises ``Http404`` for any other, missing or
    not."""
    here = Run.objects.within(request.membership.organization_id)
    run = open_to(request.membership, here).filter(pk=pk).first()
    if run is None:
        raise Http404
    return trail(run, told=not acts_for(request.membership, run))
