"""The edit form of an action: its arguments, field by field, or those of a tool that the agent left aside.

What comes of it is another revision, judged anew. What it would be judged can be looked at before it is sent.
"""

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
from approvals.exceptions import DigestMoved, NotACandidate, SignInAgain
from approvals.models import Action, Revision
from approvals.reading import editing
from approvals.reading.rewritten import would
from approvals.services.deciding import freshly_signed_in
from approvals.services.edit import candidate, tried
from approvals.services.edit import edit as rewrite
from approvals.views.decide import again
from approvals.views.queue import queue_of
from approvals.views.signing_in import sign_in_again
from tools.arguments import ArgumentsRefused
from tools.models import Tool
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
    name = only(request.GET, "tool")["tool"]
    if action.status != "in_review" or not may_decide(request.membership, action):
        return redirect("action", pk=pk)
    current = _current(action)
    other = _other(request, current, name)
    try:
        freshly_signed_in(action, signed_in_at(request))
    except SignInAgain:
        return sign_in_again(request, action, back="action_edit")
    return _form(request, action, _fields(current, other), digest=current.digest, other=other)


def _current(action: Action) -> Revision:
    return action.revisions.select_related("tool_version", "author").get(number=action.revision)


def _other(request: PersonRequest, current: Revision, name: str) -> Tool | None:
    """The tool that was chosen instead, if one was. Raises Http404 where it cannot be."""
    if not name:
        return None
    try:
        return candidate(request.user, current, request.organization.pk, name)
    except NotACandidate as refused:
        raise Http404 from refused


def _fields(revision: Revision, other: Tool | None) -> list[editing.Field]:
    return editing.fields_of(revision, other.version if other else None)


def _sent(request: PersonRequest, action: Action) -> HttpResponse:
    began = action.revisions.select_related("tool_version").filter(digest=request.POST.get("digest", "")).first()
    if began is None:
        raise BadRequest("Say what you are editing.")
    other = _other(request, began, request.POST.get("tool", ""))
    empty = _fields(began, other)
    form = only(request.POST, "digest", "reason", "tool", "try", *(field.key for field in empty))
    fields = editing.written(empty, form)
    reason = form["reason"].strip()
    told: dict[str, Any] = {"digest": began.digest, "reason": reason, "other": other}
    arguments, unread = editing.read(fields)
    trying = bool(form["try"])
    if unread:
        return _form(request, action, fields, problems=unread, status=200 if trying else 422, trying=trying, **told)
    asked: dict[str, Any] = {"digest": form["digest"], "arguments": arguments, "tool": form["tool"]}
    try:
        if trying:
            return _tried(request, action, fields, began, asked, told)
        rewrite(
            actor=request.user,
            organization=request.organization.pk,
            action_id=action.pk,
            reason=reason,
            signed_in_at=signed_in_at(request),
            **asked,
        )
    except ArgumentsRefused as refused:
        if wants_document(request):
            raise
        problems = list(refused.problems)
        return _form(request, action, fields, problems=problems, status=200 if trying else 422, trying=trying, **told)
    except DomainError as refused:
        return _refused(request, action, fields, refused, told, trying=trying)
    return redirect("action", pk=action.pk)


def _tried(  # noqa: PLR0917
    request: PersonRequest,
    action: Action,
    fields: list[editing.Field],
    began: Revision,
    asked: dict[str, Any],
    told: dict[str, Any],
) -> HttpResponse:
    """What would come of it, without anything being kept. Only for whom the form is."""
    if not may_decide(request.membership, action):
        raise Http404
    judged = tried(request.user, action, **asked)
    return _form(request, action, fields, would=would(began, judged), trying=True, **told)


def _refused(
    request: PersonRequest,
    action: Action,
    fields: list[editing.Field],
    refused: DomainError,
    told: dict[str, Any],
    *,
    trying: bool,
) -> HttpResponse:
    """Why nothing was changed: on the form with everything that was written, as long as there is something to edit."""
    if refused.http_status == 404:
        raise Http404 from refused
    if wants_document(request):
        raise refused
    action.refresh_from_db()
    told = {**told, "status": 200 if trying else refused.http_status, "trying": trying}
    if isinstance(refused, DigestMoved) and action.status == "in_review":
        current = _current(action)
        newer = editing.moved_since(_fields(current, told["other"]), fields)
        return _form(request, action, newer, problem=_who_moved(current), **{**told, "digest": current.digest})
    if action.status == "in_review" and refused.http_status != 403:
        asked = isinstance(refused, SignInAgain)
        return _form(request, action, fields, problem=refused.message, sign_in_again=asked, **told)
    return again(request, action.pk, refused.http_status, refused.message)


def _who_moved(current: Revision) -> str:
    who = f"{current.author.username} changed it" if current.author else "It was judged anew"
    return f"{who} while you wrote. What you wrote is kept below; what differs is marked."


def _form(
    request: PersonRequest,
    action: Action,
    fields: list[editing.Field],
    *,
    problems: list[Problem] | None = None,
    problem: str = "",
    status: int = 200,
    trying: bool = False,
    **extra: Any,
) -> HttpResponse:
    """The form, or while it is written only what would come of it (``edit.html#verdict``)."""
    marked, unplaced = editing.told(fields, problems or [])
    if problems and not problem:
        problem = "Nothing was changed yet: look at what is marked."
    context = {
        "action": action,
        "fields": marked,
        "unplaced": unplaced,
        "problem": problem,
        "editing": True,
        "view": "card",
        "trying": trying,
        "reason": "",
        **extra,
    }
    if request.htmx:
        return render(request, "approvals/edit.html#verdict" if trying else "approvals/edit.html", context)
    queue = queue_of(request, plain=True) if request.membership.has(Role.REVIEWER) else None
    return render(request, "approvals/desk.html", {**context, "queue": queue}, status=status)
