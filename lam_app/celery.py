"""The Celery application. A message only says "look"; the truth is in PostgreSQL, so losing one costs a second."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, Task
from celery.signals import task_postrun, task_prerun
from django.db import close_old_connections

from tools.progress import mine

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


@task_postrun.connect
def wait_for_work(sender: Task[..., Any], **_: Any) -> None:
    """Between two tasks nobody is late."""
    if not sender.request.is_eager:
        mine.end()
