"""Pages on which an auditor has the record verified and exported, and the files that come of it."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import BadRequest
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.actors import person
from accounts.pages import HTMX_STOP_POLLING, PersonRequest, only, page
from accounts.roles import Role
from accounts.rows import within
from lam_app.evidence.rights import may_fetch
from tools.egress import EgressRefused, target
from traces.inquiries import KEPT_HOURS, export, fetched, piece_of, pieces, verification
from traces.inquiry import Inquiry, InquiryPart, Outlet
from traces.making import MOST_EVENTS
from traces.models import Block

SHOWN: Final = 10
"""Verifications and exports that their pages list."""


@require_http_methods(["GET", "POST"])
@page(Role.AUDITOR)
def verify(request: PersonRequest) -> HttpResponse:
    """How far the record is sealed, and whether it is as it was sealed. A POST has it verified."""
    if request.method == "POST":
        only(request.POST)
        verification(request.organization.pk, by=person(request.user))
        return redirect("audit_verify")
    only(request.GET)
    return render(request, "traces/verify.html", _verifying(request))


@require_GET
@page(Role.AUDITOR)
def verify_live(request: PersonRequest) -> HttpResponse:
    """How far the verification has come; the last answer says that there is no more to ask."""
    only(request.GET)
    context = _verifying(request)
    return render(request, "traces/verify.html#result", context, status=_status(context["rows"]))


@require_http_methods(["GET", "POST"])
@page(Role.AUDITOR)
def exports(request: PersonRequest) -> HttpResponse:
    """Exports that were asked for. A POST asks for one: of everything, or of what was sealed in some days (UTC)."""
    if request.method == "POST":
        fields = only(request.POST, "since", "until")
        since, until = _day(fields["since"]), _day(fields["until"], days=1)
        if since and until and since >= until:
            raise BadRequest("The last day lies before the first.")
        export(request.organization.pk, since=since, until=until, by=person(request.user))
        return redirect("audit_export")
    only(request.GET)
    return render(request, "traces/export.html", _exporting(request))


@require_GET
@page(Role.AUDITOR)
def export_live(request: PersonRequest) -> HttpResponse:
    """How far the exports have come."""
    only(request.GET)
    context = _exporting(request)
    return render(request, "traces/export.html#rows", context, status=_status(context["rows"]))


@require_GET
@page()
def file(request: PersonRequest, pk: uuid.UUID) -> HttpResponseBase:
    """The file that came of an inquiry, for who may; that it was taken is in the record before a byte leaves."""
    only(request.GET)
    found = Inquiry.objects.within(request.organization.pk).filter(pk=pk, state=Inquiry.State.DONE).first()
    if found is None or not may_fetch(request.membership, found):
        raise Http404
    fetched(found, by=person(request.user))
    asynchronous = isinstance(request, ASGIRequest)
    body = _told(found.organization, found.pk) if asynchronous else pieces(found.pk)
    response = StreamingHttpResponse(body, content_type="application/octet-stream")
    response["Content-Length"] = str(found.size)
    response["Content-Disposition"] = f'attachment; filename="{_name(found)}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


async def _told(organization: uuid.UUID, inquiry: uuid.UUID) -> AsyncIterator[bytes]:
    """The file piece by piece; between two of them nothing of the database is held."""

    def piece(number: int) -> bytes | None:
        with within(organization):
            return piece_of(inquiry, number)

    number = 0
    while (data := await sync_to_async(piece, thread_sensitive=True)(number)) is not None:
        yield data
        number += 1


def _name(inquiry: Inquiry) -> str:
    at = f"{inquiry.asked_at.astimezone(UTC):%Y%m%d-%H%M%S}"
    if inquiry.kind == Inquiry.Kind.EXPORT:
        return f"record-{at}.jsonl"
    return f"evidence-{inquiry.subject_kind}-{str(inquiry.subject)[-12:]}-{at}.zip"


def _day(text: str, days: int = 0) -> datetime | None:
    """Midnight of a day, in UTC as the record is; None where none is named."""
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text) + timedelta(days=days), time(), UTC)
    except (ValueError, OverflowError) as wrong:
        raise BadRequest("That is not a day.") from wrong


def with_files(rows: list[Inquiry]) -> list[tuple[Inquiry, bool, int]]:
    """Inquiries with whether their file can still be fetched, and how far they have come in percent."""
    kept = set(InquiryPart.objects.filter(inquiry__in=rows, number=0).values_list("inquiry", flat=True))
    return [(one, one.pk in kept, min(99, one.seen * 100 // one.expected) if one.expected else 0) for one in rows]


def _status(rows: list[tuple[Inquiry, bool, int]]) -> int:
    return 200 if any(one.state == Inquiry.State.WAITING for one, *_ in rows) else HTMX_STOP_POLLING


def _verifying(request: PersonRequest) -> dict[str, Any]:
    organization = request.organization.pk
    asked = Inquiry.objects.within(organization).filter(kind=Inquiry.Kind.VERIFY)
    newest = Block.objects.of(organization).reverse().first()
    rows = with_files(list(asked[:SHOWN]))
    over = [one for one, *_ in rows if one.state != Inquiry.State.WAITING]
    failed = over[0] if over and over[0].state == Inquiry.State.FAILED else None
    last = next((one for one in over if one.state == Inquiry.State.DONE), None)
    return {
        "rows": rows,
        "latest": rows[0] if rows else None,
        "failed": failed,  # the newest one that is over, where it came to nothing
        "last": last,
        "before": [one for one in over if one not in (failed, last)],
        "under_way": any(one.state == Inquiry.State.WAITING for one, *_ in rows),
        "newest": newest,
        "head": bytes(newest.head).hex() if newest else "",
        "place": newest.first + newest.count - 1 if newest else 0,
        "outlet": _outlet(),
        "tab": "verify",
    }


def _outlet() -> dict[str, Any] | None:
    """How the telling to the address outside goes; None where there is none. The address itself may hold a secret."""
    if not settings.LAM_CHECKPOINT_URL:
        return None
    try:
        host = target(settings.LAM_CHECKPOINT_URL).host
    except EgressRefused:
        host = "an address that cannot be called"
    return {"host": host, "row": Outlet.objects.filter(pk=1).first()}


def _exporting(request: PersonRequest) -> dict[str, Any]:
    asked = Inquiry.objects.within(request.organization.pk).filter(kind=Inquiry.Kind.EXPORT)
    rows = with_files(list(asked[:SHOWN]))
    return {
        "rows": rows,
        "under_way": any(one.state == Inquiry.State.WAITING for one, *_ in rows),
        "most": f"{MOST_EVENTS:,}",
        "hours": KEPT_HOURS,
        "tab": "export",
    }
