"""What every page asks first: who is it, where do they belong, what are they there. And what a form may carry.

It stands on the ground floor because the audit pages need it too: people and organizations are what the request
carries (``accounts.middleware`` puts them there), never rows of ours.
"""

import uuid
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh

HTMX_NO_SWAP: Final = 204
HTMX_STOP_POLLING: Final = 286


class Belongs(Protocol):
    """What the request knows of the person's place."""

    organization_id: uuid.UUID

    def has(self, *roles: str) -> bool:
        """Whether the person holds any of these roles."""


class MemberRequest(HttpRequest):
    """A request of a signed-in member. The organization is the session's, never the body's."""

    membership: Belongs


P = ParamSpec("P")
R = TypeVar("R", bound=HttpRequest)
View = Callable[Concatenate[R, P], HttpResponseBase]


def page(*roles: str) -> Callable[[View[R, P]], Callable[Concatenate[HttpRequest, P], HttpResponseBase]]:
    """Open a view to members of an organization who hold one of ``roles`` (none named: to every member).

    Strangers are sent to sign in; a fragment that asks for itself sends its whole page there, so that a sign-in form
    never appears inside a card. A member without the role gets 403. Nothing here may be kept by a cache.
    """

    def decorate(view: View[R, P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
        def opened(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            membership = cast("Belongs | None", getattr(request, "membership", None))
            if membership is None or (roles and not membership.has(*roles)):
                raise PermissionDenied
            response = view(cast("R", request), *args, **kwargs)
            response["Cache-Control"] = "no-store"
            return response

        return update_wrapper(cast("Any", opened), view)

    return decorate


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    htmx: Any = getattr(request, "htmx", None)
    if htmx:
        again = request.method == "GET"
        return HttpResponseClientRefresh() if again else HttpResponseClientRedirect(reverse("account_login"))
    return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")


def id_of(text: str) -> uuid.UUID:
    """The id that a form or an address names. Raises ``BadRequest`` for what is none."""
    try:
        return uuid.UUID(text)
    except ValueError as wrong:
        raise BadRequest("That is not an id.") from wrong


def only(fields: QueryDict, *allowed: str) -> dict[str, str]:
    """The form's fields, each at most once. Raises ``BadRequest`` for a field the form does not have or says twice.

    Guards against fields that a page never offered, like a status or an organization.
    """
    known = {"csrfmiddlewaretoken", *allowed}
    for name in fields:
        if name not in known:
            raise BadRequest(f"The form has no field “{name[:60]}”.")
        if len(fields.getlist(name)) != 1:
            raise BadRequest(f"The field “{name}” was sent more than once.")
    return {name: fields.get(name, "") for name in allowed}
