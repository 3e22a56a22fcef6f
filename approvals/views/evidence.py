"""Parts of a card that are fetched when somebody looks at them: a folded value, the trace of the model's call."""

import math
import uuid
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.pages import HTMX_NO_SWAP, PersonRequest, only, page
from approvals.access import get_action_for_reading
from approvals.models import Action
from approvals.reading.around import READS_TRACES, may_read_trace
from approvals.reading.card import card
from traces.models import PromptPart, Trace


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
    return render(request, "approvals/evidence.html#trace", _trace(found))


def _trace(action: Action) -> dict[str, Any]:
    """The call of the model that proposed the action, its prompt in order. Two queries."""
    call = Trace.objects.filter(organization=action.organization_id, pk=action.trace).first() if action.trace else None
    if call is None:
        return {"call": None}
    texts = dict(
        PromptPart.objects.filter(organization=action.organization_id, pk__in=call.parts).values_list("pk", "content")
    )
    return {
        "call": call,
        "prompt": [(role, texts.get(part, "")) for role, part in zip(call.roles, call.parts, strict=False)],
        "chosen_percent": None if call.chosen_logprob is None else round(100 * math.exp(call.chosen_logprob)),
        "alternatives": [
            (str(one.get("tool", "")), round(100 * float(one.get("probability") or 0))) for one in call.alternatives
        ],
    }
