"""Old records, without waiting for them: events and model calls as if they had been written long ago."""

from __future__ import annotations

import hashlib
import os
import uuid
from datetime import UTC, datetime, timedelta

from tests.support.sql import without_guards
from traces.ids import first_of

_WHEN = """CASE WHEN EXISTS (SELECT 1 FROM traces_block) THEN pg_current_xact_id()::text::bigint
ELSE (SELECT coalesce(min(transaction), pg_current_xact_id()::text::bigint) FROM traces_event) END"""


def long_ago(days: int) -> datetime:
    """So many days before now."""
    return datetime.now(UTC) - timedelta(days=days)


def old_events(
    organization: uuid.UUID,
    count: int,
    days: int,
    *,
    run: uuid.UUID | None = None,
    actor: uuid.UUID | None = None,
    detail: str = '{"what":"it was"}',
) -> list[uuid.UUID]:
    """Events of so many days ago, each with its detail.

    Before anything is sealed they count as written with the oldest event there is: the sealer takes them first. Taken
    behind newer ones they would be what a verifier alarms about, events written long before what was sealed earlier.
    """
    made = []
    with without_guards() as admin:
        for place in range(count):
            event = uuid.UUID(int=first_of(long_ago(days)).int + int.from_bytes(os.urandom(6)) + place)
            salt = os.urandom(16)
            admin.execute(
                "INSERT INTO traces_eventdetail (event, organization, salt, detail) VALUES (%s, %s, %s, %s)",
                [event, organization, salt, detail],
            )
            admin.execute(
                "INSERT INTO traces_event (id, organization, at, actor_kind, actor, actor_name, verb, subject_kind,"
                " subject, run, transaction, digest) VALUES (%s, %s, %s, %s, %s, 'somebody', 'happened', 'thing',"
                f" gen_random_uuid(), %s, {_WHEN}, %s)",
                [
                    event, organization, long_ago(days), "person" if actor else "system", actor, run,
                    hashlib.sha256(salt + detail.encode()).digest(),
                ],
            )  # fmt: skip
            made.append(event)
    return made


def old_call(organization: uuid.UUID, days: int, *, run: uuid.UUID | None = None, text: str = "a prompt") -> uuid.UUID:
    """A model call of so many days ago, with one piece of a prompt; the call's id."""
    call = uuid.UUID(int=first_of(long_ago(days)).int + int.from_bytes(os.urandom(6)))
    with without_guards() as admin:
        row = admin.execute(
            "INSERT INTO traces_promptpart (id, organization, sha256, content) VALUES (gen_random_uuid(), %s, %s, %s)"
            " ON CONFLICT (organization, sha256) DO UPDATE SET content = excluded.content RETURNING id",
            [organization, hashlib.sha256(text.encode()).digest(), text],
        ).fetchone()
        assert row is not None
        admin.execute(
            "INSERT INTO traces_trace (id, organization, run, step, at, model, roles, parts, answer, schema_digest,"
            " latency_ms) VALUES (%s, %s, %s, 1, %s, 'm', '{user}', %s, 'an answer', 'sha256:0', 1)",
            [call, organization, run or uuid.uuid4(), long_ago(days), [row[0]]],
        )
    return call
