"""The edit form of an action: its arguments, field by field. What comes of it is another revision, judged anew."""

import uuid
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.pages import PersonRequest, only, page
from accounts.roles import Role
from accounts.sessions import signed_in_at
from approvals.access import get_action_for_reading, may_decide
from approvals.exceptions import DigestMoved, SignInAgain
from approvals.models import Action, Revision
from approvals.reading import editing
from approvals.services.deciding import freshly_signed_in
from approvals.services.edit import edit as rewrite
from approvals.views.decide import again
from approvals.views.queue import queue_of
from approvals.views.signing_in import sign_in_again
from tools.arguments import ArgumentsRefused
from tools.schemas import Problem
from traces.exceptions import DomainError
from traces.middleware import wants_document


@require_http_methods(["GET", "POST"])
@page()
def edit(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """The form, and what is sent with it. On high risk it opens only to somebody who signed in a moment ago, so that
    nobody has to sign in with a page full of changes; if that time passes meanwhile, what was written stays."""
    action = get_action_for_reading(request.membership, pk)
    if request.method == "POST":
        return _sent(request, action)
    only(request.GET)
    if action.status != "in_review" or not may_decide(request.membership, action):
        return redirect("action", pk=pk)
    try:
        freshly_signed_in(action, signed_in_at(request))
    except SignInAgain:
        return sign_in_again(request, action, back="action_edit")
    current = _current(action)
    return _form(request, action, editing.fields_of(current), digest=current.digest)


def _current(action: Action) -> Revision:
    return action.revisions.select_related("tool_version", "author").get(number=action.revision)


def _sent(request: PersonRequest, action: Action) -> HttpResponse:
    began = action.revisions.select_related("tool_version").filter(digest=request.POST.get("digest", "")).first()
    if began is None:
        raise BadRequest("Say what you are editing.")
    empty = editing.fields_of(began)
    form = only(request.POST, "digest", "reason", *(field.key for field in empty))
    fields = editing.written(empty, form)
    reason = form["reason"].strip()
    arguments, unread = editing.read(fields)
    if unread:
        return _form(request, action, fields, digest=began.digest, problems=unread, reason=reason, status=422)
    try:
        rewrite(
            actor=request.user,
            organization=request.organization.pk,
            action_id=action.pk,
            digest=form["digest"],
            arguments=arguments,
            reason=reason,
            signed_in_at=signed_in_at(request),
        )
    except ArgumentsRefused as refused:
        if wants_document(request):
            raise
        problems = list(refused.problems)
        return _form(request, action, fields, digest=began.digest, problems=problems, reason=reason, status=422)
    except DomainError as refused:
        return _refused(request, action, fields, refused, reason, began)
    return redirect("action", pk=action.pk)


def _refused(  # noqa: PLR0917
    request: PersonRequest,
    action: Action,
    fields: list[editing.Field],
    refused: DomainError,
    reason: str,
    began: Revision,
) -> HttpResponse:
    """Why nothing was changed: on the form with everything that was written, as long as there is something to edit."""
    if refused.http_status == 404:
        raise Http404 from refused
    if wants_document(request):
        raise refused
    action.refresh_from_db()
    told: dict[str, Any] = {"reason": reason, "status": refused.http_status}
    if isinstance(refused, DigestMoved) and action.status == "in_review":
        current = _current(action)
        newer = editing.moved_since(editing.fields_of(current), fields)
        return _form(request, action, newer, digest=current.digest, problem=_who_moved(current), **told)
    if action.status == "in_review" and refused.http_status != 403:
        asked = isinstance(refused, SignInAgain)
        return _form(request, action, fields, digest=began.digest, problem=refused.message, sign_in_again=asked, **told)
    return again(request, action.pk, refused.http_status, refused.message)


def _who_moved(current: Revision) -> str:
    who = f"{current.author.username} changed it" if current.author else "It was judged anew"
    return f"{who} while you wrote. What you wrote is kept below; what differs is marked."


def _form(
    request: PersonRequest,
    action: Action,
    fields: list[editing.Field],
    *,
    digest: str,
    problems: list[Problem] | None = None,
    problem: str = "",
    reason: str = "",
    status: int = 200,
    **extra: Any,
) -> HttpResponse:
    marked, unplaced = editing.told(fields, problems or [])
    if problems and not problem:
        problem = "Nothing was changed yet: look at what is marked."
    queue = queue_of(request) if request.membership.has(Role.REVIEWER) and not request.htmx else None
    return render(
        request,
        "approvals/edit.html" if request.htmx else "approvals/desk.html",
        {
            "action": action,
            "fields": marked,
            "digest": digest,
            "unplaced": unplaced,
            "problem": problem,
            "reason": reason,
            "editing": True,
            "view": "card",
            "queue": queue,
            **extra,
        },
        status=status,
    )
