"""Ledger rows that change hands: taken over from the dead, put off until later, taken up again when the time has come.

A row that is put off is still claimed, yet nobody makes its call: the attempt before it has ended, and what is known of
it stands in the row. It is a row and not a thread that waits, so any executor takes it up, whatever became of the one
that put it off. Its permit was used when it was claimed, so the permit's end does not end the wait; a stop does.
"""

import json
import uuid
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from tools.contract import Error, Outcome, OutcomeStatus
from tools.models import Worker
from traces.canonical import canonical
from traces.exceptions import DomainError
from traces.redaction import hidden, hidden_in
from traces.services import Actor, Entry, record
from traces.text import storable

MAX_ATTEMPTS = 5
"""Calls that are made for one ledger row, all told."""
SO_FAR = "so_far"
"""Under this name the evidence of a waiting row says how it ends if no further call is made."""
EXECUTOR = Actor.system("executor")


@dataclass(frozen=True)
class Later:
    """A call that may be made again, though not now."""

    seconds: float
    attempt: int
    """The last attempt that was made."""
    so_far: Outcome
    """What is known, and recorded if there is no further attempt."""


@dataclass(frozen=True)
class Taken:
    """A ledger row that was taken over or taken up: under which fence, and whether its call may be repeated as far as
    attempts and the key's lifetime go.
    """

    execution: uuid.UUID
    fence: int
    attempt: int
    repeatable: bool
    so_far: Outcome | None = None
    """What the attempt before it left behind; None when its maker died, and nothing is known."""
    waited: bool = False
    """Whether the row was put off and its time has come."""


_TAKE = """
WITH free AS (
    SELECT e.id, e.retry_at, e.error_code, e.error_text, e.evidence
    FROM tools_execution e JOIN tools_worker w ON w.id = e.claimer_id
    WHERE e.status = 'claimed' AND e.action = %(action)s AND CASE
        WHEN e.retry_at IS NULL THEN w.ended_at IS NOT NULL
        ELSE %(early)s OR e.retry_at <= clock_timestamp() END
    FOR UPDATE OF e SKIP LOCKED
)
UPDATE tools_execution e
SET claimer_id = %(worker)s, fence = e.fence + 1, attempt = e.attempt + 1, claimed_at = clock_timestamp(),
    retry_at = NULL, error_code = '', error_text = '', evidence = ''
FROM free WHERE e.id = free.id
RETURNING e.id, e.fence, e.attempt,
          e.attempt <= %(attempts)s AND coalesce(e.key_expires_at > clock_timestamp(), true),
          free.retry_at IS NOT NULL, coalesce(free.retry_at <= clock_timestamp(), false),
          free.error_code, free.error_text, free.evidence
"""


def take_over(worker: Worker, action: uuid.UUID, *, early: bool = False) -> Taken | None:
    """Own the ledger row of an action whose claimer is known dead, or that waited and is due; None when somebody else
    was first. ``early`` takes what waits before its time.

    Call it after ``executor.hold``, like a claim. The fence is raised, so a claimer that was not dead after all records
    nothing; what was known is taken out of the row, since from now on another call may be under way.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"worker": worker.id, "action": action, "early": early, "attempts": MAX_ATTEMPTS})
        row = cursor.fetchone()
    if row is None:
        return None
    execution, fence, attempt, repeatable, was_waiting, due, code, text, evidence = row
    so_far = _known(code, text, evidence) if was_waiting else None
    return Taken(execution, fence, attempt, repeatable, so_far, due)


def put_off(execution: uuid.UUID, fence: int, later: Later, *, worker: Worker) -> bool:
    """Lay a row down until later, with what is known so far, and tell of it. False if it is no longer this worker's."""
    known, error = later.so_far, later.so_far.error
    assert error is not None
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE tools_execution
            SET retry_at = clock_timestamp() + make_interval(secs => %(seconds)s), attempt = %(attempt)s,
                error_code = %(code)s, error_text = %(text)s, evidence = %(evidence)s
            WHERE id = %(execution)s AND status = 'claimed' AND fence = %(fence)s AND claimer_id = %(worker)s
            RETURNING organization_id, run, action
            """,
            {
                "seconds": later.seconds,
                "attempt": later.attempt,
                "code": as_text(error.code, 64),
                "text": as_text(error.text),
                "evidence": as_json({"sent": known.sent, **known.evidence, SO_FAR: known.status.value}),
                "execution": execution,
                "fence": fence,
                "worker": worker.id,
            },
        )
        row = cursor.fetchone()
    if row is None:
        return False
    organization, run, action = row
    record(
        Entry(
            organization=organization,
            actor=EXECUTOR,
            verb="put_off",
            subject_kind="execution",
            subject=execution,
            run=run,
            reason=as_text(error.text),
            detail={"action": str(action), "attempt": later.attempt, "seconds": round(later.seconds, 3)},
        )
    )
    return True


def given_up(so_far: Outcome, why: str) -> Outcome:
    """What a waiting row ends as when it is not tried again, and why it was not."""
    assert so_far.error is not None
    return replace(so_far, error=Error(so_far.error.code, f"{so_far.error.text} It was not tried again: {why}."))


def _known(code: str, text: str, evidence: str) -> Outcome:
    """What a waiting row says of its last attempt. Anything but a plain "failed" is a doubt."""
    found: dict[str, Any] = json.loads(evidence)
    failed = found.pop(SO_FAR, "") == OutcomeStatus.FAILED.value
    sent = found.pop("sent", None)
    status = OutcomeStatus.FAILED if failed else OutcomeStatus.UNCERTAIN
    return Outcome(status, error=Error(code, text), sent=sent, evidence=found)


def as_json(value: object) -> str:
    """Canonical JSON without secrets, or a note that what came back is none: the call was made, so its record must not
    fail.
    """
    try:
        return canonical(hidden_in(value)).decode()
    except (DomainError, ValueError, TypeError, RecursionError):
        return canonical({"unreadable": type(value).__name__}).decode()


def as_text(text: str, limit: int = 4000) -> str:
    """What a tool said, as PostgreSQL can store it: no secret, no NUL, no half characters, not without end."""
    return storable(hidden(text[: 2 * limit])[:limit])
