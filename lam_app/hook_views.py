"""Pages of webhooks, and the address at which signed messages arrive. They write only by calling a verb."""

import uuid
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.request import RawPostDataException
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts.pages import PersonRequest, only, page
from accounts.roles import Role
from lam_app.exceptions import NotSigned
from lam_app.hooks import LONGEST_NAME, MOST_A_MINUTE, WINDOW, end, make_hook, receive, renew
from lam_app.models import Delivery, Hook
from lam_app.runs import LONGEST_GOAL
from traces.exceptions import DomainError
from traces.problems import problem_of

SHOWN: Final = 100
LAST: Final = 3


@csrf_exempt  # nobody's session counts here: the signature is what opens it
@require_POST
def hook_in(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """A message of another program: 202 with the run that it became, 200 where it had become that one before."""
    try:
        found = receive(pk, request.headers, _body(request))
    except DomainError as error:
        answer = problem_of(error)
        if error.http_status == 429:
            answer["Retry-After"] = "60"
        return answer
    return JsonResponse(
        {"run": str(found.run)}, status=200 if found.again else 202, headers={"Cache-Control": "no-store"}
    )


@require_http_methods(["GET", "POST"])
@page(Role.OPERATOR, Role.ADMINISTRATOR)
def hooks(request: PersonRequest) -> HttpResponse:
    """An operator's own webhooks, or the organization's for an administrator; and the form for another."""
    if request.method == "GET":
        only(request.GET)
        return _page(request)
    form = only(request.POST, "name", "goal")
    try:
        made, secret = make_hook(actor=request.user, organization=request.organization.pk, **form)
    except DomainError as refused:
        return _page(request, form=form, refused=refused)
    return _page(request, made=made, secret=secret)


@require_POST
@page()
def hook(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """Make another secret, or end it."""
    what = only(request.POST, "what")["what"]
    if what not in {"renew", "end"}:
        raise BadRequest("A webhook gets another secret or is ended.")
    asked: dict[str, Any] = {"actor": request.user, "organization": request.organization.pk, "hook": pk}
    try:
        if what == "renew":
            made, secret = renew(**asked)
            return _page(request, made=made, secret=secret)
        end(**asked)
    except DomainError as refused:
        if refused.http_status == 404:
            raise Http404 from refused
        return _page(request, refused=refused)
    return redirect("hooks")


def _page(
    request: PersonRequest,
    *,
    form: dict[str, str] | None = None,
    refused: DomainError | None = None,
    made: Hook | None = None,
    secret: str = "",
) -> HttpResponse:
    """The list; ``secret`` is shown on this one answer and on no other."""
    rows = Hook.objects.within(request.organization.pk).filter(ended_at=None)
    if not request.membership.has(Role.ADMINISTRATOR):
        rows = rows.filter(person=request.user)
    shown = list(rows[:SHOWN])
    came = _came(shown)
    errors: Any = refused.extra.get("errors", {}) if refused else {}
    context = {
        "rows": [
            (row, _address(request, row), came.get(row.pk, []), row.person_id == request.user.pk) for row in shown
        ],
        "may_give": request.membership.has(Role.OPERATOR),
        "longest": LONGEST_GOAL,
        "longest_name": LONGEST_NAME,
        "most": MOST_A_MINUTE,
        "window": int(WINDOW.total_seconds() // 60),
        "form": form or {},
        "errors": errors,
        "problem": refused if refused and not errors else None,
        "made": made,
        "made_at": _address(request, made) if made else "",
        "secret": secret,
        "tab": "hooks",
    }
    return render(request, "lam_app/hooks.html", context, status=refused.http_status if refused else 200)


def _body(request: HttpRequest) -> bytes:
    """What was sent, byte for byte. Raises NotSigned for a form with parts, which has been taken apart by now."""
    try:
        return request.body
    except RawPostDataException:
        raise NotSigned from None


def _address(request: HttpRequest, row: Hook) -> str:
    return request.build_absolute_uri(reverse("hook_in", args=[row.pk]))


def _came(rows: list[Hook]) -> dict[uuid.UUID, list[Delivery]]:
    """The last messages of each, newest first. One query."""
    place = Window(RowNumber(), partition_by=F("hook"), order_by=F("id").desc())
    last = Delivery.objects.filter(hook__in=rows).annotate(place=place).filter(place__lte=LAST)
    found: dict[uuid.UUID, list[Delivery]] = {}
    for delivery in last.select_related("run").order_by("-id"):
        found.setdefault(delivery.hook_id, []).append(delivery)
    return found
