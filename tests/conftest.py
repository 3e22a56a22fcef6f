"""One PostgreSQL and one Redis for the whole run; Django learns of them before it reads its settings.

The tests run as the owner account, which made the tables; `as_web` and `as_worker` are connections of the accounts
that the product's processes use. Those see committed rows only: pair them with `transactional_db`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from tests.support.world import World

_running = contextlib.ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers in the process that was called; xdist's workers inherit their addresses."""
    if "PYTEST_XDIST_WORKER" not in os.environ and not config.option.collectonly:
        from tests.support.services import services

        found = _running.enter_context(services(durable=os.environ.get("DURABLE") == "1"))
        for name in [name for name in os.environ if name.startswith(("LAM_", "OPENAI_"))]:
            del os.environ[name]
        os.environ |= {
            "LAM_HOME": str(found.home),
            "LAM_ROLE": "owner",
            "LAM_TOOLS": ",".join(
                f"tests.support.{name}" for name in ("tools", "undo_tools", "paying", "seeing", "bulk_tools")
            ),
            "DATABASE_URL": found.owner,
            "REDIS_URL": found.redis,
            "SECRET_KEY": secrets.token_urlsafe(40),
            "COUNTERSIGN_TEST_ADMIN": found.admin,
            "COUNTERSIGN_TEST_WEB": found.web,
            "COUNTERSIGN_TEST_WORKER": found.worker,
        }
    os.environ["DJANGO_SETTINGS_MODULE"] = "lam_app.settings"
    import django

    django.setup()  # only now: the settings read the addresses above


def pytest_unconfigure() -> None:
    """Stop what was started."""
    _running.close()


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The address of the run's Redis. Workers of a parallel run share it: name keys after your rows."""
    return os.environ["REDIS_URL"]


@pytest.fixture
def as_web(world: World) -> Iterator[psycopg.Connection]:
    """The test database as the web account, in organization ``demo``."""
    from tests.support.sql import speaking_as

    with speaking_as("web", world.organization.id) as connection:
        yield connection


@pytest.fixture
def as_worker() -> Iterator[psycopg.Connection]:
    """The test database as the worker account."""
    from tests.support.sql import speaking_as

    with speaking_as("worker") as connection:
        yield connection


@pytest.fixture(scope="session", autouse=True)
def _rows_are_cleared_by_the_administrator() -> None:
    """Transactional tests clear their rows; the product's triggers refuse that to everybody, owner included."""
    from django.test import TransactionTestCase

    from tests.support.baseline import clear

    TransactionTestCase._fixture_teardown = lambda _: clear()  # type: ignore[method-assign]


@pytest.fixture(scope="session", autouse=True)
def _nobody_is_present_at_the_end(django_db_setup: None, django_db_blocker: object) -> Iterator[None]:
    """A worker's presence holds a connection, and a database with connections cannot be dropped."""
    yield
    from tools.presence import leave

    leave()


@pytest.fixture
def cheap_passwords(settings: object) -> None:
    """People are made by the dozen here; a slow hash would be most of a test's time."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # type: ignore[attr-defined]


@pytest.fixture
def world(transactional_db: None, cheap_passwords: None) -> World:
    """Two organizations with their people and tools, committed, so that other connections see them."""
    from tests.support.world import make_world

    return make_world()


@pytest.fixture(scope="session", autouse=True)
def permit_keys() -> None:
    """Keys for signing and verifying permits, in the run's own home."""
    from pathlib import Path

    from lam_app.supervisor.keys import permit_keys as make

    home = Path(os.environ["LAM_HOME"])
    make(home / "keys" / "permit.pem", home / "public" / "permit.pub.pem")
