"""What a worker takes from its queue: bells that it answers. Everything else is thrown away, whatever it looks like.

Celery ends a worker over a message that it cannot read, and puts the message back when it ends: one forged message
would stop a role for ever. And a message in the wrong queue must not make the gatekeeper, which can read
the private key, run tools.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from celery.worker import consumer

from traces.doorbell import ROUTES

logger = logging.getLogger(__name__)


class Consumer(consumer.Consumer):
    """Celery's consumer, which rejects what is not a bell of this worker's own queues."""

    connection_errors: tuple[type[Exception], ...]
    channel_errors: tuple[type[Exception], ...]

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Any], None]:
        """The function that gets every message."""
        handle = super().create_task_handler(*args, **options)
        ours = frozenset(task for task, queue in ROUTES.items() if queue in self.app.amqp.queues.consume_from)

        def take(message: Any) -> None:
            headers = message.headers if isinstance(message.headers, dict) else {}
            name = headers.get("task")
            if not isinstance(name, str) or name not in ours:
                self._throw_away(message, "not a task of this worker")
                return
            try:
                handle(message)
            except Exception as error:
                # A lost connection is Celery's to mend; a message that was acknowledged has been run.
                if message.acknowledged or isinstance(error, self.connection_errors + self.channel_errors):
                    raise
                self._throw_away(message, type(error).__name__)

        return take

    def _throw_away(self, message: Any, why: str) -> None:
        logger.error("a message was thrown away: %s", why)
        message.reject_log_error(logger, self.connection_errors)
