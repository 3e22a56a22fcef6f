"""How the API reads and answers: strict bodies, pages of a list, and the refusals that its document names.

It stands on the ground floor because every app's ``api.py`` speaks this way, the record's own included.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Generic, TypeVar

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from ninja.parser import Parser
from pydantic import BaseModel, ConfigDict

from traces.canonical import at_key, parse
from traces.exceptions import DomainError
from traces.problems import title_of

T = TypeVar("T")

KEY_HEADER: Final = "Idempotency-Key"
KEY_PATTERN: Final = r"^[!-~]{1,200}$"


class MediaTypeNotSupported(DomainError):
    """Send JSON, and say so: Content-Type: application/json."""

    http_status: ClassVar[int] = 415
    code: ClassVar[str] = "media_type_not_supported"


class UnknownField(DomainError):
    """There is no such field here."""

    http_status: ClassVar[int] = 400
    code: ClassVar[str] = "schema_invalid"


class FieldRefused(DomainError):
    """A field does not fit."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"

    def __init__(self, path: str, message: str) -> None:
        """`path` names the field, such as `context.answers`; `message` is what is wrong with it."""
        super().__init__(f"{path}: {message}", problems=[{"path": path, "message": message}])


class KeyReused(DomainError):
    """This Idempotency-Key came with another request before. Use a new key for a new request."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "args_mismatch"


class StrictParser(Parser):
    """Bodies are read by the product's own parser, so that what was sent can be understood in one way only."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The body's value. Raises MediaTypeNotSupported or BadJSON with the path of what is wrong."""
        if request.content_type != "application/json":
            raise MediaTypeNotSupported
        return parse(request.body)

    def parse_querydict(self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest) -> Any:
        """The query's fields, each said once. Raises UnknownField for one that is said twice."""
        for name in data:
            if len(data.getlist(name)) > 1:
                raise UnknownField(f"{name[:60]}: this is said twice.", problems=[_wrong(name[:60], "is said twice")])
        return super().parse_querydict(data, list_fields, request)


class Body(BaseModel):
    """What a client sends: nothing beyond the named fields, and no value of another type taken for the right one."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Answer(BaseModel):
    """What a client gets."""

    model_config = ConfigDict(extra="forbid")


class Page(Answer, Generic[T]):
    """A part of a list. ``next`` asks for the part behind it (as ``before`` or ``after``); null at the end."""

    items: list[T]
    next: str | None


def cut(rows: Sequence[T], limit: int) -> tuple[list[T], str | None]:
    """A page and the id behind which the next begins, of one row more than the page holds."""
    shown = list(rows[:limit])
    return shown, str(shown[-1].id) if len(rows) > limit else None  # type: ignore[attr-defined]


def misfits(errors: Sequence[Mapping[str, Any]]) -> DomainError:
    """What ninja found wrong with a request, as one error that names every field by its path.

    A field that does not exist is a 400: nothing of such a request is meant to be read further (T73).
    """
    problems = [_wrong(_path(error["loc"]), _said(error)) for error in errors]
    detail = "; ".join(f"{found['path']}: {found['message']}".removeprefix(": ") for found in problems)
    kind = UnknownField if any(error["type"] == "extra_forbidden" for error in errors) else _Misfit
    return kind(detail, problems=problems)


class _Misfit(DomainError):
    """The request does not fit."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"


def _wrong(path: str, message: str) -> dict[str, str]:
    return {"path": path, "message": message}


def _path(loc: Sequence[str | int]) -> str:
    """A field's path: without the source and, in a body, without the name of the view's own parameter."""
    path = ""
    for part in loc[2:] if loc[0] == "body" else loc[1:]:
        path = f"{path}[{part}]" if isinstance(part, int) else at_key(path, part)
    return path[:300]


def _said(error: Mapping[str, Any]) -> str:
    match error["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "there is no such field"
        case _:
            return str(error["msg"]).removeprefix("Value error, ")


_EXAMPLES: Final[dict[int, tuple[str, str]]] = {
    400: ("bad_json", "arguments.to: this key is there twice"),
    401: ("not_signed_in", "Sign in, or send a valid token."),
    403: ("not_permitted", "This token's scope is audit; this asks for agent."),
    404: ("not_found", "There is no such thing here."),
    409: ("args_mismatch", "This Idempotency-Key came with another request before. Use a new key for a new request."),
    413: ("too_large", "The request is larger than 2000000 bytes."),
    415: ("media_type_not_supported", "Send JSON, and say so: Content-Type: application/json."),
    422: ("schema_invalid", "goal: is required"),
    429: ("rate_limited", "The desk is full: 100 requests on behalf of the same person wait for people."),
}
PROBLEM: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "An error (RFC 9457). Programs read `code`, which is stable; people read `detail`.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "path": {"type": "string", "description": "Where in the body, for bad_json."},
        "retry": {"type": "boolean", "description": "Whether the very same request may succeed later."},
        "state": {"type": "string", "description": "Where the thing stands now, for a conflict."},
        "problems": {
            "type": "array",
            "description": "Every field that does not fit.",
            "items": {
                "type": "object",
                "required": ["path", "message"],
                "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


def refusals(*statuses: int, **extra: Any) -> dict[str, Any]:
    """What a route's document says beside its success: the refusals that it may answer with, each with an example."""
    responses = {}
    for status in sorted({400, 401, 403, *statuses}):
        code, detail = _EXAMPLES[status]
        example = {
            "type": "about:blank",
            "title": title_of(status),
            "status": status,
            "detail": detail,
            "code": code,
        }
        content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
        responses[status] = {"description": title_of(status), "content": {"application/problem+json": content}}
    return {"responses": responses, **extra}


READS: Final = refusals(422)
READS_ONE: Final = refusals(404, 422)
WRITES: Final = refusals(409, 413, 415, 422)
PROPOSES: Final = refusals(409, 413, 415, 422, 429)
WRITES_ONE: Final = refusals(404, 409, 413, 415, 422)
