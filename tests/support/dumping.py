"""All that a database holds, as text, to look for words that should be nowhere in it."""

from __future__ import annotations

from typing import Any

import psycopg


def found(admin: psycopg.Connection[Any], *words: str, but: frozenset[str] = frozenset()) -> dict[str, list[str]]:
    """Tables of every schema in which a word stands, and which; as text or as bytes. Without the tables ``but``."""
    tables = admin.execute(
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^(pg_|information_schema|baseline_)' ORDER BY 1, 2"
    ).fetchall()
    assert tables
    hits: dict[str, list[str]] = {}
    for schema, table in tables:
        if table in but:
            continue
        with admin.cursor().copy(f'COPY (SELECT t.* FROM "{schema}"."{table}" t) TO STDOUT') as out:
            text = b"".join(bytes(block) for block in out).lower()
        here = [word for word in words if word.lower().encode() in text or word.encode().hex().encode() in text]
        if here:
            hits[table] = here
    return hits
