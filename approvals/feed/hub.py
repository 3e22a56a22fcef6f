"""All open pages of a process: one subscription to Redis, one look at the rows an organization, told to each reader.

    news in Redis, or two seconds over -> one look -> packed once for readers alike -> each stream's own queue

Redis only says when to look. A look is one statement of a thread that gives its connection back, and so is the question
whether sessions and rights still hold, asked for all pages together. Nothing is held while pages wait.
"""

import asyncio
import logging
import uuid
import weakref
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from accounts.rows import within
from accounts.signed_in import Seat, standing
from approvals.feed.ears import Ears
from approvals.feed.packing import Reader, caught_up, event, parcels
from approvals.feed.streams import AGAIN, Stream, TooManyStreams
from approvals.reading import changes
from approvals.reading.changes import Look, here
from approvals.reading.feed import Sees

logger = logging.getLogger(__name__)

POLL: Final = 2.0
"""Seconds between looks of which nothing told."""
EAGER: Final = 0.25
"""The same for the first EAGER_FOR seconds, until writers know that somebody listens."""
EAGER_FOR: Final = 2.5
GATHER: Final = 0.04
"""Seconds between the word and the look, in which more is written that one look finds."""
SHARE: Final = 2
"""A look is followed by a rest of so many times as long as it took: a flood of events is read in larger pieces."""
PAUSE: Final = 1.0
"""Seconds after a look that failed."""
THREADS: Final = 2
T = TypeVar("T")


