"""The seeded beginning of every test, made once and put back by copying: seeding anew would be most of a test's time.

The rows are cleared and restored by the cluster's administrator, in a session that fires no triggers. The product's
guards refuse all of this to every account of the product, owner included.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable

import psycopg
from django.db import connection

# Made by migrations, or belonging to processes that outlive a test.
KEPT = {"django_migrations", "django_content_type", "auth_permission", "tools_worker"}


def _administrator() -> psycopg.Connection[tuple[str]]:
    name = connection.settings_dict["NAME"]
    admin = psycopg.connect(os.environ["COUNTERSIGN_TEST_ADMIN"], dbname=name, autocommit=True)
    admin.execute("SET session_replication_role = replica")
    return admin


def _tables(admin: psycopg.Connection[tuple[str]], schema: str) -> list[str]:
    rows = admin.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1",
        [schema],
    ).fetchall()
    return [row[0] for row in rows if row[0] not in KEPT]


def clear() -> None:
    """Leave no row behind. Deleting is many times faster than truncating, for tables that hold next to nothing."""
    with _administrator() as admin:
        admin.execute("; ".join(f'DELETE FROM public."{name}"' for name in _tables(admin, "public")))  # type: ignore[arg-type]


def begin(seed: Callable[[], None], *, tools: Iterable[str]) -> None:
    """The seeded rows, in a database without any: by ``seed`` the first time, by copying ever after.

    What is seeded depends on the installed ``tools``, so each set of them has a beginning of its own.
    """
    baseline = f"baseline_{zlib.crc32(','.join(sorted(tools)).encode()):08x}"
    with _administrator() as admin:
        kept = _tables(admin, baseline)
        if kept:
            copies = (f'INSERT INTO public."{name}" SELECT * FROM {baseline}."{name}"' for name in kept)
            admin.execute("; ".join(copies))  # type: ignore[arg-type]
            return
        seed()
        admin.execute(f"CREATE SCHEMA {baseline}")  # type: ignore[arg-type]
        for name in _tables(admin, "public"):
            admin.execute(f'CREATE TABLE {baseline}."{name}" AS TABLE public."{name}"')  # type: ignore[arg-type]
