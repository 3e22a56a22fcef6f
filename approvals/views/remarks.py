"""What people say about an action, and the initiator's answers. It decides nothing and grants nothing."""

import uuid
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.pages import PersonRequest, only, page
from approvals.access import get_action_for_reading
from approvals.services.answer import answer
from approvals.services.comment import comment
from approvals.views.decide import again
from traces.exceptions import DomainError
from traces.middleware import wants_document

KINDS: Final[dict[str, Any]] = {"comment": comment, "answer": answer}
"""A question is a reviewer's and comes with what it was asked about: it is one of the decisions' form."""


@require_POST
@page()
def remarks(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """Keep what was said. An answer can be given on the page of the run too, and leads back there (``back``)."""
    form = only(request.POST, "kind", "text", "back")
    found = get_action_for_reading(request.membership, pk)
    if form["kind"] not in KINDS or form["back"] not in {"", "run"}:
        raise BadRequest("Say whether this is a comment or an answer.")
    asked = {"actor": request.user, "organization": request.organization.pk, "action_id": pk}
    try:
        KINDS[form["kind"]](**asked, text=form["text"])
    except DomainError as refused:
        if refused.http_status == 404:
            raise Http404 from refused
        if wants_document(request):
            raise
        return again(request, pk, refused.http_status, refused.message)
    return redirect("run", pk=found.run) if form["back"] else redirect("action", pk=pk)
