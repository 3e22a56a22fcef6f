"""The answer to a person who has to sign in again before they decide: the way there, and back to the same action."""

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from accounts.pages import PersonRequest
from approvals.exceptions import SignInAgain
from approvals.models import Action
from approvals.reading.looking import FIELD


def sign_in_again(request: PersonRequest, action: Action, *, back: str = "action", shown: str = "") -> HttpResponse:
    """The form that asks for the password, as the 401 that it is, or the way to it for a fragment. Nothing was decided.

    It leads back to the action, where the person decides anew: a password is no decision. ``shown`` is the page's word
    for when it was shown, which goes along: whoever had read it has read it.
    """
    there = reverse(back, args=[action.pk]) + (f"?{urlencode({FIELD: shown})}" if shown and back == "action" else "")
    if request.htmx:
        return HttpResponseClientRedirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': there})}")
    told = {"deciding": action.summary, "redirect_field_name": "next", "redirect_field_value": there}
    return render(request, "account/reauthenticate.html", told, status=SignInAgain.http_status)
