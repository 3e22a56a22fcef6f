"""Who looks at an action now: taken, let go, handed on, kept longer, brought before those who administer;
and that it is given more time."""

import uuid
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.pages import PersonRequest, only, page
from approvals.access import get_action_for_reading
from approvals.services.assign import assign as take
from approvals.services.assign import escalate, extend, let_go, reassign
from approvals.services.prolong import prolong
from approvals.views.decide import again
from traces.exceptions import DomainError
from traces.middleware import wants_document

WHAT: Final[dict[str, Any]] = {
    "claim": lambda asked, form: take(**asked, over=bool(form["over"])),
    "release": lambda asked, _form: let_go(**asked),
    "reassign": lambda asked, form: reassign(**asked, to=form["to"].strip(), reason=form["reason"].strip()),
    "extend": lambda asked, _form: extend(**asked),
    "prolong": lambda asked, form: prolong(**asked, reason=form["reason"].strip()),
    "escalate": lambda asked, form: escalate(**asked, reason=form["reason"].strip()),
}
FIELDS: Final = {"claim": {"over"}, "reassign": {"to", "reason"}, "escalate": {"reason"}, "prolong": {"reason"}}
"""Which fields belong to which; the others take none."""


@require_POST
@page()
def assign(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """One of the six. It decides nothing; 409 with the current state where somebody else has the action."""
    form = only(request.POST, "what", "over", "to", "reason")
    get_action_for_reading(request.membership, pk)
    what = form["what"]
    if what not in WHAT or any(form[name] for name in {"over", "to", "reason"} - FIELDS.get(what, set())):
        raise BadRequest("Say what you want, and nothing else.")
    try:
        WHAT[what]({"actor": request.user, "organization": request.organization.pk, "action_id": pk}, form)
    except DomainError as refused:
        if refused.http_status == 404:
            raise Http404 from refused
        if wants_document(request):
            raise
        return again(request, pk, refused.http_status, refused.message)
    return redirect("action", pk=pk)
