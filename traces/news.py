"""Telling pages that something was written. Like the bell it is a hint: the rows hold what happened.

After a commit one word an organization goes through Redis. It carries nothing, so nothing can be learnt there, and what
anybody else puts there shows nobody anything: whoever hears it reads the rows. Who hears nothing looks by themselves.
Telling never raises, and holds the caller up no longer than the bell may.

Where nobody listens nothing is told for a while: most processes would otherwise pay for pages that nobody has open.
"""

from __future__ import annotations

import functools
import logging
import time
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from django.db import connection, transaction

from traces.doorbell import SILENCE_SECONDS, connect

if TYPE_CHECKING:
    from redis import Redis

logger = logging.getLogger(__name__)

KINDS: Final = frozenset({"action", "stop"})
"""What pages follow, by the word for it in events."""
NOBODY_SECONDS: Final = 1.0
"""How long an organization to which nobody listened is not told anything. Who begins to listen looks more often."""
MOST_REMEMBERED: Final = 10_000

_deaf_until: dict[uuid.UUID, float] = {}
_silent_until = 0.0


def channel(organization: uuid.UUID) -> str:
    """Where an organization's news is told."""
    return f"countersign:news:{organization}"


def tell(kind: str, organizations: Iterable[uuid.UUID]) -> None:
    """Tell whoever follows these organizations to look, once what was written is committed (at once outside of a
    transaction). A transaction tells each of them once, however much it wrote.
    """
    named = set(organizations) if kind in KINDS else set()
    if not named:
        return
    for _, waiting, *_ in connection.run_on_commit:
        if isinstance(waiting, _News):
            waiting.organizations |= named
            return
    transaction.on_commit(_News(named), robust=True)


class _News:
    """What is told after a commit."""

    def __init__(self, organizations: set[uuid.UUID]) -> None:
        self.organizations = organizations

    def __call__(self) -> None:
        for organization in self.organizations:
            _tell_now(organization)


def _tell_now(organization: uuid.UUID) -> None:
    global _silent_until
    at = time.monotonic()
    if at < max(_silent_until, _deaf_until.get(organization, 0.0)):
        return
    try:
        heard = _redis().publish(channel(organization), "")
    except Exception as error:  # Redis may fail in any way it likes: this is only a hint
        _silent_until = time.monotonic() + SILENCE_SECONDS
        logger.warning("news was not told; pages look by themselves", extra={"error": str(error)})
        return
    if heard:
        _deaf_until.pop(organization, None)
        return
    if len(_deaf_until) >= MOST_REMEMBERED:
        _deaf_until.clear()
    _deaf_until[organization] = at + NOBODY_SECONDS


@functools.cache
def _redis() -> Redis:
    return connect()
