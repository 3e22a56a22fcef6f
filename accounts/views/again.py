"""The answer to a person who has to give their password again before something of weight; nothing was changed."""

from django.http import HttpResponse
from django.shortcuts import render

from accounts.exceptions import PasswordAgain
from accounts.pages import PersonRequest


def ask_again(request: PersonRequest, doing: str, back: str) -> HttpResponse:
    """The form that asks for the password, as the 401 that it is. It leads back to the page at ``back``."""
    told = {"doing": doing, "redirect_field_name": "next", "redirect_field_value": back}
    return render(request, "account/reauthenticate.html", told, status=PasswordAgain.http_status)
