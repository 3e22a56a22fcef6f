"""execute: what the executor needs of the gate: which permits there are, and whether each fits the bytes it is for."""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import DataError, IntegrityError, connection, transaction
from django.db.models.functions import Now

from approvals import binding
from approvals.claims import still_wanted
from approvals.models import Action, Permit
from approvals.services import permit as permit_service
from approvals.services.rejudge import Seen, foreseen, rejudge
from approvals.states import ActionStatus
from tools import registry
from tools.connecting import Call
from tools.contract import Contract
from tools.ledger import Taken
from tools.models import Execution
from tools.permits import PermitClaims, PermitRefused, verify
from tools.queries import voided_sql
from traces.clock import now
from traces.exceptions import DomainError
from traces.services import Actor, Entry, record

logger = logging.getLogger(__name__)
EXECUTOR = Actor.system("executor")


@dataclass(frozen=True)
class Waiting:
    """A permitted action with its verified permit and the call that it leaves."""

    action: Action
    claims: PermitClaims
    contract: Contract
    call: Call
    foreseen: str = ""
    """The digest of what the tool said beforehand; empty where it said nothing."""


def waiting(limit: int) -> list[Waiting]:
    """Permitted actions whose permits hold and that no stop keeps back, oldest first. What does not hold is refused,
    remembered and sent back.
    """
    free = Action.objects.filter(status=ActionStatus.PERMITTED).let_go()
    permits = list(
        Permit.objects.filter(action__in=free, revoked_at=None, expires_at__gt=Now())
        .select_related("action", "action__tool", "revision", "tool_version")
        .order_by("action_id")[:limit]
    )
    ready: list[Waiting] = []
    for permit in permits:
        try:
            ready.append(fit(permit))
        except permit_service.UNREADABLE as error:
            why = error.message if isinstance(error, DomainError) else f"Unreadable: {type(error).__name__}."
            _send_back(permit, why)
    return ready


def refuse(waiting: Waiting, why: str) -> None:
    """Remember that a permit was refused at the claim, void it, and let people look again."""
    _send_back(Permit.objects.select_related("action").get(id=waiting.claims.permit), why)


def return_unclaimed(waiting: list[Waiting]) -> int:
    """What could not be claimed and still stands permitted is examined as the gatekeeper would: if something changed
    since it was decided on, it goes back to people. Returns how many did.

    Another executor's claim, a stop and an expired permit are no reason: somebody else deals with those. A stop that
    was engaged and released in between has voided the permit for good, and nobody else would find that out.
    """
    claims = {w.action.id: w.claims for w in waiting}
    returned = 0
    for action in Action.objects.filter(id__in=claims, status=ActionStatus.PERMITTED).select_related("tool"):
        ready = permit_service.examine(action)
        if ready is None:
            returned += not Action.objects.filter(id=action.id, status=ActionStatus.PERMITTED).exists()
        elif ready.claims.epoch != claims[action.id].epoch:
            returned += rejudge(action, actor=EXECUTOR, why="A stop was engaged after this was permitted.")
    return returned


def fit(permit: Permit) -> Waiting:
    """Check a permit's signature, and that it covers exactly the bytes that would be sent.

    The request is prepared anew from the stored arguments: what leaves is what was hashed (promise 1).
    Raises PermitRefused.
    """
    claims = verify(permit.token)
    action, revision = permit.action, permit.revision
    contract = Contract.from_json(permit.tool_version.contract)
    arguments = binding.parsed(revision.arguments)
    request = registry.connector(contract).prepare(contract, arguments)
    expected = {
        "permit": permit.id,
        "organization": action.organization_id,
        "run": action.run,
        "step": action.step,
        "action": action.id,
        "revision": revision.id,
        "digest": action.digest,
        "tool": action.tool_name,
        "tool_version": permit.tool_version_id,
        "tool_hash": contract.version_hash(),
        "arguments": binding.arguments_digest(arguments),
        "request": binding.request_digest(request),
        "policy": permit.policy_version_id,
        "maturity": action.maturity,
        "deciders": tuple(sorted(permit.deciders)),
        "epoch": permit.epoch,
        "key": binding.idempotency_key(action.run, action.step),
    }
    wrong = sorted(name for name, value in expected.items() if getattr(claims, name) != value)
    if wrong:
        raise PermitRefused(f"The permit was signed for something else: {', '.join(wrong)}.")
    return Waiting(
        action=action,
        claims=claims,
        contract=contract,
        call=Call(
            organization=action.organization_id,
            run=action.run,
            action=action.id,
            key=claims.key,
            request=request,
            arguments=arguments,
        ),
        foreseen=foreseen(revision) if contract.preview or contract.lookups else "",
    )


