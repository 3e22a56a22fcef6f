"""claim, call, record: the only way to the world. All three are set-based; ``approvals.tasks`` composes them.

The ledger row exists before its tool is called. After a crash the tool's class decides what may be done about a row
without a record (promise 3): *keyed* is called again with the same key, *queryable* is asked first, *neither*
is never repeated. A new attempt begins only once the old claimer is known dead, and every attempt
raises the fence, so that a record by a worker that was overtaken is refused.
"""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import connection

from tools import registry
from tools.connecting import Call
from tools.contract import Contract, IdempotencyClass, Outcome, OutcomeStatus
from tools.models import Execution, Worker
from tools.permits import PermitClaims
from tools.presence import Presence
from tools.states import ExecutionStatus
from traces.calls import storable
from traces.canonical import canonical
from traces.clock import now
from traces.exceptions import DomainError
from traces.ids import uuid7
from traces.models import Moving
from traces.services import Actor, Column, Guard, move

MAX_ATTEMPTS = 5
PAUSE_SECONDS = 0.05
"""Before the second try; doubled before each one after it."""
EXECUTOR = Actor.system("executor")


@dataclass(frozen=True)
class Claimed:
    """A ledger row that this process owns, with all it needs to make the call."""

    execution: uuid.UUID
    fence: int
    contract: Contract
    call: Call


