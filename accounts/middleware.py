"""Puts the organization and the person's roles on the request, and the request into its organization's rows.

Neither ever comes from the request's own words. Every request begins in nobody's rows and leaves none behind.
"""

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.contrib.auth import logout
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.models import Membership, User
from accounts.rows import enter, within
from accounts.sessions import counts

Response = HttpResponseBase | Awaitable[HttpResponseBase]


class OrganizationMiddleware:
    """Sets ``request.membership`` and ``request.organization``; None for whoever is not signed in or belongs nowhere.

    The session may remember which of several organizations is open; it is believed only while the membership exists.
    A session whose sign-in somebody has ended is let go of here, before anything asks who it is.
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
        with within(None):
            _attach(request)
            return self.get_response(request)

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        with within(None):
            await sync_to_async(_attach, thread_sensitive=True)(request)
            response = self.get_response(request)
            assert isinstance(response, Awaitable)
            return await response


def _attach(request: HttpRequest) -> None:
    membership: Membership | None = None
    user = getattr(request, "user", None)
    if isinstance(user, User):
        memberships = Membership.objects.of(user)
        wanted = request.session.get("organization")
        membership = (memberships.filter(organization_id=wanted).first() if wanted else None) or memberships.first()
        if membership is not None:
            membership.user = user  # the same person: asked for no second time
        if membership is not None and not counts(request):
            membership = None
            logout(request)
    request.membership = membership  # type: ignore[attr-defined]
    request.organization = membership.organization if membership else None  # type: ignore[attr-defined]
    enter(membership.organization_id if membership else None)
