"""Errors as programs read them: problem documents (RFC 9457) with a stable `code`."""

from http import HTTPStatus

from django.http import JsonResponse

from traces.exceptions import DomainError
from traces.redaction import hidden, hidden_in

CODES = {
    400: "bad_request",
    401: "not_signed_in",
    403: "not_permitted",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "encoding_not_supported",
    422: "schema_invalid",
    429: "rate_limited",
    500: "internal_error",
    503: "unavailable",
}
"""The code where nothing more exact is known."""
RETRY_SECONDS = {503: 5, 429: 30}
"""After how long whoever was told so may ask again. The database is back from a crash within five seconds, as a rule;
people need longer to decide on something."""

DETAILS = {
    401: "Sign in, or send a valid token.",
    403: "You may not do this.",
    404: "There is no such thing here.",
    405: "This address does not answer this method.",
    500: "Something broke on our side. It has been recorded.",
    503: "This cannot be answered just now. Try again in a few seconds.",
}
_OWN_FIELDS = frozenset({"type", "title", "status", "detail", "code"})


def problem(status: int, code: str, title: str, detail: str, **extra: object) -> JsonResponse:
    """A problem document. `extra` adds members such as `path`, `problems` or `retry`; it never replaces a basic one."""
    basic = {"type": "about:blank", "title": title, "status": status, "detail": hidden(detail), "code": code}
    return JsonResponse(
        {**hidden_in(extra), **basic},
        status=status,
        content_type="application/problem+json",
        headers={"Cache-Control": "no-store", **retry_after(status)},
    )


def problem_of(error: DomainError) -> JsonResponse:
    """The document of a domain error."""
    extra = {key: value for key, value in error.extra.items() if key not in _OWN_FIELDS}
    status = error.http_status
    return problem(status, error.code, title_of(status), error.message, **{"retry": error.retry, **extra})


def problem_of_status(status: int, detail: str = "", **extra: object) -> JsonResponse:
    """The document of a bare status, with nothing about what happened inside."""
    return problem(
        status, CODES.get(status, "refused"), title_of(status), detail or DETAILS.get(status, title_of(status)), **extra
    )


def retry_after(status: int) -> dict[str, str]:
    """The header that says when to ask again, where the status means that asking again may help."""
    return {"Retry-After": str(RETRY_SECONDS[status])} if status in RETRY_SECONDS else {}


def title_of(status: int) -> str:
    """The status's standard phrase."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
