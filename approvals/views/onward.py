"""The answer to a decision that was sent with the place to go on at: what was just decided, and what comes next.

Next is the card that stands behind it in the reader's list. Where the list has none any more, it is the lane as it is
now, with what else waits: who decided the last of a lane is told so and stays where they were.
"""

import uuid
from dataclasses import dataclass
from typing import Final

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import push_url, reswap, retarget

from accounts.pages import PersonRequest
from accounts.roles import Role
from approvals.access import get_action_for_reading
from approvals.models import Action
from approvals.reading.card import card
from approvals.reading.counted import CAP
from approvals.reading.lanes import LANES, OWN, Viewer
from approvals.views.action import desk
from approvals.views.filters import View
from approvals.views.queue import queue_of

TOLD: Final = {"approve": "Approved", "reject": "Rejected", "hold": "Set aside", "veto": "Objected"}
"""What a decision is called once it was made; any other is recorded."""


@dataclass(frozen=True)
class Waiting:
    """Another lane in which something waits, and how much."""

    title: str
    query: str
    count: str


def onward(request: PersonRequest, decided: Action, decision: str, following: str, view: View) -> HttpResponse:
    """The card that stands next in the reader's list, with a line about what was decided. One answer instead of three.

    ``following`` is the page's word for what is next, ``view`` the list that it comes from. What the reader may not
    see, or what is nothing, leads to that list as it is now: one that is out of date is no reason to refuse a decision
    that was made.
    """
    told = {"decided": decided, "told": TOLD.get(decision, "Recorded")}
    try:
        shown = card(get_action_for_reading(request.membership, uuid.UUID(following)))
    except (ValueError, Http404):
        return _at_its_end(request, view, told)
    context = {**told, **desk(request, None, shown)}
    return push_url(render(request, "approvals/onward.html", context), reverse("action", args=[shown.action.pk]))


def _at_its_end(request: PersonRequest, view: View, told: dict[str, object]) -> HttpResponse:
    """The list as it is now in place of the whole desk; where it is empty, what was decided and where more waits."""
    if not request.membership.has(Role.REVIEWER) and not LANES[view.lane].administered:
        view = View("waiting", view.filters)
    queue = queue_of(request, wanted=view)
    first = card(queue.rows[0].action) if queue.rows else None
    context = {**desk(request, queue, first, view="list"), **told}
    if first is None:
        context["elsewhere"] = _elsewhere(request, view)
    answer = retarget(reswap(render(request, "approvals/desk.html", context), "outerHTML"), ".panes")
    query = view.query()
    return push_url(answer, f"{reverse('inbox')}?{query}" if query else reverse("inbox"))


def _elsewhere(request: PersonRequest, view: View) -> Waiting | None:
    """The first of the reader's other lanes that holds something; the same lane without its filters comes before."""
    held = Viewer.asking(request, request.membership).held
    names = [name for name in OWN if name != view.lane or view.filters.chosen]
    for name in sorted(names, key=lambda name: name != view.lane):
        if held.get(name):
            query = f"lane={name}" if name != "waiting" else ""
            return Waiting(LANES[name].title, query, f"{CAP}+" if held[name] > CAP else str(held[name]))
    return None
