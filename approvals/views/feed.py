"""The live feed: the page, the stream that keeps it up to date, and the same asked for where there is no stream."""

from collections.abc import AsyncIterator
from typing import Final

from asgiref.sync import SyncToAsync, sync_to_async
from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.pages import PersonRequest, only, page
from accounts.signed_in import Seat
from approvals.feed.hub import hub, refuse_more
from approvals.feed.packing import WANTS, Reader, caught_up, drawing
from approvals.feed.streams import Stream
from approvals.reading.changes import Place, here
from approvals.reading.feed import WINDOW, Sees, standing

CUT: Final = "countersign.cut"
"""Under this name the server offers, beside a request, to break its connection off."""
STOP_ASKING: Final = 204
"""What a browser takes for the end of a stream that it does not ask for again."""


@require_GET
@page()
def feed(request: PersonRequest) -> HttpResponse:
    """What leaves by itself and what just ran, as far as this person may see it."""
    only(request.GET)
    sees = Sees.of(request.membership)
    place = here(request.organization.pk)  # before the rows: what changes meanwhile is told behind it
    lines = [drawing(line, sees) for line in standing(sees)]
    context = {
        "place": place,
        "leaving": [one for one in lines if one["line"].part == "leaving"],
        "ran": [one for one in lines if one["line"].part == "ran"],
        "minutes": int(WINDOW.total_seconds() // 60),
        "administers": sees.administers,
    }
    return render(request, "approvals/feed.html", context)


@require_GET
@page()
def news(request: PersonRequest) -> HttpResponse:
    """What has changed since the page's place, for pages that cannot be told live."""
    reader, after = _asked(request)
    return JsonResponse(caught_up(reader, after).document())


@require_GET
@page()
def stream(request: PersonRequest) -> HttpResponseBase:
    """News as it happens, as server-sent events, to our own pages alone.

    A page that comes back says where it was in ``Last-Event-ID``. Where too many are open the answer is 429, and on a
    server that cannot wait without a thread for each page it is 204: both look every few seconds then.
    """
    _from_here(request)
    reader, after = _asked(request)
    if not isinstance(request, ASGIRequest):
        return HttpResponse(status=STOP_ASKING)
    seat = Seat(request.session.session_key or "", request.user.pk, request.organization.pk)
    refuse_more(seat)
    told = Stream(seat, reader, after, cut=request.scope.get("extensions", {}).get(CUT))
    answer = StreamingHttpResponse(_told(told), content_type="text/event-stream")
    answer["X-Accel-Buffering"] = "no"
    return answer


async def _told(told: Stream) -> AsyncIterator[bytes]:
    await sync_to_async(connections.close_all, thread_sensitive=True)()
    _let_the_thread_go()
    async for message in hub().told(told):
        yield message


def _let_the_thread_go() -> None:
    """A request has a thread for its synchronous part, until its end. This one's synchronous part is over."""
    context = SyncToAsync.thread_sensitive_context.get(None)
    thread = SyncToAsync.context_to_thread_executor.pop(context, None) if context is not None else None
    if thread is not None:
        thread.shutdown(wait=False)


def _asked(request: PersonRequest) -> tuple[Reader, Place | None]:
    """Who asks, what their page follows, and where it was."""
    fields = only(request.GET, "after", "wants")
    wants = fields["wants"] or WANTS[0]
    if wants not in WANTS:
        raise BadRequest("There is no such news.")
    said = request.headers.get("Last-Event-ID", "") or fields["after"]
    return Reader(Sees.of(request.membership), wants), Place.read(said, request.organization.pk)


def _from_here(request: HttpRequest) -> None:
    """Only our own pages listen: a session's cookie alone, sent along by somebody else's page, opens nothing."""
    site, origin = request.headers.get("Sec-Fetch-Site", ""), request.headers.get("Origin", "")
    own = (f"{request.scheme}://{request.get_host()}", *settings.CSRF_TRUSTED_ORIGINS)
    if site not in ("", "same-origin") or origin not in ("", *own):
        raise PermissionDenied
