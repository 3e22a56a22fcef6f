"""happened, did_not_happen: a person found out what became of a call whose outcome nobody knew."""

import uuid
from datetime import datetime
from typing import Any

from accounts.actors import person
from accounts.models import User
from approvals.exceptions import ReasonMissing
from approvals.models import Action, Decision
from approvals.services.deciding import decided, free, freshly_signed_in, remembers_refusals, shown, take
from approvals.states import ActionStatus
from tools.models import Execution
from tools.states import ExecutionStatus
from traces.clock import Moment
from traces.doorbell import ring
from traces.services import move


@remembers_refusals("happened")
def happened(
    *,
    actor: User,
    organization: uuid.UUID,
    action_id: uuid.UUID,
    digest: str,
    reason: str = "",
    signed_in_at: datetime | None = None,
) -> Decision:
    """The effect is there: the action is done. ``signed_in_at`` is when the person last gave a password in this
    session: on high risk a word that is final asks for as much as a yes. Raises ReasonMissing, and as ``take``,
    ``shown`` and ``freshly_signed_in``."""
    said: dict[str, Any] = {"actor": actor, "digest": digest, "reason": reason, "signed_in_at": signed_in_at}
    return _settle(organization=organization, action_id=action_id, happened=True, **said)


@remembers_refusals("did_not_happen")
def did_not_happen(
    *,
    actor: User,
    organization: uuid.UUID,
    action_id: uuid.UUID,
    digest: str,
    reason: str = "",
    signed_in_at: datetime | None = None,
) -> Decision:
    """There is no effect: the action failed. Raises as ``happened``."""
    said: dict[str, Any] = {"actor": actor, "digest": digest, "reason": reason, "signed_in_at": signed_in_at}
    return _settle(organization=organization, action_id=action_id, happened=False, **said)


def _settle(
    *,
    actor: User,
    organization: uuid.UUID,
    action_id: uuid.UUID,
    digest: str,
    reason: str,
    signed_in_at: datetime | None,
    happened: bool,
) -> Decision:
    if not reason.strip():
        raise ReasonMissing(errors={"reason": ReasonMissing().message})
    action = take(actor=actor, organization=organization, action_id=action_id)
    revision = shown(action, digest=digest, status=ActionStatus.UNCERTAIN)
    free(action, actor)
    freshly_signed_in(action, signed_in_at)
    verb = Decision.Verb.HAPPENED if happened else Decision.Verb.DID_NOT_HAPPEN
    decision = decided(action, revision, actor=actor, verb=verb, reason=reason, signed_in_at=signed_in_at)
    ledger = Execution.objects.filter(action=action.id).values_list("id", flat=True)
    move(
        Execution,
        ledger,
        ExecutionStatus.UNCERTAIN,
        ExecutionStatus.DONE if happened else ExecutionStatus.FAILED,
        actor=person(actor),
        verb=verb,
        reason=reason,
        changes={"finished_at": Moment(), "error_code": "" if happened else "did_not_happen"},
    )
    move(
        Action,
        [action.id],
        ActionStatus.UNCERTAIN,
        ActionStatus.DONE if happened else ActionStatus.FAILED,
        actor=person(actor),
        verb=verb,
        reason=reason,
        changes={"settled_at": Moment()},
    )
    ring("lam_app.tasks.advance_runs")
    return decision
