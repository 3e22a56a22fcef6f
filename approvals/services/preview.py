"""preview: a tool is asked what a call would do, and its answer is written down once.

The row is the question; the message only says "look". An executor takes a row, asks outside of any transaction, and
answers. Asking is read-only, so a row whose executor died is asked again by the next; what nobody answers in time has
failed, and people look at it. `approvals.services.previewed` makes of an answer what it means.
"""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from approvals import binding
from approvals.models import Action, PreviewRow, Revision
from approvals.services.halt import UNDER_A_STOP
from tools.contract import Contract
from tools.models import Worker
from tools.previews import Look, Told
from traces.doorbell import ring
from traces.ids import uuid7
from traces.redaction import hidden_in

PATIENCE = timedelta(minutes=3)
"""How long an action waits for its preview."""
MOST_ATTEMPTS = 3
"""How many executors may die over one question."""

_WAITS = "a.revision = p.revision AND a.status IN ('proposed', 'in_review')"
_STOPPED = UNDER_A_STOP.sql.replace("m.scopes", "a.scopes")


def ask(action: Action, revision: Revision) -> None:
    """Write down that the tool is to be asked about this revision, which is the action's current one.

    Call it in the transaction that writes the revision. Any role may: only executors ask.
    """
    _row(action, revision)
    ring("approvals.tasks.run_previews")


def awaited(action: Action) -> bool:
    """Whether what stands is still to be judged with what its tool says. Nobody says yes to it before."""
    return PreviewRow.objects.filter(action=action, revision=action.revision, closed_at=None).exists()


def take(worker: Worker) -> PreviewRow | None:
    """The oldest question that nobody is asking, now this worker's; None where there is none.

    Nothing is asked for an action under a stop, nor for one that no longer waits for the answer.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE approvals_preview q
            SET claimer_id = %(worker)s, claimed_at = clock_timestamp(), attempts = q.attempts + 1
            FROM (
                SELECT p.id
                FROM approvals_preview p JOIN approvals_action a ON a.id = p.action_id
                LEFT JOIN tools_worker w ON w.id = p.claimer_id
                WHERE p.closed_at IS NULL AND p.state = 'asked' AND p.attempts < %(most)s AND {_WAITS}
                  AND (p.claimer_id IS NULL OR w.ended_at IS NOT NULL OR w.id = %(worker)s)
                  AND NOT {_STOPPED}
                ORDER BY p.id LIMIT 1 FOR UPDATE OF p SKIP LOCKED
            ) found
            WHERE q.id = found.id RETURNING q.id
            """,
            {"worker": worker.id, "most": MOST_ATTEMPTS},
        )
        row = cursor.fetchone()
    return PreviewRow.objects.select_related("action", "tool_version").get(id=row[0]) if row else None


def waits() -> bool:
    """Whether there is a question that somebody should ask."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT EXISTS (
                SELECT 1 FROM approvals_preview p JOIN approvals_action a ON a.id = p.action_id
                LEFT JOIN tools_worker w ON w.id = p.claimer_id
                WHERE p.closed_at IS NULL AND p.state = 'asked' AND {_WAITS}
                  AND (p.claimer_id IS NULL OR w.ended_at IS NOT NULL) AND NOT {_STOPPED})
            """
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def question(row: PreviewRow) -> tuple[Contract, Look]:
    """What to ask, from the bytes that are shown."""
    contract = Contract.from_json(row.tool_version.contract)
    return contract, looking_at(row.action, row.action.revisions.get(number=row.revision))


def looking_at(action: Action, revision: Revision) -> Look:
    """A revision as connectors are asked about it."""
    return Look(
        organization=action.organization_id,
        run=action.run,
        action=action.id,
        arguments=binding.parsed(revision.arguments),
        request=binding.parsed(revision.request),
    )


def answer(row: PreviewRow, told: Told, *, worker: Worker) -> bool:
    """Write an answer down. False where the question was given up or taken over meanwhile: then nobody needs it."""
    return _answered(row, told.state, told.content, told.digest, claimer=worker)


def keep(action: Action, about: Revision, told: Told, content: Mapping[str, Any], *, drifted: bool) -> None:
    """Write down what a tool said right before a call that is therefore not made. Its next revision rests on it.

    Call it in the transaction that voids the permit.
    """
    row = PreviewRow.objects.get(id=_row(action, about))
    _answered(row, told.state, content, told.digest, drifted=drifted, closed_at=Now())


def give_up() -> int:
    """End questions that nobody answers in time, and close those whose answer nobody needs. Returns how many failed."""
    seconds = int(PATIENCE.total_seconds())
    too_late = binding.text({"text": f"No answer came within {seconds} seconds."})
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE approvals_preview p SET closed_at = clock_timestamp()
            WHERE p.closed_at IS NULL
              AND NOT EXISTS (SELECT 1 FROM approvals_action a WHERE a.id = p.action_id AND {_WAITS})
            """
        )
        cursor.execute(
            f"""
            UPDATE approvals_preview p
            SET state = 'failed', answered_at = clock_timestamp(), content = %(content)s
            FROM approvals_action a
            WHERE a.id = p.action_id AND p.closed_at IS NULL AND p.state = 'asked' AND {_WAITS} AND NOT {_STOPPED}
              AND (p.asked_at < clock_timestamp() - make_interval(secs => %(seconds)s)
                   OR p.attempts >= %(most)s
                      AND EXISTS (SELECT 1 FROM tools_worker w WHERE w.id = p.claimer_id AND w.ended_at IS NOT NULL))
            """,
            {"content": too_late, "seconds": seconds, "most": MOST_ATTEMPTS},
        )
        return int(cursor.rowcount)


def _row(action: Action, revision: Revision) -> uuid.UUID:
    pk = uuid7()
    with connection.cursor() as cursor:  # the columns that any role may write, and no others
        cursor.execute(
            "INSERT INTO approvals_preview (id, organization_id, action_id, revision, tool_version_id,"
            " arguments_digest) VALUES (%s, %s, %s, %s, %s, %s)",
            [
                pk,
                action.organization_id,
                action.id,
                revision.number,
                revision.tool_version_id,
                revision.arguments_digest,
            ],
        )
    return pk


def _answered(
    row: PreviewRow, state: str, content: Mapping[str, Any], digest: str, *, claimer: Worker | None = None, **more: Any
) -> bool:
    rows = PreviewRow.objects.filter(id=row.id, state=PreviewRow.State.ASKED, claimer=claimer)
    written = rows.update(
        state=str(state), content=binding.text(hidden_in(content)), preconditions=digest, answered_at=Now(), **more
    )
    if written and claimer is not None:
        ring("approvals.tasks.rule_previewed")
    return written > 0
