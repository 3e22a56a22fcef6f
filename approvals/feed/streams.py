"""One open page: what waits to be sent to it, until when its reader's rights are known to hold, and how it ends."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import ClassVar, Final

from django.conf import settings

from accounts.signed_in import Seat
from approvals.feed.packing import Reader, event
from approvals.reading.changes import Place
from traces.exceptions import DomainError

HEARTBEAT: Final = 15.0
"""Seconds of silence before a comment is sent, so that nobody between takes the connection for a dead one."""
TRUST: Final = 15.0
"""Seconds for which the word that session and rights hold is good. Nothing is sent on an older one."""
MOST_WAITING: Final = 64
"""Messages that wait for a slow reader. With more it is cut off, and comes back for what it missed."""
IDLE: Final = 600.0
"""Seconds without news after which a page is asked to come again: whoever is gone is found out so."""
AGAIN: Final = 1000
"""Milliseconds until a page comes again that was told to."""
BEAT: Final = b":\n\n"


class TooManyStreams(DomainError):
    """As many pages are open live as there may be. This one looks every few seconds instead."""

    http_status: ClassVar[int] = 429
    code: ClassVar[str] = "rate_limited"
    retry: ClassVar[bool] = True


@dataclass(eq=False)
class Stream:
    """A page that is told news. Everything happens on the event loop."""

    seat: Seat
    reader: Reader
    after: Place | None
    cut: Callable[[], None] | None = None
    """Ends the connection although its reader takes nothing more."""
    vouched: float = 0.0
    """When session and rights were last seen to hold, by the loop's clock."""
    _waiting: deque[bytes] = field(default_factory=deque)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _last: bytes | None = None
    ended: bool = False

    def offer(self, message: bytes) -> None:
        """Send it when the reader takes it. Who takes nothing for long is cut off."""
        if self.ended:
            return
        if len(self._waiting) >= MOST_WAITING:
            self.end(event("bye", "slow", retry=AGAIN))
            if self.cut is not None:
                self.cut()
            return
        self._waiting.append(message)
        self._arrived.set()

    def end(self, last: bytes) -> None:
        """Send this and nothing behind it; what still waited is not sent."""
        if self.ended:
            return
        self.ended, self._last = True, last
        self._waiting.clear()
        self._arrived.set()

    async def messages(self) -> AsyncIterator[bytes]:
        """What is sent, until the stream ends: by its own word, for its age, or because nothing happened for long."""
        loop = asyncio.get_running_loop()
        began = spoke = loop.time()
        while not self.ended:
            self._arrived.clear()
            if not self._waiting and not self.ended:
                try:
                    await asyncio.wait_for(self._arrived.wait(), HEARTBEAT)
                except TimeoutError:
                    yield BEAT
            at = loop.time()
            if at - self.vouched > TRUST:  # nobody could say whether it still may be sent anything
                self.end(event("bye", "unknown", retry=AGAIN))
            elif at - began > settings.LAM_FEED_LIFE_SECONDS or at - spoke > IDLE:
                self.end(event("bye", "age", retry=AGAIN))
            elif self._waiting:
                spoke = at
                yield self._waiting.popleft()
        if self._last is not None:
            yield self._last
