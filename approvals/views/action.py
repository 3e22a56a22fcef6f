"""One action: the card, and where it stands while it is looked at. Reads only."""

import uuid
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.pages import HTMX_NO_SWAP, HTMX_STOP_POLLING, PersonRequest, only, page
from accounts.roles import Role
from accounts.sessions import signed_in_at
from approvals.access import get_action_for_reading, knows_canaries, may_decide
from approvals.codes import CODES
from approvals.exceptions import SignInAgain
from approvals.models import Action
from approvals.reading import looking
from approvals.reading.around import around
from approvals.reading.bar import bar
from approvals.reading.card import Card, card
from approvals.reading.deciders import reviewers
from approvals.reading.lanes import Viewer
from approvals.reading.limits import Limits, limits_of
from approvals.reading.since import since
from approvals.services.deciding import freshly_signed_in
from approvals.services.votes import unroutable_now, wrote
from approvals.views.filters import FIELDS
from approvals.views.queue import Queue, queue_of
from tools.killswitch import STOPPERS


def desk(
    request: PersonRequest, queue: Queue | None, shown: Card | None, *, whole: bool = True, **extra: object
) -> dict[str, Any]:
    """What the desk's template needs: the list, the card, and whether this person may decide on it.

    ``whole`` is whether the card itself is made, and not only what of it follows an action that moves.
    """
    viewer = Viewer.asking(request, request.membership)
    deciding = shown is not None and may_decide(request.membership, shown.action, viewer.tools)
    waits = shown is not None and shown.action.status == "in_review"
    stops = [stop for stop in viewer.stops if shown and stop.scope_key in shown.action.scopes]
    holding = reviewers(shown.action) if shown else []
    voted = shown is not None and any(
        d.decider_id == request.user.pk and d.revision_id == shown.revision.pk for d in shown.decisions
    )
    return {
        "queue": queue,
        "card": shown,
        "action": shown.action if shown else None,
        "around": around(shown, request.membership, tools=viewer.tools, reviewers=holding) if shown and whole else None,
        "bar": bar(shown.action, shown.revision, shown.contract, request.user, holding) if shown else None,
        "codes": CODES,
        "may_stop": request.membership.has(*STOPPERS),
        "may_decide": deciding,
        "unroutable": unroutable_now(shown.action, shown.revision) if shown and waits else "",
        "own_words": shown is not None and deciding and waits and wrote(shown.action, shown.revision, request.user.pk),
        "asks_password": shown is not None
        and deciding
        and (waits or shown.action.status == "uncertain")
        and not _fresh(request, shown.action),
        "stops": stops,
        "barred": any(stop.eased_at is None for stop in stops),
        "voted": voted,
        "knows_canaries": knows_canaries(request.membership),
        "limits": limits_of(shown.action, shown.revision) if shown else Limits(),
        "shown_token": _token(request, shown) if shown is not None and deciding and waits else "",
        "principal": shown is not None and request.user.pk in shown.action.principals,
        **extra,
    }


def _token(request: PersonRequest, shown: Card) -> str:
    """The word of this page for when it was shown; a page that is drawn anew keeps the one that it has."""
    said = request.POST.get(looking.FIELD) or request.GET.get(looking.FIELD) or ""
    return looking.kept(said, shown.action.digest, request.user.pk)


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

    On high risk the agent's words are not part of the page until a reader asks for them (``words``), and of what is
    risky the folded values are not until they are opened: one by one, or without scripts all at once (``open``).
    """
    fields = only(request.GET, *FIELDS)
    words = bool(fields["words"])
    shown = card(get_action_for_reading(request.membership, pk))
    if request.htmx and words:
        return render(request, "approvals/claim.html#words", desk(request, None, shown))
    if request.htmx:
        return render(request, "approvals/card.html#opened", desk(request, None, shown))
    queue = queue_of(request) if request.membership.has(Role.REVIEWER) else None
    context = desk(request, queue, shown, view="card", words=words, opened=bool(fields["open"]))
    return render(request, "approvals/desk.html", context)


@require_GET
@page()
def live(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """Where an action stands now, if that differs from what the page last saw; 286 ends the asking."""
    fields = only(request.GET, "seen", "slot", looking.FIELD)
    shown = card(get_action_for_reading(request.membership, pk))
    if shown.seen == fields["seen"]:
        return HttpResponse(status=HTMX_NO_SWAP)
    seen = [*fields["seen"].split("."), *("-" * 5)]
    if seen[1] != str(shown.action.revision):
        # What is on the screen would not run any more: nothing on it may be decided on, and nothing moves under a hand.
        before = since(shown.action, number=int(seen[1])) if seen[1].isdecimal() and len(seen[1]) < 5 else None
        context = {"card": shown, "since": before}
        return render(request, "approvals/card.html#superseded", context, status=HTMX_STOP_POLLING)
    status = 200 if shown.live else HTMX_STOP_POLLING
    # What came of it has its place at the top. Where the page was made before there was anything to say, it is said at
    # the end, so that nothing that somebody reads or points at moves.
    context = desk(request, None, shown, whole=False, at_end=seen[3] == "-" or fields["slot"] == "end")
    return render(request, "approvals/card.html#moved", context, status=status)
