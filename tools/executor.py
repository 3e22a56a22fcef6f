"""claim, call, record: the only way to the world. All three are set-based; ``approvals.tasks`` composes them.

The ledger row exists before its tool is called. After a crash the tool's class decides what may be done about a row
without a record (promise 3): *keyed* is called again with the same key, *queryable* is asked first, *neither*
is never repeated. A new attempt begins only once the old claimer is known dead, and every attempt
raises the fence, so that a record by a worker that was overtaken is refused. Rows that change hands or wait for another
attempt are `tools.ledger`'s.
"""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import connection

from tools import registry
from tools.connecting import Call
from tools.contract import Contract, IdempotencyClass, Outcome, OutcomeStatus
from tools.ledger import EXECUTOR, MAX_ATTEMPTS, Later, Taken, as_json, as_text, given_up
from tools.models import Execution, Worker
from tools.permits import PermitClaims
from tools.presence import Presence
from tools.progress import go_on
from tools.states import STOPPED, ExecutionStatus
from tools.verifying import Verified, weighed
from traces.clock import Moment
from traces.exceptions import DomainError
from traces.ids import uuid7
from traces.models import Moving
from traces.services import Column, Guard, move
from traces.telemetry import span

PAUSE_MS = 1_000
"""How long a claimer may keep the locks of its scopes without a word to the database."""
PAUSE_SECONDS = 0.05
"""Before the second try; doubled before each one after it."""
UNSENT = Outcome.failed(STOPPED, "A stop was engaged before this was sent.")
"""What becomes of a claimed call that a stop found before it began: the row exists, and nothing has left."""


def _nothing() -> str:
    return ""


@dataclass(frozen=True)
class Claimed:
    """A ledger row that this process owns, with all it needs to make the call."""

    execution: uuid.UUID
    fence: int
    contract: Contract
    call: Call
    hindered: Callable[[], str] = _nothing
    """What forbids by now that it is repeated, which is a new call to the world: a stop, the key's end. Or nothing."""


