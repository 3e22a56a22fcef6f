"""Bounded grants: every one with how far it is used, the form that makes one from a call, and taking one back."""

import uuid
from dataclasses import dataclass, replace
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.pages import PersonRequest, only, page
from accounts.sessions import signed_in_at
from approvals import binding
from approvals.access import get_action_for_reading, may_decide
from approvals.exceptions import DigestMoved, GrantNotFound, GrantRefused, NotPermitted, SignInAgain
from approvals.models import Action, Revision
from approvals.policy import Facts
from approvals.policy.grants import DAYS, MOST_DAYS, MOST_USES, Bounds, Granted
from approvals.policy.values import number, shown
from approvals.reading import grants as reading
from approvals.services.bounds import Asked, names_of
from approvals.services.deciding import freshly_signed_in
from approvals.services.grant import Wanted, drafted, make_grant, revoke_grant
from approvals.views.decide import again
from approvals.views.policy import ADMINISTRATOR, READERS
from approvals.views.signing_in import sign_in_again
from tools.contract import Contract
from tools.queries import holds
from traces.exceptions import DomainError
from traces.middleware import wants_document

WHOLE: Final = ("uses", "days")
FIELDS: Final = ("digest", "then", "seen", "uses", "total", "days", "team", "reason")
CHOICES: Final = {
    Bounds.EQUALS: "exactly this",
    Bounds.AT_MOST: "at most",
    Bounds.ONE_OF: "one of these",
    Bounds.ANYTHING: "anything",
    Bounds.ABSENT: "left out",
}


@dataclass
class Field:
    """One argument of the example, and how the form bounds it."""

    key: str
    name: str
    label: str
    example: str
    secret: bool
    choices: list[tuple[str, str]]
    chosen: str
    value: str
    on_purpose: bool
    error: str = ""


@require_GET
@page(*READERS)
def grants(request: PersonRequest) -> HttpResponse:
    """Every grant of the organization, those that still let calls go first."""
    only(request.GET)
    return _list(request)


