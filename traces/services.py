"""How things are remembered: ``record`` writes events, ``move`` changes a status and tells of it in one statement.

``move`` is the only function in the product that changes a status. It is set-based: a hundred rows cost one
round trip and one commit. Fewer rows back than asked means that somebody was first, which is a fact
of the domain and not an error here; callers decide what to say.
"""

import hashlib
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from traces.canonical import canonical
from traces.clock import Moment
from traces.ids import uuid7
from traces.models import Moving
from traces.news import KINDS, tell
from traces.redaction import hidden, hidden_in
from traces.telemetry import here

REFUSALS_A_MINUTE = 120
"""How many refused attempts of one actor are remembered in a minute; a flood must not fill the record."""


@dataclass(frozen=True)
class Actor:
    """Who did it: a person, an agent, or a process of the product itself."""

    kind: str  # person | agent | system
    id: uuid.UUID | None
    name: str

    @classmethod
    def system(cls, name: str) -> "Actor":
        """One of our own processes: ``gatekeeper``, ``executor``, ``sweeper``, …"""
        return cls("system", None, name)


@dataclass(frozen=True)
class Entry:
    """One event to be written; the database adds the time and the transaction."""

    organization: uuid.UUID
    actor: Actor
    verb: str
    subject_kind: str
    subject: uuid.UUID
    source: str = ""
    target: str = ""
    reason: str = ""
    run: uuid.UUID | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Guard:
    """What must still be true of a row, as SQL over the alias ``m``, judged inside the moving statement."""

    sql: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """A value of its own for every row that is moved: PostgreSQL's type and the values, in the order of the ids."""

    pg_type: str
    values: Sequence[Any]


def _open_span() -> dict[str, str]:
    """The span that is open here, for the events that are written in it."""
    trace_id, span_id = here()
    return {"trace_id": trace_id, "span_id": span_id}


def _sealable(detail: Mapping[str, Any]) -> tuple[bytes, str, bytes]:
    """Salt, canonical text, and the digest that the envelope carries (SHA-256 of salt and text)."""
    salt = os.urandom(16)
    text = canonical(hidden_in(detail))
    return salt, text.decode(), hashlib.sha256(salt + text).digest()


_EVENT_COLUMNS = (
    "id, organization, at, actor_kind, actor, actor_name, verb, subject_kind, subject, source, target, reason, run,"
    " trace_id, span_id, transaction, digest"
)

_RECORD = f"""
WITH said AS (
    SELECT * FROM unnest(
        %(id)s::uuid[], %(organization)s::uuid[], %(actor_kind)s::text[], %(actor)s::uuid[], %(actor_name)s::text[],
        %(verb)s::text[], %(subject_kind)s::text[], %(subject)s::uuid[], %(source)s::text[], %(target)s::text[],
        %(reason)s::text[], %(run)s::uuid[], %(salt)s::bytea[], %(detail)s::text[], %(digest)s::bytea[]
    ) AS t(id, organization, actor_kind, actor, actor_name, verb, subject_kind, subject, source, target, reason, run,
           salt, detail, digest)
), kept AS (
    INSERT INTO traces_eventdetail (event, organization, salt, detail) SELECT id, organization, salt, detail FROM said
)
INSERT INTO traces_event ({_EVENT_COLUMNS})
SELECT id, organization, clock_timestamp(), actor_kind, actor, actor_name, verb, subject_kind, subject, source, target,
       reason, run, %(trace_id)s, %(span_id)s, pg_current_xact_id()::text::bigint, digest
FROM said
"""


