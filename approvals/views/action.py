"""One action: the card, and where it stands while it is looked at. Reads only."""

import uuid
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.pages import HTMX_NO_SWAP, HTMX_STOP_POLLING, PersonRequest, only, page
from accounts.roles import Role
from accounts.sessions import signed_in_at
from approvals.access import get_action_for_reading, may_decide
from approvals.exceptions import SignInAgain
from approvals.models import Action
from approvals.reading.card import Card, card
from approvals.services.deciding import freshly_signed_in
from approvals.services.votes import unroutable_now, wrote
from approvals.views.queue import Queue, queue_of
from tools.killswitch import STOPPERS
from tools.listing import stops_over


def desk(request: PersonRequest, queue: Queue | None, shown: Card | None, **extra: object) -> dict[str, Any]:
    """What the desk's template needs: the list, the card, and whether this person may decide on it."""
    deciding = shown is not None and may_decide(request.membership, shown.action)
    waits = shown is not None and shown.action.status == "in_review"
    stops = stops_over(request.organization.pk, shown.action.scopes) if shown else []
    voted = shown is not None and any(
        d.decider_id == request.user.pk and d.revision_id == shown.revision.pk for d in shown.decisions
    )
    return {
        "queue": queue,
        "card": shown,
        "may_stop": request.membership.has(*STOPPERS),
        "may_decide": deciding,
        "unroutable": unroutable_now(shown.action, shown.revision) if shown and waits else "",
        "own_words": shown is not None and deciding and waits and wrote(shown.action, shown.revision, request.user.pk),
        "asks_password": shown is not None and deciding and waits and not _fresh(request, shown.action),
        "stops": stops,
        "barred": any(stop.eased_at is None for stop in stops),
        "voted": voted,
        "principal": shown is not None and request.user.pk in shown.action.principals,
        **extra,
    }


def _fresh(request: PersonRequest, action: Action) -> bool:
    try:
        freshly_signed_in(action, signed_in_at(request))
    except SignInAgain:
        return False
    return True


@require_GET
@page()
def action(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """One action. A reviewer sees it at the desk, beside the list; others who may read it see it alone.

    On high risk the agent's words are not part of the page until a reader asks for them (``words``).
    """
    words = bool(only(request.GET, "lane", "from", "words")["words"])
    shown = card(get_action_for_reading(request.membership, pk))
    if request.htmx and words:
        return render(request, "approvals/card.html#words", {"card": shown})
    if request.htmx:
        return render(request, "approvals/card.html#opened", desk(request, None, shown))
    queue = queue_of(request) if request.membership.has(Role.REVIEWER) else None
    return render(request, "approvals/desk.html", desk(request, queue, shown, view="card", words=words))


@require_GET
@page()
def live(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """Where an action stands now, if that differs from what the page last saw; 286 ends the asking."""
    fields = only(request.GET, "seen")
    shown = card(get_action_for_reading(request.membership, pk))
    if shown.seen == fields["seen"]:
        return HttpResponse(status=HTMX_NO_SWAP)
    if fields["seen"].split(".")[1:2] != [str(shown.action.revision)]:
        # What is on the screen would not run any more: nothing on it may be decided on, and nothing moves under a hand.
        return render(request, "approvals/card.html#superseded", {"card": shown}, status=HTMX_STOP_POLLING)
    status = 200 if shown.live else HTMX_STOP_POLLING
    return render(request, "approvals/card.html#moved", desk(request, None, shown), status=status)
