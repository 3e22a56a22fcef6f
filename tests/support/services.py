"""PostgreSQL and Redis for the tests: one of each for a whole run, under a home of their own, gone afterwards."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lam_app.supervisor import database
from lam_app.supervisor.embedded import Postgres, Redis, passwords
from lam_app.supervisor.places import arrange
from lam_app.supervisor.programs import Program, launch, tail

SETTINGS = {"max_connections": "200", "track_commit_timestamp": "on"}
"""For many processes at once, and for tests that ask what was committed when."""


@dataclass(frozen=True)
class Services:
    """Addresses of running servers. `admin` may do everything, the others are the product's three accounts."""

    home: Path
    admin: str
    owner: str
    web: str
    worker: str
    redis: str


@contextlib.contextmanager
def running(program: Program, seconds: float = 30) -> Iterator[subprocess.Popen[bytes]]:
    """A program from ready to gone."""
    process = launch(program)
    try:
        end = time.monotonic() + seconds
        while not program.ready():
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{program.name} did not start:\n{tail(program.log)}")
            time.sleep(0.01)
        yield process
    finally:
        process.send_signal(program.stop_signal)
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            process.send_signal(program.last_signal)
            process.wait(8)


@contextlib.contextmanager
def services(*, durable: bool = False) -> Iterator[Services]:
    """A fresh cluster (not durable: tests throw it away) with the product's accounts, and a fresh Redis."""
    home = Path(tempfile.mkdtemp(prefix="countersign-test-"))
    shared = home
    try:
        places = arrange(home)
        shared = places.shared
        secrets = passwords(places.keys)
        postgres = Postgres(places, secrets["admin"], durable=durable, settings=SETTINGS)
        redis = Redis(places, secrets["redis"])
        postgres.prepare()
        redis.prepare()
        with running(postgres.program()), running(redis.program()):
            urls = database.prepare(postgres.url(), secrets, may_make_databases=True)
            yield Services(home, postgres.url(), urls["owner"], urls["web"], urls["worker"], redis.url())
    finally:
        shutil.rmtree(shared, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)
