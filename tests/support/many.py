"""Rows by the thousand, copied in the database from one that came about the usual way; and the list as a page shows it.

Copies are put there by the cluster's administrator in a session that fires no triggers: no road leads to so many.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

import psycopg
from django.test import Client

from approvals.models import Action
from tests.support.sql import without_guards

ROW = re.compile(r'<a class="row" data-risk="\w+" data-action="([^"]+)"')
NEXT = re.compile(r'href="/\?([^"]*)">Show the next ones')


def copies(
    admin: psycopg.Connection[Any],
    action: uuid.UUID,
    number: int,
    *,
    fresh: str = "gen_random_uuid()",
    revisions: bool = True,
    **columns: str,
) -> None:
    """So many copies of an action and of its current revision. ``columns`` are SQL over ``n``, which counts from 1.

    A copy has an id and a run of its own, made by ``fresh``, and a revision; everything else is the original's.
    """
    own = {"id": "made.id", "run": "made.run", "step": "1", **columns}
    made = f"SELECT n, {fresh} AS id, {fresh} AS run FROM generate_series(1, %s) AS n"
    admin.execute("DROP TABLE IF EXISTS made")
    admin.execute(f"CREATE TEMP TABLE made AS {made}", [number])  # type: ignore[arg-type]
    _copied(admin, "approvals_action", own, "t.id = %s", action)
    if not revisions:
        return
    revision = {"id": "gen_random_uuid()", "action_id": "made.id"}
    _copied(admin, "approvals_revision", revision, "t.action_id = %s", action)


def _copied(admin: psycopg.Connection[Any], table: str, own: dict[str, str], which: str, action: uuid.UUID) -> None:
    names = [
        row[0]
        for row in admin.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            [table],
        )
    ]
    taken = ", ".join(own.get(name, f't."{name}"') for name in names)
    listed = ", ".join(f'"{name}"' for name in names)
    insert = f"INSERT INTO {table} ({listed}) SELECT {taken} FROM made CROSS JOIN {table} t WHERE {which}"
    admin.execute(insert, [action])  # type: ignore[arg-type]


def shaped(action: Action, **columns: str) -> Action:
    """The action with these columns, as SQL, put there by the administrator."""
    sets = ", ".join(f"{name} = {value}" for name, value in columns.items())
    with without_guards() as admin:
        admin.execute(f"UPDATE approvals_action SET {sets} WHERE id = %s", [action.pk])  # type: ignore[arg-type]
    action.refresh_from_db()
    return action


def listed(client: Client, query: str = "") -> list[uuid.UUID]:
    """The ids in the list of this view, from the top; its first page."""
    return rows_of(page(client, query))


def page(client: Client, query: str = "") -> str:
    """The inbox as this person sees it."""
    answer = client.get(f"/?{query}" if query else "/")
    assert answer.status_code == 200, answer.content.decode()[:400]
    return str(answer.content.decode())


def rows_of(text: str) -> list[uuid.UUID]:
    """The ids in a page's list, from the top."""
    return [uuid.UUID(found) for found in ROW.findall(text)]


def next_of(text: str) -> str:
    """The query of the next page; empty on the last."""
    found = NEXT.search(text)
    return found[1].replace("&amp;", "&") if found else ""


def count_of(text: str, lane: str) -> str:
    """What the side bar says a lane holds."""
    found = re.search(rf'href="/\?lane={lane}"[^>]*>[^<]*<span class="count"[^>]*>([^<]*)<', text)
    return found[1] if found else "none"
