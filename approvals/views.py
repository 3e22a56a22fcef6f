"""The desk: what waits, one card, one decision. Views read through ``access`` and ``card`` and write by a verb."""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.pages import HTMX_NO_SWAP, HTMX_STOP_POLLING, PersonRequest, only, page
from accounts.roles import Role
from accounts.sessions import signed_in_at
from approvals.access import get_action_for_reading, may_decide, reviewable_tools
from approvals.card import Card, card, votes_by_action
from approvals.exceptions import SignInAgain
from approvals.models import Action
from approvals.queries import ActionQuerySet
from approvals.services.approve import approve
from approvals.services.deciding import freshly_signed_in
from approvals.services.edit import edit
from approvals.services.reject import reject
from approvals.services.verdict import did_not_happen, happened
from approvals.services.votes import unroutable_now, wrote
from approvals.signing_in import sign_in_again
from tools.arguments import ArgumentsRefused
from tools.killswitch import STOPPERS
from tools.listing import stops_over
from tools.schemas import Problem
from traces.canonical import BadJSON, parse
from traces.exceptions import DomainError
from traces.middleware import wants_document

PAGE: Final = 50
MORE_THAN: Final = 99
FIRST_PAGES: Final = ((Role.OPERATOR, "runs"), (Role.AUDITOR, "audit"), (Role.ADMINISTRATOR, "tools"))
VERBS: Final[dict[str, Any]] = {
    "approve": approve,
    "edit": edit,
    "reject": reject,
    "happened": happened,
    "did_not_happen": did_not_happen,
}
ASK_WHEN_SIGNED_IN: Final = frozenset({"approve", "edit"})
NEEDS_REASON: Final = frozenset({"reject", "happened", "did_not_happen"})


@dataclass(frozen=True)
class Row:
    """One waiting action, how many have approved it so far, and why nobody can where that is still so."""

    action: Action
    votes: int
    unroutable: str = ""


@dataclass(frozen=True)
class Queue:
    """A page of what waits for one person, and where the next page begins."""

    rows: list[Row]
    lane: str
    more: str
    newest: str
    total: int

    @property
    def capped(self) -> bool:
        """Whether ``total`` says "at least"."""
        return self.total > MORE_THAN


def _cursor(row: Action) -> str:
    return f"{row.created.isoformat()}~{row.pk}"


def _after(rows: ActionQuerySet, cursor: str) -> ActionQuerySet:
    """The rows behind a cursor. Raises ``BadRequest`` for anything that is not one of ours."""
    if not cursor:
        return rows
    try:
        created, pk = cursor.split("~")
        moment = dt.datetime.fromisoformat(created)
        if moment.utcoffset() != dt.timedelta(0):  # ours are in UTC; others may be no moment that PostgreSQL knows
            raise ValueError(created)
        return rows.after(moment, uuid.UUID(pk))
    except ValueError as wrong:
        raise BadRequest("This is not a place in the list.") from wrong


def _mine(request: PersonRequest) -> ActionQuerySet:
    tools = reviewable_tools(request.membership)
    return Action.objects.within(request.organization.pk).reviewable_by(request.user.pk, tools)


def _unroutable(request: PersonRequest) -> ActionQuerySet:
    """What nobody could decide on when it was ruled: an administrator sees all of it, and can give the rights."""
    everything = Action.objects.within(request.organization.pk)
    return (everything if request.membership.has(Role.ADMINISTRATOR) else _mine(request)).unroutable()


def queue_of(request: PersonRequest) -> Queue:
    """The page of the list that the address names. Raises ``BadRequest`` for a lane that there is not."""
    fields = only(request.GET, "lane", "from", "words")
    lane = fields["lane"] or "waiting"
    lanes: dict[str, Callable[[], ActionQuerySet]] = {
        "waiting": _mine(request).waiting,
        "unknown": _mine(request).unknown_outcome,
        "unroutable": lambda: _unroutable(request),
    }
    if lane not in lanes:
        raise BadRequest("There is no such lane.")
    waiting = lanes[lane]()
    rows = list(_after(waiting, fields["from"]).select_related("tool", "initiator", "agent")[: PAGE + 1])
    votes = votes_by_action([row.pk for row in rows])
    last = waiting.reverse().values_list("created", "id").first()
    return Queue(
        rows=[
            Row(row, votes.get(row.pk, 0), unroutable_now(row) if row.unroutable else "")  # few, if any
            for row in rows[:PAGE]
        ],
        lane=lane,
        more=_cursor(rows[PAGE - 1]) if len(rows) > PAGE else "",
        newest=f"{last[0].isoformat()}~{last[1]}" if last else "",
        total=waiting[: MORE_THAN + 1].count(),
    )


