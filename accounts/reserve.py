"""Connections that only stops use, so that a busy product can be stopped as fast as an idle one.

Requests of the web role share a pool. When every connection of it waits for something, a stop would wait behind them:
its own sign-in check would already need one. Requests to the places below therefore use another small pool, for all
that they ask, from the first statement to the last.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase

ALIAS: Final = "stop"
PLACES: Final = ("/stop/", "/api/v1/kill-switches")
Response = HttpResponseBase | Awaitable[HttpResponseBase]


class ReserveMiddleware:
    """Gives a request that stops something a connection of the reserve. Stands before all that asks the database.

    A request's synchronous code runs in one thread of its own, and Django keeps connections by thread; so exchanging
    the thread's connection exchanges it for this request and for no other.
    """

    async_capable = True
    sync_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Response]) -> None:
        self.get_response = get_response
        self._asynchronous = iscoroutinefunction(get_response)
        if self._asynchronous:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Response:
        if self._asynchronous:
            return self._later(request)
        if not _reserved(request):
            return self.get_response(request)
        usual = _exchange()
        try:
            return self.get_response(request)
        finally:
            _give_back(usual)

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        usual = await sync_to_async(_exchange, thread_sensitive=True)() if _reserved(request) else None
        try:
            response = self.get_response(request)
            assert isinstance(response, Awaitable)
            return await response
        finally:
            if usual is not None:
                await sync_to_async(_give_back, thread_sensitive=True)(usual)


def warm() -> None:
    """Open the reserve now: at the moment of need the server may have no connection left to give."""
    if ALIAS in connections.settings:
        usual = _exchange()
        try:
            connections[DEFAULT_DB_ALIAS].ensure_connection()
        finally:
            _give_back(usual)


def _reserved(request: HttpRequest) -> bool:
    # Asking is left to the pool: looking at what is stopped must never stand in the way of stopping.
    return ALIAS in connections.settings and request.method == "POST" and request.path.startswith(PLACES)


def _exchange() -> Any:
    """Put a connection of the reserve in the place of this thread's; returns the one that was there."""
    usual = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = connections.create_connection(ALIAS)
    return usual


def _give_back(usual: Any) -> None:
    connections[DEFAULT_DB_ALIAS].close()
    connections[DEFAULT_DB_ALIAS] = usual
