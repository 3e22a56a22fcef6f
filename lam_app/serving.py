"""How the web role hears HTTP: uvicorn's own protocol, with an end to how long a request's head may be.

The parser keeps whatever arrives of a head until the head is complete. Without an end, one connection that never
finishes its head would fill the memory (T89). Complete heads are judged by ``traces.bodies``, before Django reads them.
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from traces.bodies import LARGEST_HEAD

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 35\r\n\r\nThe head of the request is too long"
)


class BoundedHead(HttpToolsProtocol):
    """Hangs up on a head that is longer than LARGEST_HEAD bytes and still not complete."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._heard: int | None = None
        """Bytes of the head that is arriving; None between heads."""

    def on_message_begin(self) -> None:
        """A head begins."""
        self._heard = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._heard = None
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Take what has arrived, and look whether there is an end in sight."""
        super().data_received(data)
        if self._heard is None or self.transport.is_closing():
            return
        self._heard += len(data)
        if self._heard > LARGEST_HEAD:
            self.transport.write(_TOO_LARGE)
            self.transport.close()
