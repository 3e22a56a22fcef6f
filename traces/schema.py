"""Whether the database and this program are of one age: during an upgrade over several hosts they are not.

Migrations only add, and the newest program migrates first. A program that is older than its database does not know
what was added, perhaps a rule that it would have to keep. It therefore takes up no more work, and says why.
"""

import functools
import pkgutil
from collections.abc import Iterable
from importlib import import_module
from typing import Final

from django.db import connection

OURS: Final = ("accounts", "approvals", "lam_app", "tools", "traces")
APPLIED: Final = "SELECT app, name FROM django_migrations WHERE app = ANY (%s)"
NEWER: Final = "The database was migrated by a newer program, with {names}. Start that one; this one does nothing here."


@functools.cache
def known() -> frozenset[tuple[str, str]]:
    """The migrations that came with this program."""
    return frozenset(
        (app, found.name)
        for app in OURS
        for found in pkgutil.iter_modules(import_module(f"{app}.migrations").__path__)
        if found.name[0].isdigit()
    )


def unknown(applied: Iterable[tuple[str, str]]) -> str:
    """What a program says that does not know some of the applied migrations; empty where it knows them all."""
    strange = sorted(f"{app}.{name}" for app, name in set(applied) - known())
    return NEWER.format(names=", ".join(strange)) if strange else ""


def newer() -> str:
    """Why the database is too new for this program; empty where it is not. Without tables it is not."""
    return unknown(_applied())


def older() -> bool:
    """Whether migrations that came with this program have not been applied yet."""
    return bool(known() - _applied())


def _applied() -> set[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
        row = cursor.fetchone()
        if not (row and row[0]):
            return set()
        cursor.execute(APPLIED, [list(OURS)])
        return set(cursor.fetchall())
