"""The answer to a decision that was sent with the place to go on at: the next card, and what was just decided."""

import uuid
from typing import Final

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect, push_url

from accounts.pages import PersonRequest
from approvals.access import get_action_for_reading
from approvals.models import Action
from approvals.reading.card import card
from approvals.views.action import desk

TOLD: Final = {"approve": "Approved", "reject": "Rejected", "hold": "Set aside", "veto": "Stopped in time"}
"""What a decision is called once it was made; any other is recorded."""


def onward(request: PersonRequest, decided: Action, decision: str, following: str) -> HttpResponse:
    """The card that stands next in the reader's list, with a line about what was decided. One answer instead of three.

    ``following`` is the page's word for what is next. What the reader may not see, or what is nothing, leads to the
    inbox: a list that is out of date is no reason to refuse a decision that was made.
    """
    try:
        shown = card(get_action_for_reading(request.membership, uuid.UUID(following)))
    except (ValueError, Http404):
        return HttpResponseClientRedirect(reverse("inbox"))
    told = {"decided": decided, "told": TOLD.get(decision, "Recorded"), **desk(request, None, shown)}
    return push_url(render(request, "approvals/onward.html", told), reverse("action", args=[shown.action.pk]))
