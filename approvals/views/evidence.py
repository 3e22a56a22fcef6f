"""Parts of a card that are fetched when somebody looks at them: a folded value, the trace of the model's call."""

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.actors import person
from accounts.pages import HTMX_NO_SWAP, PersonRequest, only, page
from approvals.access import get_action_for_reading
from approvals.reading.around import READS_TRACES, may_read_trace
from approvals.reading.card import card
from traces.heard import heard
from traces.looked import TRACE_READ, looked
from traces.models import Trace


@require_GET
@page()
def fold(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """One folded value in full, with the token that approving asks for. Nothing, where the revision is another now:
    the page that asks is told so by itself."""
    fields = only(request.GET, "path", "digest")
    found = get_action_for_reading(request.membership, pk)
    if found.digest != fields["digest"]:
        return HttpResponse(status=HTMX_NO_SWAP)
    shown = card(found)
    wanted = next((one for one in shown.arguments if one.folded and one.path == fields["path"]), None)
    if wanted is None:
        raise Http404
    return render(request, "approvals/arguments.html#opened_value", {"card": shown, "a": wanted})


@require_GET
@page(*READS_TRACES)
def trace(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """What the model was sent and what it said, for auditors; never for whom the action acts for."""
    only(request.GET)
    found = get_action_for_reading(request.membership, pk)
    if not may_read_trace(request.membership, found):
        raise Http404
    organization = found.organization_id
    call = Trace.objects.within(organization).filter(pk=found.trace).first() if found.trace else None
    if call is None:
        return render(request, "approvals/evidence.html#trace", {"one": None, "undoes": found.undo_of})
    detail = {"run": str(call.run), "step": call.step}
    looked(person(request.user), organization, TRACE_READ, kind="trace", subject=call.pk, detail=detail)
    return render(request, "approvals/evidence.html#trace", {"one": heard(organization, [call])[0]})