def hold(scopes: Sequence[str]) -> None:
    """Lock these scopes against kills until the transaction ends: shared with other claims, exclusive for a kill.

    This has to be a statement of its own, before the claiming one: under READ COMMITTED only a statement that begins
    after the lock was granted sees what a kill committed while we waited for it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock_shared(hashtextextended(scope, 0))"
            " FROM (SELECT DISTINCT unnest(%s::text[]) AS scope ORDER BY 1) ordered",
            [list(scopes)],
        )
        cursor.fetchall()


def claim(
    model: type[Moving],
    permits: Sequence[PermitClaims],
    *,
    worker: Worker,
    tools: Mapping[uuid.UUID, uuid.UUID],
    lifetimes: Mapping[uuid.UUID, int | None],
    guard: Guard,
) -> dict[uuid.UUID, uuid.UUID]:
    """Move actions from PERMITTED to EXECUTING and write their ledger rows, in one statement, after ``hold``.

    ``tools`` and ``lifetimes`` give each action's tool and how many seconds its key is honoured. ``guard`` is the
    gate's word on what must still be true. Returns the execution of every action that was claimed; the others
    were not there any more, or were no longer allowed. A permit, an action or a key that is in the
    ledger already makes the whole statement fail: unique constraints, not care, keep a permit single-use.
    """
    ids = {p.action: uuid7() for p in permits}
    columns = {
        "_execution": Column("uuid", [ids[p.action] for p in permits]),
        "_permit": Column("uuid", [p.permit for p in permits]),
        "_key": Column("text", [p.key for p in permits]),
        "_tool": Column("uuid", [tools[p.action] for p in permits]),
        "_version": Column("uuid", [p.tool_version for p in permits]),
        "_arguments": Column("text", [p.arguments for p in permits]),
        "_request": Column("text", [p.request for p in permits]),
        "_digest": Column("text", [p.digest for p in permits]),
        "_revision": Column("uuid", [p.revision for p in permits]),
        "_policy": Column("uuid", [p.policy for p in permits]),
        "_epoch": Column("bigint", [p.epoch for p in permits]),
        "_deciders": Column("text", ["{" + ",".join(map(str, p.deciders)) + "}" for p in permits]),
        "_lifetime": Column("integer", [lifetimes[p.action] for p in permits]),
    }
    ledger = Guard(
        """ledger AS (
    INSERT INTO tools_execution (
        id, organization_id, action, run, permit, key, tool_id, tool_version_id, arguments_digest, request_digest,
        status, attempt, fence, claimer_id, claimed_at, key_expires_at, result, error_code, error_text, evidence)
    SELECT asked._execution, moved.organization_id, moved.id, moved.run_id, asked._permit, asked._key, asked._tool,
           asked._version, asked._arguments, asked._request, 'claimed', 1, 1, %(claimer)s, clock_timestamp(),
           clock_timestamp() + make_interval(secs => asked._lifetime), '', '', '', ''
    FROM moved JOIN asked ON asked.id = moved.id
)""",
        {"claimer": worker.id},
    )
    moved = move(
        model,
        [p.action for p in permits],
        "permitted",
        "executing",
        actor=EXECUTOR,
        verb="claimed",
        details={
            p.action: {"execution": str(ids[p.action]), "permit": str(p.permit), "key": p.key, "worker": str(worker.id)}
            for p in permits
        },
        each=columns,
        guard=guard,
        then=ledger,
        skip_locked=True,
    )
    return {action: ids[action] for action in moved}


def call(claimed: Claimed, presence: Presence) -> Outcome:
    """Make one call, outside of any transaction, and repeat it only where the tool's class makes that harmless.

    A doubt is never forgotten: when a keyed call may have had its effect, a later attempt that did not even leave
    says nothing about the earlier one.
    """
    reach = registry.connector(claimed.contract)
    kind = claimed.contract.idempotency.kind
    outcome = Outcome.failed("not_present", "This worker could not prove that it still owns the work.")
    doubt: Outcome | None = None
    for tried in range(MAX_ATTEMPTS):
        if tried:
            time.sleep(PAUSE_SECONDS * 2 ** (tried - 1))
        if not presence.proven():
            break
        outcome = reach.call(claimed.contract, replace(claimed.call, attempt=claimed.call.attempt + tried))
        if outcome.status is OutcomeStatus.FAILED and outcome.sent is False:
            if outcome.retryable:
                continue
            break
        if outcome.status is not OutcomeStatus.UNCERTAIN or kind is IdempotencyClass.NEITHER:
            return outcome
        if kind is IdempotencyClass.KEYED:
            doubt = outcome
        else:
            probed = reach.probe(claimed.contract, claimed.call)
            if probed is not None:
                return probed  # it is there, or the tool cannot say either
            # absent, and nobody else can have sent it: we are the claimer
    return doubt or outcome


@dataclass(frozen=True)
class Taken:
    """A ledger row that was taken over: under which fence, and whether its call may be repeated as far as attempts and
    the key's lifetime go.
    """

    execution: uuid.UUID
    fence: int
    attempt: int
    repeatable: bool


def take_over(worker: Worker, action: uuid.UUID) -> Taken | None:
    """Own the ledger row of an action whose claimer is known dead; None when somebody else was first.

    Call it after ``hold``, like a claim. The fence is raised, so a claimer that was not dead after all records nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH orphan AS (
                SELECT e.id FROM tools_execution e JOIN tools_worker w ON w.id = e.claimer_id
                WHERE e.status = 'claimed' AND w.ended_at IS NOT NULL AND e.action = %(action)s
                FOR UPDATE OF e SKIP LOCKED
            )
            UPDATE tools_execution e
            SET claimer_id = %(worker)s, fence = e.fence + 1, attempt = e.attempt + 1, claimed_at = clock_timestamp()
            FROM orphan WHERE e.id = orphan.id
            RETURNING e.id, e.fence, e.attempt,
                      e.attempt <= %(attempts)s AND coalesce(e.key_expires_at > clock_timestamp(), true)
            """,
            {"worker": worker.id, "action": action, "attempts": MAX_ATTEMPTS},
        )
        row = cursor.fetchone()
    return Taken(*row) if row else None


def recover(claimed: Claimed, presence: Presence, *, repeat: bool) -> Outcome:
    """What to do about a row whose first claimer died somewhere between claim and record.

    ``repeat`` is false where another call must not be made: a stop is engaged, the key's lifetime is over, or too many
    attempts were made. Then only a probe can still help.
    """
    kind = claimed.contract.idempotency.kind
    try:
        reach = registry.connector(claimed.contract)
    except DomainError as gone:
        return Outcome.uncertain("connector_missing", gone.message)
    if kind is IdempotencyClass.QUERYABLE:
        probed = reach.probe(claimed.contract, claimed.call)
        if probed is not None:
            return probed
        if repeat:
            return call(claimed, presence)
        return Outcome.uncertain(
            "not_repeated", "Asked, the tool knows nothing of it, and it may not be sent again now."
        )
    if kind is IdempotencyClass.KEYED and repeat:
        outcome = call(claimed, presence)
        if outcome.status is not OutcomeStatus.FAILED or outcome.sent:
            return outcome
        # Nothing left this time, which says nothing about the call that the dead worker may have made.
    return Outcome.uncertain("worker_died", "The worker died before it could record what happened.")


def record(claimed: Sequence[tuple[Claimed, Outcome]], model: type[Moving], *, worker: Worker) -> list[uuid.UUID]:
    """Write down what came of the calls and settle their actions, in the caller's transaction.

    Only rows that this worker still owns, under the fence it claimed them with, are written: a worker that was
    overtaken records nothing. Returns the actions that were settled.
    """
    settled: list[uuid.UUID] = []
    for status in (ExecutionStatus.DONE, ExecutionStatus.FAILED, ExecutionStatus.UNCERTAIN):
        group = [(c, o) for c, o in claimed if o.status.value == status.value]
        if not group:
            continue
        recorded = move(
            Execution,
            [c.execution for c, _ in group],
            ExecutionStatus.CLAIMED,
            status,
            actor=EXECUTOR,
            verb="recorded",
            each={
                "result": Column("text", [_text(o.result) if o.result is not None else "" for _, o in group]),
                "error_code": Column("text", [_plain(o.error.code, 64) if o.error else "" for _, o in group]),
                "error_text": Column("text", [_plain(o.error.text) if o.error else "" for _, o in group]),
                "evidence": Column("text", [_text({"sent": o.sent, **o.evidence}) for _, o in group]),
                "_fence": Column("integer", [c.fence for c, _ in group]),
            },
            changes={"finished_at": now()},
            guard=Guard("m.fence = asked._fence AND m.claimer_id = %(worker)s", {"worker": worker.id}),
            details={c.execution: {"action": str(c.call.action), "sent": o.sent} for c, o in group},
        )
        owned = {c.call.action for c, _ in group if c.execution in set(recorded)}
        settled += move(
            model,
            [c.call.action for c, _ in group if c.call.action in owned],
            "executing",
            status.value,
            actor=EXECUTOR,
            verb=status.value,
            reasons={c.call.action: _plain(o.error.text) for c, o in group if o.error},
            changes={"settled_at": now()} if status is not ExecutionStatus.UNCERTAIN else None,
        )
    return settled


def _text(value: object) -> str:
    """Canonical JSON, or a note that what came back is none: the call was made, so its record must not fail."""
    try:
        return canonical(value).decode()
    except (DomainError, ValueError, TypeError, RecursionError):
        return canonical({"unreadable": type(value).__name__}).decode()


def _plain(text: str, limit: int = 4000) -> str:
    """What a tool said, as PostgreSQL can store it: no NUL, no half characters, not without end."""
    return storable(text[:limit])
