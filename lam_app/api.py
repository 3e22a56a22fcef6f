"""The API that agents and scripts use: every app's router under one roof, one way to refuse, one document."""

import functools
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from accounts.api import AUDIT, Bearer
from approvals.api import router as actions
from lam_app.runs_api import router as runs
from lam_app.stops_api import router as stops
from tools.api import router as tools
from traces.api import router as audit
from traces.exceptions import DomainError
from traces.problems import problem_of, problem_of_status
from traces.wire import PROBLEM, StrictParser, UnknownField, misfits

DESCRIPTION = """\
Agents propose, people decide, and nothing touches the world without a signed permit.

Send a token in the header (`Authorization: Bearer cs_…`); in a query it is refused. Bodies are JSON, read strictly:
an unknown field, a doubled key or a number that does not survive a double is refused, not guessed at. Errors are
problem documents (RFC 9457) with a stable `code`. Nothing here decides on an action: that takes a person's session.
"""


class Api(NinjaAPI):
    """ninja, with one document that also holds the refusals, made once."""

    @functools.cached_property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document."""
        found = super().get_openapi_schema()
        found["components"]["schemas"]["Problem"] = PROBLEM
        return found

    def get_openapi_schema(self, **_: Any) -> Any:
        """The document, whatever path it is asked for under: there is only one."""
        return self.document


def _no_other_query(view: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse query fields that the route does not name: a misspelt filter must not quietly show everything."""
    models = view._ninja_operation.models  # type: ignore[attr-defined]  # noqa: SLF001 - ninja's own mark
    known = {name for m in models if m.__ninja_param_source__ == "query" for name in m.__ninja_flatten_map__}

    @functools.wraps(view)
    def checked(request: HttpRequest, **values: Any) -> Any:
        for name in request.GET:
            if name not in known:
                shown = name[:60]
                wrong = {"path": shown, "message": "there is no such field"}
                raise UnknownField(f"{shown}: there is no such field", problems=[wrong])
        return view(request, **values)

    return checked


def _refused(_request: HttpRequest, error: Any) -> HttpResponse:
    document = problem_of(error)
    if error.http_status == 401:
        document["WWW-Authenticate"] = 'Bearer realm="countersign"'
    return document


def _misfit(request: HttpRequest, error: Any) -> HttpResponse:
    return _refused(request, misfits(error.errors))


def _unreadable(request: HttpRequest, error: Any) -> HttpResponse:
    """What ninja says of a body that the parser refused, in the parser's own words."""
    if isinstance(error.__cause__, DomainError):
        return _refused(request, error.__cause__)
    return problem_of_status(error.status_code)


def _missing(_request: HttpRequest, _error: Any) -> HttpResponse:
    return problem_of_status(404)


def _unforeseen(_request: HttpRequest, error: Any) -> HttpResponse:
    """Left to Django, which logs it, and to the middleware, which answers without details, DEBUG or not."""
    raise error


api = Api(
    title="Countersign",
    version="1",
    description=DESCRIPTION,
    docs_url=None,
    urls_namespace="api",
    parser=StrictParser(),
)
api.add_exception_handler(DomainError, _refused)
api.add_exception_handler(ValidationError, _misfit)
api.add_exception_handler(HttpError, _unreadable)
api.add_exception_handler(Http404, _missing)
api.add_exception_handler(Exception, _unforeseen)
api.add_decorator(_no_other_query, mode="operation")
api.add_router("/runs", runs)
api.add_router("/actions", actions)
api.add_router("/tools", tools)
api.add_router("/kill-switches", stops)
api.add_router("/audit", audit, auth=Bearer(AUDIT))
