"""What a person was told: the list behind the bell, its read marks, and the news that a page asks for meanwhile."""

from typing import Final

from django.core.exceptions import BadRequest
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.pages import PersonRequest, id_of, only, page
from approvals.models import Notice
from approvals.notices.words import KINDS
from approvals.services.read_notices import read_notices

A_PAGE: Final = 40
ALOUD: Final = 3
"""How many notices a browser is handed at a time; the count says the rest."""
CAP: Final = 99
SHOWN: Final = ("all", "unread")


@require_GET
@page()
def notices(request: PersonRequest) -> HttpResponse:
    """The person's notices, newest first. Opening one decides nothing, and marks nothing."""
    asked = only(request.GET, "show", "before")
    show = asked["show"] or "all"
    if show not in SHOWN:
        raise BadRequest("There is no such list.")
    mine = Notice.objects.of(request.user.pk, request.organization.pk)
    shown = mine.unread() if show == "unread" else mine
    if asked["before"]:
        shown = shown.filter(pk__lt=id_of(asked["before"]))
    rows = list(shown[: A_PAGE + 1])
    context = {
        "rows": [(row, KINDS[row.kind].icon if row.kind in KINDS else "info") for row in rows[:A_PAGE]],
        "unread": _capped(request),
        "show": show,
        "before": asked["before"],
        "next": str(rows[A_PAGE - 1].pk) if len(rows) > A_PAGE else "",
    }
    return render(request, "notices/list.html", context)


@require_GET
@page()
def news(request: PersonRequest) -> HttpResponse:
    """How many are unread, and the newest that came behind ``after`` and that a browser may show. Changes nothing."""
    asked = only(request.GET, "after")
    mine = Notice.objects.of(request.user.pk, request.organization.pk)
    newest = mine.values_list("pk", flat=True).first()
    told: list[Notice] = []
    if asked["after"]:
        told = list(mine.unread().filter(pk__gt=id_of(asked["after"]), aloud=True)[: ALOUD + 1])
    return JsonResponse(
        {
            "unread": _capped(request),
            "newest": str(newest or ""),
            "more": len(told) > ALOUD,
            "notices": [{"id": str(one.pk), "title": one.title, "path": one.path} for one in told[:ALOUD]],
        }
    )


@require_POST
@page()
def read(request: PersonRequest) -> HttpResponse:
    """Mark one as read, or all."""
    fields = only(request.POST, "what", "notice", "show")
    if fields["what"] not in ("one", "all") or (fields["show"] or "all") not in SHOWN:
        raise BadRequest("One notice is read, or all are.")
    read_notices(request.membership, notice=id_of(fields["notice"]) if fields["what"] == "one" else None)
    return redirect(f"/notices/{'?show=unread' if fields['show'] == 'unread' else ''}")


def _capped(request: PersonRequest) -> str:
    """How many are unread, in as many signs as the bell has room for."""
    unread = Notice.objects.of(request.user.pk, request.organization.pk).unread().order_by()[: CAP + 1].count()
    return f"{CAP}+" if unread > CAP else str(unread or "")