def _list(request: PersonRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    context = {
        "lines": reading.lines(request.organization.pk, request.user),
        "may_change": request.membership.has(ADMINISTRATOR),
        "problem": problem,
    }
    return render(request, "policy/grants.html", context, status=status)


@require_POST
@page(*READERS)
def revoke(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """End a grant, with a reason. What it let go and nobody claimed goes back to people."""
    reason = only(request.POST, "reason")["reason"]
    try:
        revoke_grant(actor=request.user, organization=request.organization.pk, grant_id=pk, reason=reason)
    except GrantNotFound as missing:
        raise Http404 from missing
    except DomainError as refused:
        return _list(request, problem=refused.message, status=refused.http_status)
    return redirect("grants")


@require_http_methods(["GET", "POST"])
@page()
def allow(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """The form, with what the grant would have let go of the last calls; and, once that was seen, the yes to both.

    On high risk it opens only to somebody who signed in a moment ago, so that nobody loses what they wrote.
    """
    action = get_action_for_reading(request.membership, pk)
    if request.method == "POST":
        return _sent(request, action)
    only(request.GET)
    may = action.status == "in_review" and may_decide(request.membership, action) and action.tool_id is not None
    if not may or action.tool_id is None or not holds(request.user.pk, action.tool_id, "configure_tool"):
        return redirect("action", pk=pk)
    try:
        freshly_signed_in(action, signed_in_at(request))
    except SignInAgain:
        return sign_in_again(request, action, back="action_allow")
    revision, contract = _shown(action)
    first = {"uses": "10", "days": str(DAYS), "total": _ten_times(revision)}
    return _form(request, action, contract, _fields(revision, contract), first, digest=revision.digest)


def _shown(action: Action) -> tuple[Revision, Contract]:
    """What stands now. Raises Http404 where there is no tool any more."""
    revision = action.revisions.select_related("tool_version").get(number=action.revision)
    if revision.tool_version is None:
        raise Http404
    return revision, Contract.from_json(revision.tool_version.contract)


def _ten_times(revision: Revision) -> str:
    tool = Facts.from_json(binding.parsed(revision.facts)).tool
    amount = number(tool.amount) if tool is not None and tool.amount is not None else None
    return "" if amount is None else f"{amount * 10:f}"


def _fields(revision: Revision, contract: Contract) -> list[Field]:
    """Every argument as the example has it: the amount at most so much, everything else exactly so."""
    arguments = binding.parsed(revision.arguments)
    labels = reading.labels(contract)
    secret = {name.split(".")[0] for name in contract.secret_fields}
    found = []
    for place, name in enumerate(names_of(contract.arguments_schema, arguments), start=1):
        value = arguments.get(name)
        kinds = [Bounds.EQUALS] if name in arguments else [Bounds.ABSENT]
        if name not in secret:
            kinds += [Bounds.AT_MOST] if number(value) is not None else []
            kinds += [Bounds.ONE_OF] if value is not None and not isinstance(value, (dict, list)) else []
            kinds += [Bounds.ANYTHING]
        amount = name == contract.amount_field and Bounds.AT_MOST in kinds
        found.append(
            Field(
                key=str(place),
                name=name,
                label=labels.get(name, name),
                example=shown(value, limit=2_000) if name in arguments else "",
                secret=name in secret,
                choices=[(kind.value, CHOICES[kind]) for kind in kinds],
                chosen=(Bounds.AT_MOST if amount else kinds[0]).value,
                value=shown(value) if amount else "",
                on_purpose=False,
            )
        )
    return found


def _sent(request: PersonRequest, action: Action) -> HttpResponse:
    revision, contract = _shown(action)
    fields = _fields(revision, contract)
    form = only(request.POST, *FIELDS, *(f"{letter}{field.key}" for field in fields for letter in "kva"))
    for field in fields:
        field.chosen = form[f"k{field.key}"] or field.chosen
        field.value, field.on_purpose = form[f"v{field.key}"], bool(form[f"a{field.key}"])
    if form["then"] not in {"", "check", "send"} or any(len(form[name]) > 9 for name in WHOLE):
        raise BadRequest("Say what you want, and nothing else.")
    wanted = _wanted(form, fields)
    try:
        if form["then"] == "check" or form["seen"] != _seal(wanted, form["digest"]):
            return _checked(request, action, contract, fields, form)
        made = make_grant(
            actor=request.user,
            organization=request.organization.pk,
            action_id=action.pk,
            digest=form["digest"],
            wanted=wanted,
            signed_in_at=signed_in_at(request),
        )
    except GrantRefused as refused:
        errors: Any = refused.extra.get("errors", {})
        for field in fields:
            field.error = errors.get(field.name, "")
        told = {"problem": refused.message, "errors": errors, "status": refused.http_status}
        return _form(request, action, contract, fields, form, digest=form["digest"], **told)
    except SignInAgain:
        return sign_in_again(request, action, back="action_allow")
    except DomainError as refused:
        if wants_document(request):
            raise
        return again(request, action.pk, refused.http_status, refused.message, read=form["digest"])
    if made is not None and request.membership.has(*READERS):
        return redirect("grants")
    return redirect("action", pk=action.pk)


def _checked(
    request: PersonRequest, action: Action, contract: Contract, fields: list[Field], form: dict[str, str]
) -> HttpResponse:  # fmt: skip
    """What it would have let go, and the button that sends it: nobody sends what they have not looked at.

    Raises NotPermitted, DigestMoved, GrantRefused.
    """
    if not may_decide(request.membership, action) or not _configures(request, action):
        raise NotPermitted("Only who may review and configure a tool allows its calls beforehand.")
    if form["digest"] != action.digest:
        raise DigestMoved(state=action.status, digest=action.digest)
    wanted = _wanted(form, fields)
    granted = drafted(action, replace(wanted, reason=wanted.reason or "Written when it is sent."), request.user)
    seen = _seal(wanted, form["digest"])
    past = reading.alike(action, granted)
    return _form(request, action, contract, fields, form, digest=form["digest"], seen=seen, past=past, grant=granted)


def _configures(request: PersonRequest, action: Action) -> bool:
    return action.tool_id is not None and holds(request.user.pk, action.tool_id, "configure_tool")


def _wanted(form: dict[str, str], fields: list[Field]) -> Wanted:
    bounds = {field.name: Asked(field.chosen, field.value, on_purpose=field.on_purpose) for field in fields}
    uses, days = (int(form[name]) if form[name].isascii() and form[name].isdigit() else 0 for name in WHOLE)
    return Wanted(
        bounds=bounds, uses=uses, total=form["total"], days=days, team=form["team"], reason=form["reason"].strip()
    )


def _seal(wanted: Wanted, digest: str) -> str:
    """What stands for the form as it was looked at; the reason may still be written afterwards."""
    said = {name: [one.bounds, one.value, one.on_purpose] for name, one in sorted(wanted.bounds.items())}
    return binding.arguments_digest(
        {"bounds": said, "uses": wanted.uses, "total": wanted.total, "days": wanted.days, "team": wanted.team,
         "digest": digest}
    )  # fmt: skip


def _form(
    request: PersonRequest, action: Action, contract: Contract, fields: list[Field], form: dict[str, str], *,
    digest: str, status: int = 200, **told: Any,
) -> HttpResponse:  # fmt: skip
    grant: Granted | None = told.get("grant")
    facts = Facts.from_json(binding.parsed(action.revisions.get(number=action.revision).facts))
    context = {
        "action": action,
        "contract": contract,
        "fields": fields,
        "form": form,
        "digest": digest,
        "teams": facts.initiator.teams or (),
        "currency": facts.tool.currency if facts.tool and facts.tool.amount is not None else "",
        "most_uses": MOST_USES,
        "most_days": MOST_DAYS,
        "matched": sum(one.matched for one in told.get("past", ())),
        "looked": sum(one.calls for one in told.get("past", ())),
        "said": reading.said(contract, [bound.to_json() for bound in grant.bounds]) if grant else (),
        **told,
    }
    return render(request, "policy/allow.html", context, status=status)