def record(*entries: Entry) -> None:
    """Write events in the current transaction, all in one statement."""
    if not entries:
        return
    sealed = [_sealable(entry.detail) for entry in entries]
    params: dict[str, Any] = {
        "id": [uuid7() for _ in entries],
        "organization": [e.organization for e in entries],
        "actor_kind": [e.actor.kind for e in entries],
        "actor": [e.actor.id for e in entries],
        "actor_name": [e.actor.name for e in entries],
        "verb": [e.verb for e in entries],
        "subject_kind": [e.subject_kind for e in entries],
        "subject": [e.subject for e in entries],
        "source": [e.source for e in entries],
        "target": [e.target for e in entries],
        "reason": [hidden(e.reason) for e in entries],
        "run": [e.run for e in entries],
        "salt": [s[0] for s in sealed],
        "detail": [s[1] for s in sealed],
        "digest": [s[2] for s in sealed],
        **_open_span(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, params)
    for kind in KINDS:
        tell(kind, {e.organization for e in entries if e.subject_kind == kind})


def refused(entry: Entry) -> None:
    """Remember an attempt that was refused, in a transaction of its own, so that it survives the caller's rollback.

    Must be called outside the transaction that failed. What one actor goes on trying beyond REFUSALS_A_MINUTE is not
    remembered.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM traces_event WHERE organization = %s AND actor = %s"
            " AND verb = 'refused' AND id >= traces_first_id(clock_timestamp() - interval '1 minute') LIMIT %s) recent",
            [entry.organization, entry.actor.id, REFUSALS_A_MINUTE],
        )
        row = cursor.fetchone()
    if row and row[0] >= REFUSALS_A_MINUTE:
        return
    with transaction.atomic(durable=not connection.in_atomic_block):
        record(entry)


def move(
    model: type[Moving],
    ids: Iterable[uuid.UUID],
    source: str,
    target: str,
    *,
    actor: Actor,
    verb: str,
    reason: str = "",
    reasons: Mapping[uuid.UUID, str] | None = None,
    details: Mapping[uuid.UUID, Mapping[str, Any]] | None = None,
    changes: Mapping[str, Any] | None = None,
    each: Mapping[str, Column] | None = None,
    guard: Guard | None = None,
    then: Guard | None = None,
    skip_locked: bool = False,
) -> list[uuid.UUID]:
    """Move rows along one edge and write their events: compare-and-set and memory in one statement.

    ``changes`` sets columns alike on all rows (a ``Moment`` by the database's clock), ``each`` a value a row (which
    ``then`` can read from ``asked`` too).
    ``guard`` narrows which rows may still move, ``reasons`` gives single rows a reason of their own, ``then`` adds a
    common table expression over ``moved`` (such as the ledger's insert). Rows are locked in the order of their ids, so
    that two movers cannot deadlock; ``skip_locked`` leaves out what another mover holds instead of waiting for it.

    Returns the ids that moved. Raises ValueError for an edge that the machine does not have: that is a mistake
    in the product, never a matter of timing.
    """
    asked = list(dict.fromkeys(ids))
    if not model.machine.allows(source, target):
        raise ValueError(f"{model.machine.name}: no edge from {source} to {target}")
    if not asked:
        return []
    details = details or {}
    sealed = [_sealable(details.get(row, {})) for row in asked]
    each = each or {}
    columns = {f"each_{name}": list(column.values) for name, column in each.items()}
    table = model._meta.db_table
    unnested = "".join(f", %(each_{name})s::{column.pg_type}[]" for name, column in each.items())
    names = "".join(f", {name}" for name in each)
    # A leading underscore marks a value that only ``then`` reads; it is no column of the moving table.
    assigned = "".join(f", {name} = asked.{name}" for name in each if not name.startswith("_"))
    assigned += "".join(f", {name} = {_written(name, value)}" for name, value in (changes or {}).items())
    sql = f"""
WITH asked AS (
    SELECT * FROM unnest(
        %(ids)s::uuid[], %(events)s::uuid[], %(salts)s::bytea[], %(texts)s::text[], %(digests)s::bytea[],
        %(reasons)s::text[]{unnested}
    ) AS t(id, event, salt, detail, digest, reason{names})
), held AS (
    SELECT m.id FROM {table} m JOIN asked ON asked.id = m.id
    WHERE m.status = %(source)s {"AND (" + guard.sql + ")" if guard else ""}
    ORDER BY m.id FOR UPDATE OF m {"SKIP LOCKED" if skip_locked else ""}
), moved AS (
    UPDATE {table} m SET status = %(target)s{assigned}
    FROM asked JOIN held ON held.id = asked.id
    WHERE m.id = held.id AND m.status = %(source)s
    RETURNING m.id, m.organization_id, m.{model.run_column} AS run_id, asked.event
), told AS (
    INSERT INTO traces_event ({_EVENT_COLUMNS})
    SELECT moved.event, moved.organization_id, clock_timestamp(), %(actor_kind)s, %(actor)s::uuid, %(actor_name)s,
           %(verb)s, %(kind)s, moved.id, %(source)s, %(target)s, asked.reason, moved.run_id,
           %(trace_id)s, %(span_id)s, pg_current_xact_id()::text::bigint, asked.digest
    FROM moved JOIN asked ON asked.id = moved.id
), kept AS (
    INSERT INTO traces_eventdetail (event, organization, salt, detail)
    SELECT moved.event, moved.organization_id, asked.salt, asked.detail FROM moved JOIN asked ON asked.id = moved.id
){", " + then.sql if then else ""}
SELECT id, organization_id FROM moved
"""
    params: dict[str, Any] = {
        "ids": asked,
        "events": [uuid7() for _ in asked],
        "salts": [s[0] for s in sealed],
        "texts": [s[1] for s in sealed],
        "digests": [s[2] for s in sealed],
        "source": source,
        "target": target,
        "actor_kind": actor.kind,
        "actor": actor.id,
        "actor_name": actor.name,
        "verb": verb,
        "kind": model.event_kind,
        **_open_span(),
        "reasons": [hidden((reasons or {}).get(row, reason)) for row in asked],
        **columns,
        **{f"set_{name}": _bare(value) for name, value in (changes or {}).items()},
        **(dict(guard.params) if guard else {}),
        **(dict(then.params) if then else {}),
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        moved = cursor.fetchall()
    tell(model.event_kind, {row[1] for row in moved})
    return [row[0] for row in moved]


def _written(name: str, value: object) -> str:
    """The SQL that a column is set to."""
    if isinstance(value, Moment):
        return f"clock_timestamp() + make_interval(secs => %(set_{name})s)"
    return f"%(set_{name})s"


def _bare(value: object) -> object:
    return float(value.after) if isinstance(value, Moment) else value
