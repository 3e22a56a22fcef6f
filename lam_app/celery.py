"""The Celery application. A message only says "look"; the truth is in PostgreSQL, so losing one costs a second."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any

from celery import Celery, Task
from celery.signals import task_postrun, task_prerun
from django.db import close_old_connections

from tools.progress import mine
from traces.doorbell import ROUTES
from traces.telemetry import CARRIED, Mark, configured, span

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lam_app.settings")

app = Celery("countersign")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.worker_consumer = "lam_app.consumer:Consumer"
app.autodiscover_tasks()


@task_prerun.connect
def look_at_the_connection(sender: Task[..., Any], **_: Any) -> None:
    """Workers keep one connection: ask whether it still lives, or each restart of PostgreSQL costs a task."""
    if not sender.request.is_eager:
        mine.begin()
        close_old_connections()
    if configured():
        _begin(sender)


@task_postrun.connect
def wait_for_work(sender: Task[..., Any], state: str | None = None, **_: Any) -> None:
    """Between two tasks nobody is late."""
    if not sender.request.is_eager:
        mine.end()
    if configured():
        _end(sender, state)


_under_way: dict[str | None, tuple[ExitStack, Mark]] = {}
"""The spans of tasks that have begun here, by the task's id."""


def _begin(task: Task[..., Any]) -> None:
    """A span over the task, which follows from the one in which its message was sent."""
    queue, carried = ROUTES.get(task.name, ""), (task.request.headers or {}).get(CARRIED, "")
    attributes: dict[str, Any] = {
        "messaging__system": "celery",
        "messaging__operation__type": "process",
        "messaging__destination__name": queue,
        "countersign__task": task.name,
    }
    stack = ExitStack()
    mark = stack.enter_context(span(f"process {queue}", kind="consumer", carried=carried, **attributes))
    _under_way[task.request.id] = (stack, mark)


def _end(task: Task[..., Any], state: str | None) -> None:
    stack, mark = _under_way.pop(task.request.id, (ExitStack(), Mark()))
    if state == "FAILURE":
        mark.failed("_OTHER")
    stack.close()