class Hub:
    """The streams of one process. Made and used on its event loop."""

    def __init__(self) -> None:
        self.streams: set[Stream] = set()
        self.closed = False
        self._watches: dict[uuid.UUID, Watch] = {}
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="feed")
        self._ears = Ears(self._heard)
        self._checking: asyncio.Task[None] | None = None
        self._beside: set[asyncio.Task[None]] = set()

    def refuse_more(self, seat: Seat) -> None:
        """Raise TooManyStreams where a person, an organization or the process has as many pages open as it may."""
        there = tuple(self.streams)  # whoever asks may be another thread
        mine = sum(one.seat.user == seat.user for one in there)
        ours = sum(one.seat.organization == seat.organization for one in there)
        if mine >= settings.LAM_FEED_PAGES_PERSON or ours >= settings.LAM_FEED_PAGES_ORGANIZATION:
            raise TooManyStreams
        if len(there) >= settings.LAM_FEED_PAGES:
            raise TooManyStreams

    async def told(self, stream: Stream) -> AsyncIterator[bytes]:
        """What a page is told, from what it has missed on, until one of both ends it."""
        if self.closed:
            yield event("bye", "stopping", retry=AGAIN)
            return
        try:
            self.refuse_more(stream.seat)
        except TooManyStreams:
            yield event("full", retry=10 * AGAIN)
            return
        self._join(stream)
        try:
            yield f"retry: {AGAIN}\n\n".encode()
            await self.catch_up(stream)
            async for message in stream.messages():
                yield message
        finally:
            self._leave(stream)

    async def catch_up(self, stream: Stream) -> None:
        """Send what it has missed. It is told live already: what both find is told twice, and nothing is missed."""
        try:
            news = await self.apart(caught_up, stream.reader, stream.after)
        except (DatabaseError, InterfaceError):
            stream.end(event("bye", "unavailable", retry=2 * AGAIN))
            return
        stream.offer(news.message())

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside everything else."""
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    def stop(self) -> None:
        """Say goodbye to every page, and let none in any more."""
        self.closed = True
        for stream in list(self.streams):
            stream.end(event("bye", "stopping", retry=AGAIN))

    async def apart(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do this in a thread of the feed's own, which gives its connection back."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _giving_back, work, arguments)

    def _join(self, stream: Stream) -> None:
        stream.vouched = asyncio.get_running_loop().time()
        self.streams.add(stream)
        organization = stream.seat.organization
        if organization not in self._watches:
            self._watches[organization] = Watch(self, organization)
            self._ears.listen(self._watches)
        self._watches[organization].streams.add(stream)
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check())

    def _leave(self, stream: Stream) -> None:
        self.streams.discard(stream)
        watch = self._watches.get(stream.seat.organization)
        if watch is not None:
            watch.streams.discard(stream)
            if not watch.streams:
                watch.task.cancel()
                del self._watches[stream.seat.organization]
                self._ears.listen(self._watches)
        if not self.streams and self._checking is not None:
            self._checking.cancel()

    def _heard(self, organization: uuid.UUID) -> None:
        if organization in self._watches:
            self._watches[organization].word.set()

    async def _check(self) -> None:
        """Ask again and again whether sessions and rights hold, for all pages at once."""
        while self.streams:
            await asyncio.sleep(settings.LAM_FEED_CHECK_SECONDS)
            asked = {stream: stream.reader.sees for stream in self.streams}
            began = asyncio.get_running_loop().time()
            try:
                rights = await self.apart(rights_of, {stream.seat: sees for stream, sees in asked.items()})
            except (DatabaseError, InterfaceError) as error:  # nothing is sent on an old word: see Stream
                logger.warning("rights of open pages could not be asked for: %s", type(error).__name__)
                continue
            for stream, before in asked.items():
                sees = rights.get(stream.seat)
                if sees is None or sees.roles != before.roles:
                    stream.end(event("revoked"))
                else:
                    stream.vouched = began
                    stream.reader = Reader(sees, stream.reader.wants)


class Watch:
    """Follows one organization's record for the pages of a process."""

    def __init__(self, hub: Hub, organization: uuid.UUID) -> None:
        self.hub, self.organization = hub, organization
        self.streams: set[Stream] = set()
        self.word = asyncio.Event()
        self.task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        reader: changes.Reader | None = None
        while True:
            try:
                if reader is None:
                    place = await self.hub.apart(_here, self.organization)
                    reader = changes.Reader(place)
                at = loop.time()
                reader, full = await self._look(reader)
                await asyncio.sleep(max(GATHER, SHARE * (loop.time() - at)))
                if full:
                    continue
            except (DatabaseError, InterfaceError) as error:
                logger.warning("the feed could not look: %s", type(error).__name__)
                await asyncio.sleep(PAUSE)
            except Exception:  # a page that is told nothing must not look as if nothing happened
                logger.exception("the feed could not tell what it found")
                for stream in list(self.streams):
                    stream.end(event("bye", "unavailable", retry=5 * AGAIN))
                reader = None
                await asyncio.sleep(PAUSE)
            wait = EAGER if loop.time() - began < EAGER_FOR else POLL
            try:
                await asyncio.wait_for(self.word.wait(), wait)
                await asyncio.sleep(GATHER)
            except TimeoutError:
                pass
            self.word.clear()

    async def _look(self, reader: changes.Reader) -> tuple[changes.Reader, bool]:
        """One look, told to everybody: from where the next one goes on, and whether there may be more."""
        audience = {stream.reader for stream in self.streams}
        reader, found, made = await self.hub.apart(_looked, reader, audience)
        for stream in list(self.streams):
            if stream.reader not in made:  # it came, or its rights changed, while we looked
                if found.changes:
                    stream.after = None
                    self.hub.later(self.hub.catch_up(stream))
                continue
            message = made[stream.reader]
            if message is not None:
                stream.offer(message)
        return reader, found.full


def rights_of(asked: dict[Seat, Sees]) -> dict[Seat, Sees]:
    """Who of these still sits there, with the rights of this moment."""
    held: dict[Seat, Sees] = {}
    known: dict[uuid.UUID, Sees] = {}
    for seat, place in standing(asked).items():
        with within(seat.organization):
            if place.pk not in known:
                known[place.pk] = Sees.of(place)
        held[seat] = known[place.pk]
    return held


def _here(organization: uuid.UUID) -> changes.Place:
    with within(organization):
        return here(organization)


def _looked(
    reader: changes.Reader, audience: Collection[Reader]
) -> tuple[changes.Reader, Look, dict[Reader, bytes | None]]:
    further = reader.copy()
    with within(reader.place.organization):
        found = further.next()
        if not found.changes:
            return further, found, dict.fromkeys(audience)
        return further, found, parcels(found, further.place, audience)


def _giving_back(work: Callable[..., T], arguments: tuple[Any, ...]) -> T:
    try:
        return work(*arguments)
    finally:
        if not connection.in_atomic_block:
            connection.close()


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = weakref.WeakKeyDictionary()


def hub() -> Hub:
    """The process's own, which belongs to the loop that runs."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


def refuse_more(seat: Seat) -> None:
    """Raise TooManyStreams where one page more would be too many; asked by a thread, before an answer begins."""
    for one in list(_hubs.values()):
        if not one.closed:
            one.refuse_more(seat)
