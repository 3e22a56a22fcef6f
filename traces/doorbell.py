"""Telling a worker to look. The bell is a hint: PostgreSQL holds the work, and a sweep finds what no bell announced.

Rings are coalesced: while a ring is unanswered, further rings of the same task are dropped, because the task that
answers drains everything it finds. It answers *first* and looks *afterwards*, so a ring that arrives while
it looks is heard again. A ring never raises and never holds the caller up for longer than about a quarter of a second.
"""

from __future__ import annotations

import functools
import logging
import time
from typing import TYPE_CHECKING, Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from traces.telemetry import carry

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger(__name__)

# Which queue each task waits in. Queues are process types, so this is also who does what.
ROUTES: Final[dict[str, str]] = {
    "approvals.tasks.sign_permits": "gatekeeper",
    "approvals.tasks.rule_previewed": "gatekeeper",
    "approvals.tasks.execute_permitted": "execution",
    "approvals.tasks.run_previews": "execution",
    "approvals.tasks.probe_again": "execution",
    "lam_app.tasks.advance_runs": "planning",
    "approvals.tasks.replay_policies": "planning",
    "approvals.tasks.send_notices": "planning",
}

UNANSWERED_MS: Final = 1000  # a lost message silences its bell for no longer than this
WAIT_SECONDS: Final = 0.1  # for each answer of Redis
SILENCE_SECONDS: Final = 0.5  # after a failure nobody waits for Redis again for this long

_silent_until = 0.0


def ring(task_name: str) -> None:
    """Ask for `task_name` to be run soon, once the current transaction has committed (at once outside of one).

    Raises KeyError for a task that has no queue: that is a mistake in the program, not weather.
    """
    from django.db import transaction

    queue = ROUTES[task_name]
    transaction.on_commit(functools.partial(_ring_now, task_name, queue), robust=True)


def answered(task_name: str) -> None:
    """Called first by the task: from now on a new ring is a new message."""
    try:
        _redis().delete(_key(task_name))
    except Exception as error:  # Redis may fail in any way it likes: the bell is only a hint
        _fell_silent(task_name, error)


def works() -> bool:
    """Whether the bell has not failed just now: what it rang for was heard, if anybody listens."""
    return time.monotonic() >= _silent_until


def _ring_now(task_name: str, queue: str) -> None:
    if time.monotonic() < _silent_until:
        return
    try:
        if _redis().set(_key(task_name), "1", nx=True, px=UNANSWERED_MS) or _silenced(task_name):
            _app().send_task(task_name, queue=queue, retry=False, ignore_result=True, headers=carry())
    except Exception as error:  # see answered()
        _fell_silent(task_name, error)


def _silenced(task_name: str) -> bool:
    """Whether the mark of an unanswered ring would stay longer than any of ours: somebody else set it. It is ours again
    then, or whoever once wrote to Redis would have stopped every role for ever.
    """
    redis, key = _redis(), _key(task_name)
    left = redis.pttl(key)
    if 0 <= left <= UNANSWERED_MS:
        return False
    return bool(redis.set(key, "1", px=UNANSWERED_MS))


def _fell_silent(task_name: str, error: Exception) -> None:
    global _silent_until
    _silent_until = time.monotonic() + SILENCE_SECONDS
    logger.warning(
        "the bell did not ring; the sweep will find the work", extra={"task": task_name, "error": str(error)}
    )


def _key(task_name: str) -> str:
    return f"countersign:bell:{task_name}"


@functools.cache
def _redis() -> Redis:
    return connect()


def connect() -> Redis:
    """A client for hints: it gives up soon and tries nothing twice."""
    from django.conf import settings

    return Redis.from_url(
        settings.REDIS_URL or "redis://127.0.0.1:1/0",
        socket_timeout=WAIT_SECONDS,
        socket_connect_timeout=WAIT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


@functools.cache
def _app() -> Celery:
    from django.conf import settings
    from django.utils.module_loading import import_string

    found: Celery = import_string(settings.CELERY_APP)
    return found