@dataclass(frozen=True)
class Again:
    """The call of an action that was claimed before. With ``refused``, which says why, it must not be made."""

    contract: Contract
    call: Call
    refused: str
    claims: PermitClaims | None = None


def call_again(action: Action, *, attempt: int) -> Again:
    """The call of an action that was claimed before, for its recovery: same bytes, same key, same permit, a later
    attempt.

    The ledger names the permit, and its signature is checked once more: a row that somebody wrote is no leave to call.
    """
    ledger = Execution.objects.select_related("tool_version").get(action=action.id)
    try:
        permit = Permit.objects.select_related("action", "revision", "tool_version").get(id=ledger.permit)
        if permit.action_id != action.id or permit.tool_version_id != ledger.tool_version_id:
            raise PermitRefused("The ledger names a permit for something else.")
        again = fit(permit)
        return Again(again.contract, replace(again.call, attempt=attempt), "", again.claims)
    except permit_service.UNREADABLE as error:
        logger.exception("a claimed call is not covered by its permit", extra={"action": str(action.id)})
        refused = error.message if isinstance(error, DomainError) else f"Unreadable: {type(error).__name__}."
    nothing = Call(organization=action.organization_id, run=action.run, action=action.id, key=ledger.key, request={})
    return Again(Contract.from_json(ledger.tool_version.contract), nothing, refused)


def _send_back(permit: Permit, why: str) -> None:
    action = permit.action
    with transaction.atomic():
        record(
            Entry(
                organization=action.organization_id,
                actor=EXECUTOR,
                verb="permit_refused",
                subject_kind="action",
                subject=action.id,
                run=action.run,
                reason=why,
                detail={"permit": str(permit.id)},
            )
        )
    send_back(action, why)


def send_back(action: Action, why: str, *, seen: Seen | None = None) -> bool:
    """Void the permit of a call that must not be made, and have it judged again. Returns whether this caller did it.

    What cannot even be judged again loses its permit all the same: it must keep no other call from being made.
    """
    try:
        return rejudge(action, actor=EXECUTOR, why=why, seen=seen)
    except (*permit_service.UNREADABLE, DataError, IntegrityError):
        logger.exception("an action could not be sent back", extra={"action": str(action.id)})
        live = action.permits.filter(revoked_at=None)
        return live.update(revoked_at=now(), revoked_because=why) > 0


_STOPPED = voided_sql("a", "coalesce(p.epoch, 0)")


def unfinished(limit: int) -> list[Action]:
    """Claimed actions whose call nobody is making and somebody should look at, oldest first: their claimer is known
    dead; they wait for another attempt whose time has come; or they wait under a stop, which ends the wait.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT a.id
            FROM tools_execution e JOIN approvals_action a ON a.id = e.action JOIN tools_worker w ON w.id = e.claimer_id
            LEFT JOIN approvals_permit p ON p.id = e.permit
            WHERE e.status = 'claimed' AND CASE
                WHEN e.retry_at IS NULL THEN w.ended_at IS NOT NULL
                ELSE e.retry_at <= clock_timestamp() OR {_STOPPED} END
            ORDER BY e.id LIMIT %s
            """,
            [limit],
        )
        ids = [row[0] for row in cursor.fetchall()]
    return list(Action.objects.filter(id__in=ids).order_by("id"))


def stopped(action: Action) -> bool:
    """Whether a stop keeps a claimed action from being called again. Ask it after ``executor.hold``."""
    return bool(stopped_among([action.id]))


def stopped_among(actions: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these claimed actions a stop is over, or was since their permits were signed. What is not there any
    more counts as stopped.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT a.id
            FROM approvals_action a LEFT JOIN tools_execution e ON e.action = a.id
            LEFT JOIN approvals_permit p ON p.id = e.permit
            WHERE a.id = ANY (%s) AND NOT {_STOPPED}
            """,
            [list(actions)],
        )
        return set(actions) - {row[0] for row in cursor.fetchall()}


def forbidden(action: uuid.UUID) -> str:
    """Why a call under way must not be repeated, though it would be harmless otherwise; empty where it may."""
    if stopped_among([action]):
        return "a stop was engaged"
    over = Execution.objects.filter(action=action, key_expires_at__lte=Now())
    return "the tool has forgotten its key" if over.exists() else ""


def hindrance(action: Action, again: Again, taken: Taken, *, stopped: bool) -> str:
    """Why the call of an action that was claimed before must not be made again; empty where it may."""
    if stopped:
        return "a stop was engaged"
    if not taken.repeatable:
        return "it was tried often enough, or the tool has forgotten its key"
    if taken.so_far is not None and (again.claims is None or not still_wanted(action, again.claims)):
        return "what was decided no longer holds"
    return ""