def hold(scopes: Sequence[str]) -> None:
    """Lock these scopes against kills until the transaction ends: shared with other claims, exclusive for a kill.

    This has to be a statement of its own, before the claiming one: under READ COMMITTED only a statement that begins
    after the lock was granted sees what a kill committed while we waited for it.

    A worker that is paused while it holds the lock keeps a kill waiting for at most ``PAUSE_MS``: then PostgreSQL ends
    its session, and with it the transaction, which has claimed nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock_shared(hashtextextended(scope, 0)),"
            " set_config('idle_in_transaction_session_timeout', %s, true)"
            " FROM (SELECT DISTINCT unnest(%s::text[]) AS scope ORDER BY 1) ordered",
            [str(PAUSE_MS), list(scopes)],
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


def call(claimed: Claimed, presence: Presence, *, doubt: Outcome | None = None) -> Outcome | Later:
    """Make one call, outside of any transaction, and repeat it only where that is known to be harmless: at once, or
    Later where the tool asked for time or is asked anew what became of the call.

    A doubt is never forgotten: when a keyed call may have had its effect, a later attempt that did not even leave
    says nothing about the earlier one. ``doubt`` is one that an earlier attempt has left. A stop ends the
    repeating, and so does the end of the key's lifetime.
    """
    name, asked = claimed.contract.name, claimed.call
    told = {"gen_ai__operation__name": "execute_tool", "gen_ai__tool__name": name, "gen_ai__tool__type": "function"}
    ids = {"gen_ai__tool__call__id": str(asked.action), "gen_ai__conversation__id": str(asked.run)}
    ids["countersign__execution"] = str(claimed.execution)
    with span(f"execute_tool {name}", run=asked.run, **told, **ids) as mark:
        outcome = _call(claimed, presence, doubt)
        known = outcome.so_far if isinstance(outcome, Later) else outcome
        mark.add({"countersign.outcome": known.status.value, "countersign.again": isinstance(outcome, Later)})
        if known.status is not OutcomeStatus.DONE:
            mark.failed(known.status.value)
        return outcome


def _call(claimed: Claimed, presence: Presence, doubt: Outcome | None) -> Outcome | Later:
    reach = registry.connector(claimed.contract)
    kind = claimed.contract.idempotency.kind
    outcome = Outcome.failed("not_present", "This worker could not prove that it still owns the work.")
    first = claimed.call.attempt
    for attempt in range(first, max(first, MAX_ATTEMPTS) + 1):
        if attempt > first:
            time.sleep(PAUSE_SECONDS * 2 ** (attempt - first - 1))
            if why := claimed.hindered():
                doubt = given_up(doubt or outcome, why)
                break
        if not presence.proven():
            break
        go_on(claimed.contract.timeout)
        outcome = reach.call(claimed.contract, replace(claimed.call, attempt=attempt, clean=doubt is None))
        if outcome.status is OutcomeStatus.FAILED and outcome.sent is False:
            if outcome.retryable:
                continue
            break
        if outcome.status is OutcomeStatus.FAILED and outcome.retry_after is not None and attempt < MAX_ATTEMPTS:
            return Later(outcome.retry_after, attempt, outcome)  # it says itself that nothing was done
        if outcome.status is not OutcomeStatus.UNCERTAIN or kind is IdempotencyClass.NEITHER:
            return outcome
        doubt = outcome
        if kind is IdempotencyClass.QUERYABLE:
            go_on(claimed.contract.timeout)
            probed = reach.probe(claimed.contract, claimed.call)
            if probed is not None:
                return probed  # it is there, or the tool cannot say either
            # Absent, but the service may still be working on it: that is believed when it is said again later.
            return Later(max(claimed.contract.timeout, outcome.retry_after or 0), attempt, outcome)
        if outcome.retry_after is not None and attempt < MAX_ATTEMPTS:
            return Later(outcome.retry_after, attempt, outcome)
    return doubt or outcome


def recover(claimed: Claimed, presence: Presence, taken: Taken, *, hindered: str = "") -> Outcome | Later:
    """What to do about a row that was taken over from a dead claimer, or taken up after a wait.

    ``hindered`` says why another call must not be made: a stop is engaged, the key's lifetime is over, too many
    attempts were made. Then only a probe can still help.
    """
    kind, so_far = claimed.contract.idempotency.kind, taken.so_far
    try:
        reach = registry.connector(claimed.contract)
    except DomainError as gone:
        return so_far or Outcome.uncertain("connector_missing", gone.message)
    if so_far is not None and so_far.status is OutcomeStatus.FAILED:
        return given_up(so_far, hindered) if hindered else call(claimed, presence)
    doubt = so_far or Outcome.uncertain("worker_died", "The worker died before it could record what happened.")
    if kind is IdempotencyClass.QUERYABLE:
        go_on(claimed.contract.timeout)
        probed = reach.probe(claimed.contract, claimed.call)
        return probed or _absent(claimed, presence, taken, doubt, hindered)
    if kind is IdempotencyClass.KEYED and not hindered:
        return call(claimed, presence, doubt=doubt)
    return given_up(doubt, hindered) if so_far and hindered else doubt


def _absent(claimed: Claimed, presence: Presence, taken: Taken, doubt: Outcome, hindered: str) -> Outcome | Later:
    """A tool that knows nothing of the key: believed once it says so after a while, since the service may still have
    been working on the call before.
    """
    if taken.waited:
        absent = Outcome.failed("absent", "Asked twice, the tool knows nothing of it.", sent=None)
        return given_up(absent, hindered) if hindered else call(claimed, presence)
    if hindered:
        return Outcome.uncertain(
            "not_repeated", "Asked, the tool knows nothing of it, and it may not be sent again now."
        )
    return Later(claimed.contract.timeout, claimed.call.attempt - 1, doubt)


def verified(claimed: Claimed, outcome: Outcome) -> Outcome:
    """Ask the tool whether the effect holds that its answer speaks of, where it can be asked. Never raises.

    Before the record, since what is DONE stays DONE: an effect that its own tool does not find becomes UNCERTAIN, with
    the answer and the check as evidence. Whoever dies here leaves a claim that is recovered like any other.
    """
    contract = claimed.contract
    if outcome.status is not OutcomeStatus.DONE or not contract.verify:
        return outcome
    go_on(contract.timeout)
    try:
        found = registry.connector(contract).verify(contract, claimed.call, outcome.result)
        return weighed(outcome, found)
    except Exception as error:  # a connector's mistake says nothing against the answer
        return weighed(outcome, Verified.not_asked(f"Asking stopped with {type(error).__name__}."))


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
                "result": Column("text", [as_json(o.result) if o.result is not None else "" for _, o in group]),
                "error_code": Column("text", [as_text(o.error.code, 64) if o.error else "" for _, o in group]),
                "error_text": Column("text", [as_text(o.error.text) if o.error else "" for _, o in group]),
                "evidence": Column("text", [as_json({"sent": o.sent, **o.evidence}) for _, o in group]),
                "_fence": Column("integer", [c.fence for c, _ in group]),
            },
            changes={"finished_at": Moment()},
            guard=Guard("m.fence = asked._fence AND m.claimer_id = %(worker)s", {"worker": worker.id}),
            details={c.execution: _told(c, o) for c, o in group},
        )
        owned = {c.call.action for c, _ in group if c.execution in set(recorded)}
        settled += move(
            model,
            [c.call.action for c, _ in group if c.call.action in owned],
            "executing",
            status.value,
            actor=EXECUTOR,
            verb=status.value,
            reasons={c.call.action: as_text(o.error.text) for c, o in group if o.error},
            changes={"settled_at": Moment()} if status is not ExecutionStatus.UNCERTAIN else None,
        )
    return settled


def _told(claimed: Claimed, outcome: Outcome) -> dict[str, object]:
    """What the event of a record says: whether anything was sent, and what the tool's own check found."""
    check = {"verified": outcome.evidence["verified"]} if "verified" in outcome.evidence else {}
    return {"action": str(claimed.call.action), "sent": outcome.sent, **check}
