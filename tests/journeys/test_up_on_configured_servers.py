"""With DATABASE_URL and REDIS_URL set, `up` uses those servers: over TCP, with passwords, starting none of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from lam_app.supervisor.embedded import Postgres, Redis, passwords
from lam_app.supervisor.places import arrange
from tests.support.services import running
from tests.support.up import Up, free_port, sign_in

pytestmark = pytest.mark.slow
PASSWORD = "p@ss/word: with everything"
QUOTED = "p%40ss%2Fword%3A%20with%20everything"


@dataclass(frozen=True)
class Servers:
    """Servers that belong to somebody else."""

    admin: str
    postgres: str  # host:port
    redis: str


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    home = Path(tempfile.mkdtemp(prefix="countersign-elsewhere-"))
    places = arrange(home)
    secrets = passwords(places.keys)
    postgres = Postgres(places, secrets["admin"], port=free_port(), durable=False)
    redis = Redis(places, "redis-pass", port=free_port())
    postgres.prepare()
    redis.prepare()
    try:
        with running(postgres.program()), running(redis.program()):
            admin = postgres.url(database="postgres")
            with psycopg.connect(admin, autocommit=True) as connection:
                for name, rights in (("installer", "CREATEROLE CREATEDB"), ("nobody_much", "")):
                    connection.execute(f"CREATE ROLE {name} LOGIN {rights} PASSWORD '{PASSWORD}'")
            yield Servers(admin, f"127.0.0.1:{postgres.port}", f"redis://:redis-pass@127.0.0.1:{redis.port}/0")
    finally:
        shutil.rmtree(places.shared, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def address(servers: Servers, user: str, password: str = QUOTED) -> str:
    return f"postgresql://{user}:{password}@{servers.postgres}/elsewhere"


def refused(**settings: str) -> str:
    up = Up(**settings)
    try:
        up.output.write_bytes(b"")
        up.spawn()
        assert up.process is not None
        assert up.process.wait(30) == 1
        assert "Traceback" not in up.said
        return up.said
    finally:
        up.clean()


def test_an_account_without_rights_is_told_which_sql_to_run(servers: Servers) -> None:
    with psycopg.connect(servers.admin, autocommit=True) as connection:
        connection.execute("CREATE DATABASE given")
    said = refused(DATABASE_URL=address(servers, "nobody_much").replace("elsewhere", "given"), REDIS_URL=servers.redis)
    assert "CREATE ROLE countersign_web LOGIN" in said
    assert "CREATEROLE" in said


def test_a_wrong_password_is_refused_and_not_repeated(servers: Servers) -> None:
    said = refused(DATABASE_URL=address(servers, "installer", "wrong-one"), REDIS_URL=servers.redis)
    assert "DATABASE_URL" in said
    assert "wrong-one" not in said


def test_it_runs_on_servers_over_tcp_with_passwords(servers: Servers) -> None:
    with Up(DATABASE_URL=address(servers, "installer"), REDIS_URL=servers.redis) as up:
        assert "/login" not in sign_in(up.url, "operator")
        assert "PostgreSQL: embedded" not in up.said
        assert "Redis: embedded" not in up.said
        assert not [process for process in up.family if process.name() in {"postgres", "redis-server"}]
        with psycopg.connect(servers.admin, dbname="elsewhere") as connection:
            users = {
                name
                for (name,) in connection.execute("SELECT usename FROM pg_stat_activity WHERE datname = 'elsewhere'")
            }
            assert {"countersign_web", "countersign_worker"} <= users
        assert up.stop() < 10
        assert up.start() < 15  # the accounts exist now; nothing is made again
