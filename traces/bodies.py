"""What a request may carry: no compressed bodies, none over the limit, no text that PostgreSQL could not hold."""

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, ClassVar
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, QueryDict

from traces.exceptions import DomainError

LARGEST_HEAD = 65_536
"""Bytes of a request's head: its first line and its headers."""
MOST_HEADERS = 200
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_REPLACED = "\ufffd"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class BodyTooLarge(DomainError):
    """The request is larger than this server accepts."""

    http_status: ClassVar[int] = 413
    code: ClassVar[str] = "too_large"


class EncodedBody(DomainError):
    """Send the body as it is: compressed requests are not unpacked here."""

    http_status: ClassVar[int] = 415
    code: ClassVar[str] = "encoding_not_supported"


class UnstorableText(DomainError):
    """A field holds text that cannot be stored."""

    http_status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_text"


def check_headers(request: HttpRequest) -> None:
    """Raise EncodedBody or BodyTooLarge by what the headers say, before a byte of the body is read."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in {"identity", ""}:
        raise EncodedBody
    length = request.META.get("CONTENT_LENGTH") or "0"
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if limit is not None and length.isdigit() and (len(length) > 18 or int(length) > limit):
        raise BodyTooLarge(f"The request is larger than {limit} bytes.", limit=limit)


def check_texts(request: HttpRequest) -> None:
    """Raise UnstorableText, with the field's name, for a query or form value with NUL or text that is not UTF-8."""
    _check(request.GET, request.META.get("QUERY_STRING", "").encode("latin-1", "replace"))
    if request.method == "POST" and request.content_type in FORMS:
        try:
            form = request.POST
        except RequestDataTooBig:
            raise BodyTooLarge from None
        _check(form, request.body if request.content_type == FORMS[0] else None)


def _check(fields: QueryDict, raw: bytes | None) -> None:
    texts: Iterable[tuple[str, str]] = ((name, text) for name, values in fields.lists() for text in (name, *values))
    for name, text in texts:
        if text.isascii() and "\0" not in text:
            continue
        if _UNSTORABLE.search(text) or (_REPLACED in text and not _is_utf8(raw)):
            shown = ascii(name)[1:-1][:60]
            message = f"The field {shown} holds a NUL character or text that is not UTF-8."
            raise UnstorableText(message, path=shown)


def _is_utf8(raw: bytes | None) -> bool:
    """Whether a replacement character was sent as such; Django also puts one wherever bytes were not UTF-8."""
    try:
        unquote_to_bytes(raw or b"\xff").decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


class BodyLimit:
    """ASGI: refuse a head that is too long before Django reads it, and stop reading a body at the limit, also one that
    announces no length, before Django spools it to disk.
    """

    def __init__(self, app: App, limit: int) -> None:
        """`limit` is in bytes."""
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        heads = scope.get("headers", ())
        if len(heads) > MOST_HEADERS or sum(len(name) + len(value) for name, value in heads) > LARGEST_HEAD:
            await _refuse(send, 431, _HEAD_TOO_LARGE)
            return
        read = 0
        started = False

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.limit:
                raise BodyTooLarge
            return message

        async def noticed(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, counted, noticed)
        except BodyTooLarge:
            if started:
                raise
            await _refuse(send, 413, _TOO_LARGE % self.limit)


async def _refuse(send: Send, status: int, problem: bytes) -> None:
    headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": problem})


_TOO_LARGE = (
    b'{"type": "about:blank", "title": "Request Entity Too Large", "status": 413, "code": "too_large",'
    b' "detail": "The request is larger than %d bytes."}'
)
_HEAD_TOO_LARGE = (
    b'{"type": "about:blank", "title": "Request Header Fields Too Large", "status": 431, "code": "too_large",'
    b' "detail": "The request has more headers than this server reads."}'
)
