"""Every error answered in the caller's language: problem documents for programs, pages for people.

Views raise domain errors and stay short. What nobody foresaw is answered without details; Django logs it. A database
that is busy or away is nobody's mistake: the answer says so, and when to try again. Answers to somebody who is signed
in are never stored by a browser or a proxy.
"""

import logging
import sys
from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, ValidationError
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template import TemplateDoesNotExist
from django.template.loader import select_template
from django.views.defaults import server_error

from traces.bodies import BodyTooLarge, check_headers, check_texts
from traces.exceptions import DomainError, Unavailable
from traces.problems import problem, problem_of, problem_of_status, retry_after, title_of

logger = logging.getLogger(__name__)

_KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")
AWAY = (OperationalError, InterfaceError)
"""The database is gone, has no connection left, or did not give a lock or an answer in time."""


class ProblemMiddleware:
    """Turns errors into problem documents or pages, and refuses bodies that must not be read."""

    async_capable = True
    sync_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._asynchronously(request)
        return self._before(request) or self._after(request, cast("HttpResponseBase", self.get_response(request)))

    async def _asynchronously(self, request: HttpRequest) -> HttpResponseBase:
        early = self._before(request)
        if early is not None:
            return early
        return self._after(request, await cast("Awaitable[HttpResponseBase]", self.get_response(request)))

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponseBase | None:
        """Check query and form before any view reads them."""
        try:
            check_texts(request)
        except DomainError as error:
            return answer(request, error)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Answer what a view raised; None leaves it to Django, which logs it and answers with its own page."""
        if isinstance(exception, RequestDataTooBig):
            exception = BodyTooLarge()
        if isinstance(exception, AWAY):
            return _unavailable(request, exception)
        if isinstance(exception, DomainError):
            return answer(request, exception)
        if isinstance(exception, ValidationError):
            return _answer_validation(request, exception)
        # What a 404 says about why stays inside: somebody else's thing and no thing look the same.
        for kind, status in ((PermissionDenied, 403), (BadRequest, 400)):
            if isinstance(exception, kind) and wants_document(request):
                return problem_of_status(status, str(exception))
        return None

    def _before(self, request: HttpRequest) -> HttpResponseBase | None:
        try:
            check_headers(request)
        except DomainError as error:
            return answer(request, error)
        return None

    def _after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.status_code >= 400 and wants_document(request) and not _is_json(response):
            # Errors that no view raised: an address that does not exist, a missing CSRF token, a crash.
            document = problem_of_status(response.status_code)
            for name in _KEPT_HEADERS:
                if response.has_header(name):
                    document[name] = response[name]
            document.cookies = response.cookies
            if response.streaming:
                response.close()  # only a stream holds anything; closing tells Django that the request is over
            response = document
        if _is_personal(request, response):
            response["Cache-Control"] = "no-store"
        return response


def wants_document(request: HttpRequest) -> bool:
    """Whether the caller is a program: it asks the API, or it accepts JSON and not HTML."""
    if request.path.startswith("/api/"):
        return True
    accepted = request.headers.get("Accept", "")
    return "json" in accepted and "text/html" not in accepted


def broke(request: HttpRequest) -> HttpResponseBase:
    """What Django answers with when something was raised outside of a view, such as while reading the session."""
    error = sys.exception()
    return _unavailable(request, error) if isinstance(error, AWAY) else server_error(request)


def answer(request: HttpRequest, error: DomainError) -> HttpResponseBase:
    """A domain error in the caller's language."""
    if wants_document(request):
        return problem_of(error)
    return page(request, error.http_status, error.message)


def page(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    """The page of a status, or the closest one there is; plain text when no page can be made."""
    context = {"problem": detail, "title": title_of(status), "status": status}
    try:
        # Without a request where nobody has been recognised yet: the shell would ask who is signed in.
        # Nor where the database is away: the shell would ask it.
        known = request if hasattr(request, "membership") and status != 503 else None
        template = select_template([f"{status}.html", "problem.html", "400.html"])
        return HttpResponse(template.render(context, known), status=status, headers=retry_after(status))
    except TemplateDoesNotExist:
        return HttpResponse(
            f"{title_of(status)}\n\n{detail}\n", status=status, content_type="text/plain; charset=utf-8"
        )


def _unavailable(request: HttpRequest, error: BaseException) -> HttpResponseBase:
    logger.warning("the database could not serve a request: %s: %s", type(error).__name__, error)
    return answer(request, Unavailable())


def _answer_validation(request: HttpRequest, error: ValidationError) -> HttpResponseBase:
    fields = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    problems = [{"path": name, "message": message} for name, messages in fields.items() for message in messages]
    detail = "; ".join(f"{found['path']}: {found['message']}".removeprefix(": ") for found in problems)
    if wants_document(request):
        return problem(422, "schema_invalid", title_of(422), detail, problems=problems)
    return page(request, 422, detail)


def _is_json(response: HttpResponseBase) -> bool:
    kind = response.headers.get("Content-Type", "").split(";")[0].strip()
    return kind == "application/json" or kind.endswith("+json")


def _is_personal(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether this answer may hold something for one person's eyes; judged without a query."""
    name = settings.SESSION_COOKIE_NAME
    return name in request.COOKIES or name in response.cookies or "Authorization" in request.headers
