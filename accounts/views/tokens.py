"""Bearer tokens of the organization: who and what each stands for, and the forms that make and end one.

A token's text is shown in the answer to the form that made it and nowhere else, and no cache may keep that answer.
"""

import uuid
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db.models import F, Q
from django.db.models.functions import Now
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.exceptions import PasswordAgain
from accounts.models import Agent, ApiToken
from accounts.pages import PersonRequest, id_of, only, page
from accounts.roles import Role
from accounts.sessions import freshly, is_fresh
from accounts.tokens import MOST_DAYS, TokenNotMade, end, make
from accounts.views.again import ask_again
from traces.exceptions import DomainError

A_PAGE: Final = 25
MOST_AGENTS: Final = 500
USUAL_DAYS: Final = 90
SCOPES: Final = {
    "agent": ("An agent’s", "Proposes calls as an agent and waits for them. It decides on none."),
    "operate": ("Goals", "Submits goals and reads what becomes of them, in your name."),
    "audit": ("Audit", "Reads the record, for whoever is an auditor."),
}
"""Scope to its word and what it reaches."""
FIELDS: Final = ("name", "scope", "agent", "days")


@require_http_methods(["GET", "POST"])
@page(Role.ADMINISTRATOR, Role.AUDITOR)
def tokens(request: PersonRequest) -> HttpResponse:
    """The organization's tokens, newest first; a POST makes one and shows its text, this once."""
    if request.method == "GET":
        return _shown(request, only(request.GET, "after", "all"))
    form = only(request.POST, *FIELDS)
    if not request.membership.has(Role.ADMINISTRATOR):
        raise PermissionDenied
    try:
        freshly(request)
        token, text = make(
            by=request.user,
            organization=request.organization,
            scope=form["scope"],
            agent=_agent(request, form["agent"]) if form["scope"] == ApiToken.Scope.AGENT else None,
            days=int(form["days"][:9]) if form["days"].isascii() and form["days"].isdecimal() else 0,
            name=form["name"],
        )
    except PasswordAgain:
        return ask_again(request, "making a token", reverse("tokens"))
    except DomainError as refused:
        return _shown(request, {"after": "", "all": ""}, problem=refused, form=form)
    return _shown(request, {"after": "", "all": ""}, made=token, text=text)


@require_POST
@page(Role.ADMINISTRATOR)
def revoke(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """End a token, from now on."""
    only(request.POST)
    found = ApiToken.objects.filter(organization=request.organization, pk=pk).select_related("organization").first()
    if found is None:
        raise Http404
    end(found, by=request.user)
    return redirect("tokens")


def _shown(
    request: PersonRequest, asked: dict[str, str], *, problem: DomainError | None = None, **told: Any
) -> HttpResponse:
    every = ApiToken.objects.filter(organization=request.organization)
    stands = Q(revoked_at=None, expires_at__gt=Now())
    listed = every if asked["all"] else every.filter(stands)
    rows = listed.filter(pk__lt=id_of(asked["after"])) if asked["after"] else listed
    found = list(
        rows.annotate(stands=stands, orphaned=Q(agent__isnull=False) & ~Q(agent__owner=F("user")))
        .select_related("user", "agent", "made_by")
        .order_by("-id")[: A_PAGE + 1]
    )
    agents = Agent.objects.filter(organization=request.organization, enabled=True, builtin=False)
    scopes = [
        (word, name, says)
        for word, (name, says) in SCOPES.items()
        if word != ApiToken.Scope.AUDIT or request.membership.has(Role.AUDITOR)
    ]
    context = {
        "tokens": found[:A_PAGE],
        "count": listed.count(),
        "ended": every.exclude(stands).count(),
        "asked": asked,
        "next": found[A_PAGE - 1].pk if len(found) > A_PAGE else "",
        "may_change": request.membership.has(Role.ADMINISTRATOR),
        "fresh": is_fresh(request),
        "agents": agents.select_related("owner").order_by("name")[:MOST_AGENTS],
        "scopes": scopes,
        "words": {word: name for word, (name, _) in SCOPES.items()},
        "usual": USUAL_DAYS,
        "most": MOST_DAYS,
        "problem": problem,
        **told,
    }
    return render(request, "settings/tokens.html", context, status=problem.http_status if problem else 200)


def _agent(request: PersonRequest, value: str) -> Agent:
    if not value:
        raise TokenNotMade("Say which agent it is for.", errors={"agent": "Choose the agent that will use it."})
    found = Agent.objects.filter(organization=request.organization, pk=id_of(value)).select_related("owner").first()
    if found is None:
        raise Http404
    return found
