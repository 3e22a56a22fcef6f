"""What every page asks first: who is it, where do they belong, what are they there. And what a form may carry."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from accounts.models import Membership, Organization, User
from accounts.roles import Role

P = ParamSpec("P")
HTMX_NO_SWAP = 204
HTMX_STOP_POLLING = 286


class PersonRequest(HttpRequest):
    """A request of a signed-in member. The organization is the session's, never the body's."""

    user: User
    organization: Organization
    membership: Membership
    htmx: HtmxDetails


def page(
    *roles: Role,
) -> Callable[
    [Callable[Concatenate[PersonRequest, P], HttpResponseBase]], Callable[Concatenate[HttpRequest, P], HttpResponseBase]
]:
    """Open a view to members of an organization who hold one of ``roles`` (none named: to every member).

    Strangers are sent to sign in; a fragment that asks for itself sends its whole page there, so that a sign-in form
    never appears inside a card. A member without the role gets 403. Nothing here may be kept by a cache.
    """

    def decorate(
        view: Callable[Concatenate[PersonRequest, P], HttpResponseBase],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
        @wraps(view)
        def opened(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if isinstance(request.user, AnonymousUser):
                return _to_sign_in(request)
            membership = cast("Membership | None", getattr(request, "membership", None))
            if membership is None or (roles and not membership.has(*roles)):
                raise PermissionDenied
            response = view(cast(PersonRequest, request), *args, **kwargs)
            response["Cache-Control"] = "no-store"
            return response

        return opened

    return decorate


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    htmx = cast("HtmxDetails | None", getattr(request, "htmx", None))
    if htmx:
        return HttpResponseClientRefresh() if request.method == "GET" else HttpResponseClientRedirect("/accounts/login/")
    return redirect_to_login(request.get_full_path())


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
