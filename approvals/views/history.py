"""Every version of the policy: who, when, why, what differs; and the way back to an older one, as the next version."""

import uuid
from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from accounts.pages import PersonRequest, only, page
from approvals.exceptions import PolicyInvalid, PolicyMoved
from approvals.facts import document_of
from approvals.models import PolicyVersion
from approvals.policy import Policy, PolicyRefused
from approvals.reading.policies import Difference, differences
from approvals.views.policy import ADMINISTRATOR, READERS
from approvals.views.policy_saving import SENT, follows, in_force, meanwhile, save

A_PAGE: Final = 20


@dataclass(frozen=True)
class Past:
    """A version beside the one before it."""

    version: PolicyVersion
    differences: list[Difference]
    unreadable: bool = False


def _versions(request: PersonRequest) -> QuerySet[PolicyVersion]:
    ours = PolicyVersion.objects.filter(organization=request.organization)
    return ours.select_related("made_by", "proposal__closed_by")


def _read(version: PolicyVersion | None) -> Policy | None:
    try:
        return document_of(version) if version else Policy()
    except PolicyRefused:
        return None


def _beside(version: PolicyVersion, before: PolicyVersion | None) -> Past:
    new, old = _read(version), _read(before)
    if new is None or old is None:
        return Past(version, [], unreadable=True)
    return Past(version, differences(old, new))


@require_GET
@page(*READERS)
def history(request: PersonRequest) -> HttpResponse:
    """The newest versions first, each with what it changed."""
    before = only(request.GET, "before")["before"]
    rows = _versions(request).order_by("-number")
    if before.isascii() and before.isdigit():
        rows = rows.filter(number__lt=int(before[:9]))
    found = list(rows[: A_PAGE + 1])
    shown = found[:A_PAGE]
    older: list[PolicyVersion | None] = [*found[1:], None][: len(shown)]
    context = {
        "past": [_beside(version, before) for version, before in zip(shown, older, strict=True)],
        "current": in_force(request)[0].number,
        "next": shown[-1].number if len(found) > A_PAGE else 0,
        "may_change": request.membership.has(ADMINISTRATOR),
    }
    return render(request, "policy/history.html", context)


def _version(request: PersonRequest, pk: uuid.UUID) -> PolicyVersion:
    found = _versions(request).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


@require_GET
@page(*READERS)
def version(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """One version: what it changed, and what going back to it would change now."""
    only(request.GET)
    return _shown(request, _version(request, pk))


def _shown(request: PersonRequest, found: PolicyVersion, *, status: int = 200, **told: object) -> HttpResponse:
    current, document = in_force(request)
    read = _read(found)
    before = _versions(request).filter(number=found.number - 1).first()
    context = {
        "past": _beside(found, before),
        "current": current,
        "back": differences(document, read) if read is not None else [],
        "unreadable": read is None,
        "may_change": request.membership.has(ADMINISTRATOR),
        **told,
    }
    return render(request, "policy/version.html", context, status=status)


@require_POST
@page(ADMINISTRATOR)
def go_back(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """Put an older version in force again: as the next one, with a reason, so that nothing is forgotten."""
    found = _version(request, pk)
    form = only(request.POST, *SENT)
    document = _read(found)
    if document is None:
        return _shown(request, found, problem="This version cannot be read any more.", status=422)
    try:
        return save(request, document.to_json(), form)
    except PolicyInvalid as refused:
        return _shown(request, found, problem=refused.message, why=form["why"], status=422)
    except PolicyMoved as moved:
        told = meanwhile(request, follows(form))
        return _shown(request, found, problem=moved.message, moved=told, why=form["why"], status=409)
