"""One decision on exactly what was shown: the only door through which a person’s word comes in."""

import uuid
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.pages import PersonRequest, only, page
from accounts.sessions import signed_in_at
from approvals.access import get_action_for_reading
from approvals.codes import BY_VALUE
from approvals.exceptions import SignInAgain
from approvals.reading import folds, looking
from approvals.reading.card import card
from approvals.reading.since import since
from approvals.services.approve import approve
from approvals.services.ask import ask
from approvals.services.edit import edit
from approvals.services.hold import hold, resume
from approvals.services.reject import reject
from approvals.services.take_back import take_back
from approvals.services.verdict import did_not_happen, happened
from approvals.services.veto import veto
from approvals.services.withdraw import withdraw
from approvals.views.action import desk
from approvals.views.filters import kept_view
from approvals.views.onward import onward
from approvals.views.signing_in import sign_in_again
from tools.arguments import ArgumentsRefused
from tools.schemas import Problem
from traces.canonical import BadJSON, parse
from traces.exceptions import DomainError
from traces.middleware import wants_document

VERBS: Final[dict[str, Any]] = {
    "approve": approve,
    "edit": edit,
    "reject": reject,
    "ask": ask,
    "hold": hold,
    "resume": resume,
    "veto": veto,
    "take_back": take_back,
    "withdraw": withdraw,
    "happened": happened,
    "did_not_happen": did_not_happen,
}
ASK_WHEN_SIGNED_IN: Final = frozenset({"approve", "edit", "happened", "did_not_happen"})
TIMED: Final = frozenset({"approve", "reject"})
NEEDS_REASON: Final = frozenset({"reject", "ask", "hold", "veto", "happened", "did_not_happen"})
HAVE_CODES: Final = frozenset({"reject", "veto"})
WHY: Final = "Nothing was decided: give a reason, so that the agent and the record know why."
MISSING: Final = {
    "ask": "Nothing was asked: write your question.",
    "hold": "Nothing was set aside: say why, for whoever looks at it next.",
}


@require_POST
@page()
def decide(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """A person's word on exactly what was shown.

    409 with the current state if somebody was first, it changed, or time ran out. Whether this person may decide is
    the verb's to say, so that a refused attempt is remembered whichever way it comes.
    """
    found = get_action_for_reading(request.membership, pk)
    fields = only(
        request.POST,
        *("decision", "digest", "reason", "arguments", "code", "next", "view", looking.FIELD),
        *folds.fields(found, request.POST),
    )
    view = kept_view(fields["view"])  # before anything is decided: an address that is none of ours refuses the form
    if fields["decision"] not in VERBS or not fields["digest"]:
        raise BadRequest("Say what you decide, and on what.")
    if ("arguments" in request.POST) != (fields["decision"] == "edit"):
        raise BadRequest("Arguments belong to an edit, and only to that: what is approved is what was shown.")
    if fields["code"] and (fields["decision"] not in HAVE_CODES or fields["code"] not in BY_VALUE):
        raise BadRequest("There is no such reason, or this needs none.")
    if fields["code"] not in {"", "other"} and not fields["reason"].strip():
        fields["reason"] = f"{BY_VALUE[fields['code']].words}."  # it says enough
    if fields["decision"] in NEEDS_REASON and not fields["reason"].strip():
        return again(request, pk, 422, MISSING.get(fields["decision"], WHY))
    try:
        VERBS[fields["decision"]](
            actor=request.user,
            organization=request.organization.pk,
            action_id=pk,
            digest=fields["digest"],
            reason=fields["reason"].strip(),
            **({"code": fields["code"]} if fields["decision"] in HAVE_CODES else {}),
            **({"arguments": _arguments(fields["arguments"])} if fields["decision"] == "edit" else {}),
            **({"card": fields[looking.FIELD]} if fields["decision"] in TIMED else {}),
            **({"opened": folds.said_opened(fields)} if fields["decision"] == "approve" else {}),
            **({"signed_in_at": signed_in_at(request)} if fields["decision"] in ASK_WHEN_SIGNED_IN else {}),
        )
    except DomainError as refused:
        if refused.http_status == 404:
            raise Http404 from refused
        if wants_document(request):
            raise
        if isinstance(refused, SignInAgain):
            return sign_in_again(request, found, shown=fields[looking.FIELD])
        return again(request, pk, refused.http_status, refused.message, read=fields["digest"])
    if fields["next"] and request.htmx and not found.canary:  # whoever decided on one is told so, there
        return onward(request, found, fields["decision"], fields["next"], view)
    return redirect("action", pk=pk)


def _arguments(text: str) -> dict[str, Any]:
    """The arguments of an edit, read strictly. Raises ArgumentsRefused."""
    try:
        value = parse(text, at="arguments")
    except BadJSON as wrong:
        raise ArgumentsRefused((Problem(wrong.path or "arguments", wrong.reason),)) from wrong
    if not isinstance(value, dict):
        raise ArgumentsRefused((Problem("arguments", "must be an object"),))
    return value


def again(request: PersonRequest, pk: uuid.UUID, status: int, problem: str, *, read: str = "") -> HttpResponse:
    """The card as it stands now, under a sentence that says why nothing was decided. ``read`` is the digest of what the
    person had before them: where that is another now, the two stand side by side."""
    shown = card(get_action_for_reading(request.membership, pk))
    return render(
        request,
        "approvals/card.html#opened" if request.htmx else "approvals/desk.html",
        desk(request, None, shown, view="card", problem=problem, since=since(shown.action, digest=read)),
        status=status,
    )
