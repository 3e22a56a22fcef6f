"""The button under an unknown outcome that has the tool asked once more. Its answer is shown, and decides nothing."""

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.pages import PersonRequest, only, page
from approvals.access import get_action_for_reading
from approvals.services.probe import ask_again
from approvals.views.decide import again
from traces.exceptions import DomainError
from traces.middleware import wants_document


@require_POST
@page()
def probe(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """Have the tool asked what became of the call. 409 with the current state where that is known by now."""
    only(request.POST)
    get_action_for_reading(request.membership, pk)
    try:
        ask_again(actor=request.user, organization=request.organization.pk, action_id=pk)
    except DomainError as refused:
        if refused.http_status == 404:
            raise Http404 from refused
        if wants_document(request):
            raise
        return again(request, pk, refused.http_status, refused.message)
    return redirect("action", pk=pk)
