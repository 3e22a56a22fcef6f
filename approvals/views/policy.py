"""The policy in force: its entries in order with how often each was met, its bounds, and the whole of it as JSON."""

import json
import uuid
from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.exceptions import PasswordAgain
from accounts.pages import PersonRequest, only, page
from accounts.roles import Role
from accounts.sessions import freshly, is_fresh
from accounts.views.again import ask_again
from approvals.exceptions import PolicyInvalid, PolicyMoved, SecondAdministratorNeeded
from approvals.policy import PolicyRefused, read_policy
from approvals.reading import entries, policies
from approvals.reading.second_look import waiting
from approvals.services import second_look
from approvals.services.policy import unmet
from approvals.views.policy_saving import SENT, follows, in_force, meanwhile, save
from traces.canonical import BadJSON, parse

READERS: Final = (Role.ADMINISTRATOR, Role.AUDITOR, Role.REVIEWER)
ADMINISTRATOR: Final = Role.ADMINISTRATOR
DENIED: Final = 422


@require_GET
@page(*READERS)
def policy(request: PersonRequest) -> HttpResponse:
    """Every entry in the order in which findings are read, and the bounds."""
    only(request.GET)
    return _policy(request)


def _policy(request: PersonRequest, *, problem: str = "", status: int = 200, **told: Any) -> HttpResponse:
    version, document = in_force(request)
    lines = policies.lines(document, policies.hits(request.organization.pk))
    context = {
        "version": version,
        "lists": [
            ("rules", "Rules", "Looked at in this order; every one that holds adds what it asks.", lines["rules"]),
            ("limits", "Limits", "Counted exactly, also when many calls come at once.", lines["limits"]),
            ("exceptions", "Exceptions", "They narrow a tool’s dial for some calls. None widens it.",
             lines["exceptions"]),
        ],
        "exposure": document.exposure,
        "bounds": [
            (label, policies.plainly(getattr(document, name)), hint)
            for name, (label, hint) in policies.BOUNDS.items()
        ],
        "unmet": list(unmet(request.organization.pk, document)),
        "waits": waiting(request.organization.pk, version, document),
        "days": policies.DAYS,
        "may_change": request.membership.has(ADMINISTRATOR),
        "fresh": is_fresh(request),
        "problem": problem,
        **told,
    }  # fmt: skip
    return render(request, "policy/policy.html", context, status=status)


@require_POST
@page(ADMINISTRATOR)
def answer(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """Agree, as a second administrator, to a change that waits, or withdraw it. Who agrees shows anew who they are."""
    form = only(request.POST, "what", "reason")
    asked: dict[str, Any] = {"organization": request.organization.pk, "by": request.user, "reason": form["reason"]}
    if form["what"] not in {"accept", "withdraw"}:
        raise BadRequest("Say whether to agree or to withdraw it.")
    try:
        if form["what"] == "accept":
            freshly(request)
        (second_look.accept if form["what"] == "accept" else second_look.withdraw)(pk, **asked)
    except PasswordAgain:
        return ask_again(request, "agreeing to a looser policy", f"{reverse('policy')}#waits")
    except (PolicyInvalid, PolicyMoved, SecondAdministratorNeeded) as refused:
        return _policy(request, problem=refused.message, status=refused.http_status, said=form["reason"])
    return redirect("policy")


@require_POST
@page(ADMINISTRATOR)
def remove(request: PersonRequest, entry: str) -> HttpResponse:
    """Take one entry out: the next version is without it."""
    form = only(request.POST, *SENT)
    settings = in_force(request)[1].to_json()
    kept: dict[str, Any] = {
        **settings,
        **{kind: [one for one in _list(settings, kind) if one["id"] != entry] for kind in policies.KINDS},
    }
    if kept == settings:
        raise Http404
    try:
        return save(request, kept, form)
    except PolicyInvalid as refused:
        return _policy(request, problem=refused.message, status=DENIED)
    except PolicyMoved as moved:
        return _policy(request, problem=moved.message, status=409, moved=meanwhile(request, follows(form)))


def _list(settings: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = settings[kind]
    return found


@require_http_methods(["GET", "POST"])
@page(ADMINISTRATOR)
def bounds(request: PersonRequest) -> HttpResponse:
    """The bounds and what a day may move, in one form."""
    version, document = in_force(request)
    settings: dict[str, Any] = document.to_json()
    fields = entries.bounds_of(settings)
    if request.method == "GET":
        only(request.GET)
        return render(request, "policy/bounds.html", {"version": version, "fields": fields})
    form = only(request.POST, *SENT, *(field.key for field in fields))
    try:
        return save(request, {**settings, **entries.bounds_said(form)}, form)
    except (PolicyInvalid, PolicyMoved) as refused:
        problems = refused.problems if isinstance(refused, PolicyInvalid) else ()
        marked = [entries.marked(field, form[field.key], problems) for field in fields]
        context = {
            "version": version,
            "fields": marked,
            "why": form["why"],
            "why_error": "; ".join(said for path, said in problems if path == "reason"),
            "problem": "Nothing was changed yet: look at what is marked." if problems else refused.message,
            "moved": meanwhile(request, follows(form)) if not problems else (),
        }
        return render(request, "policy/bounds.html", context, status=refused.http_status)


@require_http_methods(["GET", "POST"])
@page(ADMINISTRATOR)
def expert(request: PersonRequest) -> HttpResponse:
    """The whole document as JSON, to be read, pasted, checked and put in force through the same door."""
    version, document = in_force(request)
    shown = json.dumps(document.to_json(), indent=2, ensure_ascii=False)
    if request.method == "GET":
        only(request.GET)
        return _expert(request, version.number, shown)
    form = only(request.POST, *SENT, "document")
    text = form["document"].replace("\r\n", "\n")
    told: dict[str, Any] = {"why": form["why"]}
    try:
        settings: Any = parse(text)
        if form["then"] != "check":
            return save(request, settings, form)
        read = read_policy(settings)
        told |= {"checked": policies.differences(document, read), "unmet": list(unmet(request.organization.pk, read))}
        return _expert(request, version.number, text, fits=True, **told)
    except BadJSON as wrong:
        return _expert(request, version.number, text, problems=[("", wrong.message)], status=DENIED, **told)
    except (PolicyInvalid, PolicyRefused) as wrong:
        return _expert(request, version.number, text, problems=wrong.problems, status=DENIED, **told)
    except PolicyMoved as wrong:
        told["moved"] = meanwhile(request, follows(form))
        return _expert(request, version.number, text, problem=wrong.message, status=409, **told)


def _expert(request: PersonRequest, number: int, text: str, *, status: int = 200, **told: Any) -> HttpResponse:
    return render(request, "policy/json.html", {"number": number, "document": text, **told}, status=status)


def into(settings: Mapping[str, Any], kind: str, entry: Mapping[str, Any], *, old: str, place: int) -> dict[str, Any]:
    """The document with this entry at this place of its list, instead of the one of the old id."""
    rest = [one for one in _list(settings, kind) if one["id"] != old]
    rest.insert(min(max(place, 1), len(rest) + 1) - 1, dict(entry))
    return {**settings, kind: rest}