def _desk(request: PersonRequest, queue: Queue | None, shown: Card | None, **extra: object) -> dict[str, Any]:
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
def inbox(request: PersonRequest) -> HttpResponse:
    """What waits for this person. Whoever reviews nothing is taken to the first page of their own part."""
    unroutable = request.GET.get("lane") == "unroutable" and request.membership.has(Role.ADMINISTRATOR)
    if not request.membership.has(Role.REVIEWER) and not unroutable:
        for role, name in FIRST_PAGES:
            if request.membership.has(role):
                return redirect(name)
        return redirect("tools")
    queue = queue_of(request)
    first = card(queue.rows[0].action) if queue.rows else None
    return render(request, "approvals/desk.html", _desk(request, queue, first, view="list"))


@require_GET
@page(Role.REVIEWER)
def news(request: PersonRequest) -> HttpResponse:
    """How many have arrived behind the list that is on the screen. The list itself stays as it is."""
    fields = only(request.GET, "lane", "newest")
    mine = _mine(request)
    waiting = mine.unknown_outcome() if fields["lane"] == "unknown" else mine.waiting()
    new = _after(waiting, fields["newest"])[: MORE_THAN + 1].count()
    if not new:
        return HttpResponse(status=HTMX_NO_SWAP)
    return render(request, "approvals/desk.html#news", {"new": new, "lane": fields["lane"], "newest": fields["newest"]})


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
        return render(request, "approvals/card.html#opened", _desk(request, None, shown))
    queue = queue_of(request) if request.membership.has(Role.REVIEWER) else None
    return render(request, "approvals/desk.html", _desk(request, queue, shown, view="card", words=words))


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
    return render(request, "approvals/card.html#moved", _desk(request, None, shown), status=status)


@require_POST
@page()
def decide(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """A person's word on exactly what was shown.

    409 with the current state if somebody was first, it changed, or time ran out. Whether this person may decide is
    the verb's to say, so that a refused attempt is remembered whichever way it comes.
    """
    fields = only(request.POST, "decision", "digest", "reason", "arguments")
    found = get_action_for_reading(request.membership, pk)
    if fields["decision"] not in VERBS or not fields["digest"]:
        raise BadRequest("Say what you decide, and on what.")
    if ("arguments" in request.POST) != (fields["decision"] == "edit"):
        raise BadRequest("Arguments belong to an edit, and only to that: what is approved is what was shown.")
    if fields["decision"] in NEEDS_REASON and not fields["reason"].strip():
        return again(request, pk, 422, "Nothing was decided: give a reason, so that the agent and the record know why.")
    try:
        VERBS[fields["decision"]](
            actor=request.user,
            organization=request.organization.pk,
            action_id=pk,
            digest=fields["digest"],
            reason=fields["reason"].strip(),
            **({"arguments": _arguments(fields["arguments"])} if fields["decision"] == "edit" else {}),
            **({"signed_in_at": signed_in_at(request)} if fields["decision"] in ASK_WHEN_SIGNED_IN else {}),
        )
    except DomainError as refused:
        if refused.http_status == 404:
            raise Http404 from refused
        if wants_document(request):
            raise
        if isinstance(refused, SignInAgain):
            return sign_in_again(request, found)
        return again(request, pk, refused.http_status, refused.message)
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


def again(request: PersonRequest, pk: uuid.UUID, status: int, problem: str) -> HttpResponse:
    """The card as it stands now, under a sentence that says why nothing was decided."""
    shown = card(get_action_for_reading(request.membership, pk))
    return render(
        request,
        "approvals/desk.html",
        _desk(request, None, shown, view="card", problem=problem),
        status=status,
    )
