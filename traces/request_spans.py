"""A span over every request that the web answers. Not there at all where spans are sent nowhere."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Final, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from traces.telemetry import Mark, configured, span

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestSpans:
    """Tells which route was asked for which row and what was answered; never an address with what stands in it.

    A caller's own trace is not taken up: whoever is outside chooses nothing in ours.
    """

    async_capable = True
    sync_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]) -> None:
        if not configured():
            raise MiddlewareNotUsed
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._later(request)
        method = _method(request)
        with span(method, kind="server", http__request__method=method) as mark:
            return _answered(mark, request, cast("HttpResponseBase", self.get_response(request)))

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        method = _method(request)
        with span(method, kind="server", http__request__method=method) as mark:
            return _answered(mark, request, await cast("Awaitable[HttpResponseBase]", self.get_response(request)))


def _method(request: HttpRequest) -> str:
    return request.method if request.method in METHODS else "_OTHER"


def _answered(mark: Mark, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    found = request.resolver_match
    if found is not None:
        subject = found.kwargs.get("pk")
        mark.renamed(f"{_method(request)} /{found.route}")
        mark.add({"http.route": f"/{found.route}"})
        mark.add({"countersign.subject": str(subject) if isinstance(subject, uuid.UUID) else None})
    mark.add({"http.response.status_code": response.status_code})
    if response.status_code >= 500:
        mark.failed(str(response.status_code))
    return response
