"""Plain SQL as an account of the product: what the database itself refuses, whoever asks."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
from django.db import connection
from psycopg.types.json import Jsonb

REFUSED = "CS001"
NO_RIGHT = "42501"


def connected_as(role: str, organization: uuid.UUID | None = None) -> psycopg.Connection[Any]:
    """A plain connection to the test database: web, worker, owner, or the cluster's admin, who is no part of it.

    The web account sees the rows of the organization that it is in, and none if it is in none.
    """
    name = "DATABASE_URL" if role == "owner" else f"COUNTERSIGN_TEST_{role.upper()}"
    speaking = psycopg.connect(os.environ[name], dbname=connection.settings_dict["NAME"])
    if organization:
        speaking.execute("SELECT set_config('lam.organization', %s, false)", [str(organization)])
        speaking.commit()
    return speaking


@contextlib.contextmanager
def speaking_as(role: str, organization: uuid.UUID | None = None) -> Iterator[psycopg.Connection[Any]]:
    """The connection of `connected_as`, closed behind the block."""
    with contextlib.closing(connected_as(role, organization)) as speaking:
        yield speaking


@contextlib.contextmanager
def without_guards() -> Iterator[psycopg.Connection[Any]]:
    """The cluster's administrator in a session that fires no triggers, to put rows where no road leads. Commits."""
    with speaking_as("admin") as admin:
        admin.execute("SET session_replication_role = replica")
        yield admin
        admin.commit()


def refusal(speaking: psycopg.Connection[Any], sql: str, params: Any = None) -> tuple[str, str]:
    """SQLSTATE and message of the refusal; ("", "") when it went through. Nothing is kept either way.

    Deferred triggers are asked too, as they would be at the commit.
    """
    try:
        speaking.execute(sql, params)
        speaking.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except psycopg.Error as error:
        return error.sqlstate or "?", error.diag.message_primary or str(error)
    finally:
        speaking.rollback()
    return "", ""


def copied(table: str, row: uuid.UUID, **changes: Any) -> tuple[str, list[Any]]:
    """An INSERT of a copy of this row with a new id and these changes."""
    fresh = {"id": uuid.uuid4(), **changes}
    value = Jsonb({name: str(v) if isinstance(v, uuid.UUID) else v for name, v in fresh.items()})
    insert = (
        f"INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, to_jsonb(t) || %s)).*"
        f" FROM {table} t WHERE t.id = %s"
    )
    return insert, [value, row]


EVENT = """
INSERT INTO traces_event (id, organization, actor_kind, actor_name, verb, subject_kind, subject, source, target,
                          transaction, digest)
VALUES (gen_random_uuid(),
        coalesce(nullif(current_setting('lam.organization', true), '')::uuid,
                 (SELECT a.organization_id FROM approvals_action a WHERE a.id = %(subject)s), gen_random_uuid()),
        'system', 'forger', 'forged', 'action', %(subject)s, '', %(target)s,
        pg_current_xact_id()::text::bigint, decode(repeat('00', 32), 'hex'))
"""
"""An event as a forger would write it to satisfy "a change of status is told"."""
