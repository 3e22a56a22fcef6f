"""Hearing news: one connection to Redis for all organizations whose pages are open in this process.

Nothing depends on it. While Redis is away it tries again, and everybody looks by themselves.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

from django.conf import settings

from traces.news import channel

logger = logging.getLogger(__name__)

AGAIN: Final = 1.0
"""Seconds between attempts to reach Redis."""
LISTENING: Final = 0.25
"""Seconds at most until an organization that is new is listened to."""
ALIVE: Final = 5.0
"""Seconds of silence after which Redis is asked whether it is there."""


class Ears:
    """Calls ``heard`` with each organization of which there is news."""

    def __init__(self, heard: Callable[[uuid.UUID], None]) -> None:
        self._heard = heard
        self._wanted: dict[str, uuid.UUID] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def listen(self, organizations: Iterable[uuid.UUID]) -> None:
        """Listen to these and to no others; to nothing at all where there is none."""
        self._wanted = {channel(one): one for one in organizations}
        self._changed.set()
        if self._wanted and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._run())
        elif not self._wanted and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        from redis.asyncio import Redis
        from redis.exceptions import RedisError

        while settings.REDIS_URL:
            redis = Redis.from_url(
                settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=ALIVE, health_check_interval=ALIVE
            )
            try:
                await self._hear(redis.pubsub(ignore_subscribe_messages=True))
            except (RedisError, OSError) as error:
                logger.warning("news is not heard: %s", type(error).__name__)
            finally:
                with suppress(RedisError, OSError):
                    await redis.aclose()
            await asyncio.sleep(AGAIN)

    async def _hear(self, pubsub: Any) -> None:
        """Subscribe to what is wanted, and pass on what is heard, until the connection breaks."""
        subscribed: set[str] = set()
        async with pubsub:
            while True:
                self._changed.clear()
                wanted = set(self._wanted)
                if wanted - subscribed:
                    await pubsub.subscribe(*sorted(wanted - subscribed))
                    for one in wanted - subscribed:  # what was told before is not heard any more
                        self._heard(self._wanted[one])
                if subscribed - wanted:
                    await pubsub.unsubscribe(*sorted(subscribed - wanted))
                subscribed = wanted
                await self._until_changed(pubsub)

    async def _until_changed(self, pubsub: Any) -> None:
        while not self._changed.is_set():
            message = await pubsub.get_message(timeout=LISTENING)
            if message is None:
                continue
            name = message["channel"]
            organization = self._wanted.get(name.decode() if isinstance(name, bytes) else name)
            if organization is not None:
                self._heard(organization)
