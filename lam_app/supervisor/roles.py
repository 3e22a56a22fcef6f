"""What each process of the product does once it runs. Called in a process of its own, in its own environment."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

GRACE_SECONDS = 3  # for open streams, when the web role is asked to stop

BEHIND = 5
"""How far, in steps of nice, what works stands back behind what people wait for: a stop has to be answered while every
processor is busy with claims."""

QUEUES = {"gatekeeper": "gatekeeper", "planner": "planning", "executor": "execution"}


def load() -> None:
    """Import everything that roles need, before there is an environment: done once, in the nursery."""
    import celery.apps.worker
    import django
    import kombu.transport.redis
    import psycopg_pool
    import redis.asyncio
    import uvicorn.lifespan.on
    import uvicorn.protocols.http.auto
    import uvicorn.protocols.websockets.auto

    _ = (celery, kombu, psycopg_pool, redis, uvicorn)
    django.setup()
    import django.contrib.auth.backends
    import django.contrib.sessions.backends.db
    import django.contrib.staticfiles.finders
    import django.core.handlers.asgi
    import django.db.migrations.executor
    from django.urls import get_resolver

    import lam_app.celery

    lam_app.celery.app.loader.import_default_modules()  # the tasks
    get_resolver().url_patterns  # noqa: B018 (imports every page)


def refresh_settings() -> None:
    """Read the settings again: they were read before this process knew what it is."""
    import importlib

    from django.conf import settings
    from django.core.cache import caches
    from django.db import connections

    import lam_app.settings as module

    for wrapper in connections.all(initialized_only=True):
        if wrapper.connection is not None:
            raise RuntimeError("a database connection was opened before the fork")
        del connections[wrapper.alias]  # it remembers the settings of the nursery
    importlib.reload(module)
    for name in dir(module):
        if name.isupper():
            setattr(settings, name, getattr(module, name))
    # Both remember what they were configured with.
    connections.settings = connections.configure_settings(module.DATABASES)
    caches.settings = caches.configure_settings(module.CACHES)

    import lam_app.celery

    lam_app.celery.app.conf.update(broker_url=module.CELERY_BROKER_URL)


def run(role: str, arguments: dict[str, Any], ready: Callable[[], None]) -> None:
    """Be this role until told to stop; `ready` is called once it works."""
    if role == "web":
        web(arguments["host"], arguments["port"], ready)
    elif role == "prepare":
        prepare(arguments, ready)
    elif role == "sweeper":
        sweeper(ready)
    elif role == "sealer":
        sealer(ready)
    elif role == "day":
        day(arguments["office"], arguments["pages"], Path(arguments["mark"]), ready)
    else:
        refuse_newer()
        worker(role, arguments, ready)


def refuse_newer() -> None:
    """Do nothing with a database that a newer program has migrated. Ends the process, and says why in its log."""
    from django.db import connection

    from traces.schema import newer

    why = newer()
    connection.close()
    if why:
        print(why, file=sys.stderr, flush=True)
        raise SystemExit(78)  # EX_CONFIG


def web(host: str, port: int, ready: Callable[[], None]) -> None:
    """Serve the pages and the API."""
    from lam_app.serving import Server

    Server(host, port, ready, grace=GRACE_SECONDS).run()


def give_way() -> None:
    """Let pages have the processor first. What nobody else asks for is the worker's as before."""
    os.nice(BEHIND)


def worker(role: str, arguments: dict[str, Any], ready: Callable[[], None]) -> None:
    """A Celery worker on this role's queue: one task at a time, except planners, which wait for a model."""
    from celery.signals import worker_ready
    from psycopg import Error as DatabaseError

    from lam_app.celery import app
    from tools.presence import present

    give_way()

    def on_ready(**_: Any) -> None:
        # Before the first message: whoever watches over workers has to know of this one, too.
        try:
            present(role, serving=True)
        except DatabaseError:
            os._exit(75)  # a signal's mistakes are swallowed here, and a worker without its row is no worker
        ready()

    worker_ready.connect(on_ready, weak=False)
    if role == "executor":
        # A tool that cannot be imported is found out at the start, and not by the first action that was approved.
        from tools.registry import contracts

        contracts()
    threads = int(arguments.get("threads", 0))
    app.Worker(
        hostname=f"{arguments.get('name', role)}@{os.uname().nodename}",
        queues=[QUEUES[role]],
        pool="threads" if threads else "solo",
        concurrency=threads or 1,
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    ).start()


def sweeper(ready: Callable[[], None]) -> None:
    """Look for whatever a lost message left behind, every LAM_SWEEP_SECONDS."""
    from django.core.management import call_command

    ready()
    call_command("sweep")


def sealer(ready: Callable[[], None]) -> None:
    """Seal what was written, every LAM_SEAL_SECONDS."""
    from django.core.management import call_command

    give_way()
    ready()
    call_command("seal")


def prepare(arguments: dict[str, Any], ready: Callable[[], None]) -> None:
    """Apply the migrations that are missing, then the first rows (unless `seeded` says that they are there). A database
    that is older than what was already done is stopped here, before anybody can act on it; without the tables of this
    month and the next nothing starts.
    """
    from django.contrib.auth import get_user_model
    from django.core.management import call_command, get_commands
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from lam_app.demo import document_of
    from lam_app.rewind import quarantine
    from tools.registry import contracts
    from traces.partitions import make_ahead

    refuse_newer()
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=1, skip_checks=True)
    make_ahead()
    mark = Path(arguments["seeded"])
    password = os.environ.get("LAM_DEMO_PASSWORD", "")
    # The tools belong to it: one that was added or changed is offered at the next start.
    tools = ",".join(f"{contract.name}={contract.version_hash()}" for contract in contracts())
    office = arguments["office"]
    if office:
        tools = f"{tools},{office}={document_of(office)}"
    beginning = f"{arguments['demo']}:{password}:{connection.settings_dict['HOST']}:{tools}"
    wanted = hashlib.sha256(beginning.encode()).hexdigest()
    done = mark.exists() and mark.read_text() == wanted and get_user_model()._default_manager.exists()  # noqa: SLF001
    if "seed" in get_commands() and not done:
        call_command("seed", demo=arguments["demo"], password=password or None, office=office)
        mark.write_text(wanted)
    told = Path(arguments["quarantine"])
    why = quarantine()
    if why:
        told.write_text(why)
    else:
        told.unlink(missing_ok=True)
    connection.close()
    ready()


def day(office: str, pages: str, mark: Path, ready: Callable[[], None]) -> None:
    """Play the demo's first day; `mark` is written once it is over and says what is there now."""
    from django.db import connection

    from lam_app.demo import play_day

    ready()
    said = play_day(office, pages)
    connection.close()
    mark.write_text(said)
