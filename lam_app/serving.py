"""How the web role hears HTTP: uvicorn's own protocol, with an end to how long a request's head may be.

The parser keeps whatever arrives of a head until the head is complete. Without an end, one connection that never
finishes its head would fill the memory (T89). Complete heads are judged by ``traces.bodies``, before Django reads them.
So would one that sends headers behind its body, which the parser keeps as well, or a chunk's length without an end:
``traces.bodies`` sees neither, because neither is part of the body.
"""

import gc
from collections.abc import Callable
from typing import Any, cast

import uvicorn
from asgiref.sync import sync_to_async
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from accounts.reserve import warm
from approvals.feed.hub import hub
from approvals.views.feed import CUT
from traces.bodies import LARGEST_HEAD

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 35\r\n\r\nThe head of the request is too long"
)


FRAMING = 8
"""Bytes around a body that each of its own may cost, as when it is sent in chunks of one byte."""


class BoundedHead(HttpToolsProtocol):
    """Hangs up on a head longer than LARGEST_HEAD bytes that is still not complete, and on as much around a body."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._heard: int | None = None
        """Bytes of the head that is arriving; None between heads."""
        self._around: int | None = None
        """Bytes that arrived behind the head and are not accounted for by the body; None outside of bodies."""
        self._number = 0
        """Of the request that is arriving: several may arrive in one piece."""

    def on_message_begin(self) -> None:
        """A head begins."""
        self._heard, self._number = 0, self._number + 1
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._heard, self._around = None, 0
        # Whoever answers may break off: what a stalled reader never takes would otherwise hold the connection.
        offered = cast("dict[str, Any]", self.scope).setdefault("extensions", {})
        offered[CUT] = self.transport.abort
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if self._around is not None:
            self._around -= (1 + FRAMING) * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._around = None
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Take what has arrived, and look whether there is an end in sight."""
        inside = self._number if self._around is not None else None
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._around is not None and inside == self._number:
            self._around += len(data)
            if self._around > LARGEST_HEAD:
                self.transport.close()  # without a word: the answer may have begun
        if self._heard is None:
            return
        self._heard += len(data)
        if self._heard > LARGEST_HEAD:
            self.transport.write(_TOO_LARGE)
            self.transport.close()


def settle() -> None:
    """Take what is loaded by now out of every later garbage collection: walking it would hold up requests."""
    gc.collect()
    gc.freeze()


class Server(uvicorn.Server):
    """The product's web server. ``ready`` is called once it answers."""

    def __init__(self, host: str, port: int, ready: Callable[[], None], *, grace: int) -> None:
        """``grace``: seconds for answers that are under way when it is asked to stop."""
        from lam_app.asgi import application

        self._ready = ready
        super().__init__(
            uvicorn.Config(
                application,
                http=BoundedHead,
                host=host,
                port=port,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=grace,
                proxy_headers=False,
            )
        )

    async def startup(self, sockets: Any = None) -> None:
        """Listen, then open what stops alone may use."""
        await super().startup(sockets)
        if self.started:
            await sync_to_async(warm)()
            settle()
            self._ready()

    async def shutdown(self, sockets: Any = None) -> None:
        """Say goodbye to pages that are open live, which would be waited for otherwise, and stop."""
        hub().stop()
        await super().shutdown(sockets)
