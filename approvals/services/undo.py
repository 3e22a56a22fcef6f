"""undo: a compensation is proposed like any other call, bound to the one effect that it takes back.

Nothing here acts or permits: the compensation passes the gate, its permit is its own, and an effect counts as undone
only once the ledger holds the compensation's record. The database keeps all of that (migration 0010).
"""

import uuid

from django.db import models

from approvals import binding
from approvals.models import Action, Revision
from approvals.policy import Origin, Source
from approvals.services.propose import Proposal, propose
from approvals.states import ActionStatus
from tools.contract import Contract
from tools.models import Execution
from tools.saga import Effect, Undoing
from tools.states import ExecutionStatus
from traces.canonical import at_key
from traces.services import Actor, Guard, move

SAGA = Actor.system("saga")
COMPENSATED = Guard("EXISTS (SELECT 1 FROM approvals_action c WHERE c.undo_of = m.id AND c.status = 'done')")
RECORDED = Guard("EXISTS (SELECT 1 FROM approvals_action c WHERE c.undo_of = m.action AND c.status = 'done')")


def effects_of(organization: uuid.UUID, run: uuid.UUID) -> list[Effect]:
    """What a run has done and not undone, from the ledger, in the order of its steps. Compensations are left out."""
    actions = {
        action.id: action
        for action in Action.objects.within(organization).of_run(run).filter(status=ActionStatus.DONE, undo_of=None)
    }
    ledger = Execution.objects.filter(action__in=actions, status=ExecutionStatus.DONE).select_related("tool_version")
    rows = {row.action: row for row in ledger}
    current = Revision.objects.filter(action__in=actions, number=models.F("action__revision"))
    revisions = {revision.action_id: revision for revision in current}
    return [
        Effect(
            action=pk,
            step=action.step,
            summary=action.summary,
            contract=Contract.from_json(rows[pk].tool_version.contract),
            arguments=binding.parsed(revisions[pk].arguments),
            result=binding.parsed(rows[pk].result) if rows[pk].result else None,
        )
        for pk, action in actions.items()
        if pk in rows
    ]


def compensate(undoing: Undoing, *, original: Action, step: int, asked_by: uuid.UUID, why: str) -> Action:
    """Propose the call that takes an effect back, as the next step of the same run.

    Whoever asked for it is one of its principals, and decides on it as little as the others. The database refuses a
    compensation of what was not done, by another tool than the inverse, or beside one that may still happen.
    """
    assert undoing.possible
    return propose(
        Proposal(
            organization=original.organization_id,
            run=original.run,
            step=step,
            origin="undo",
            initiator=original.initiator_id,
            agent=original.agent_id,
            principals=tuple({*original.principals, asked_by}),
            tool=undoing.tool,
            arguments=undoing.arguments or {},
            reasoning=f"Undoes step {original.step}: {original.summary}. {why}".strip(),
            undo_of=original.id,
            provenance=_origins(undoing, original),
        )
    )


def _origins(undoing: Undoing, original: Action) -> tuple[Origin, ...]:
    """Where each argument of a compensation comes from: the ledger's own, or what the tool answered, as far as that is
    trusted. A tool that answers with somebody else's number must not choose what is taken back by itself.
    """
    contract = undoing.effect.contract
    said = dict(contract.binding.get("inverse") or {}).get("arguments", {})
    answered = Source.RECORD if contract.trusted_output else Source.OUTSIDE
    told = f"step {original.step}, {original.tool_name}"
    return tuple(
        Origin(
            at_key("", name),
            Source.RECORD if str(said.get(name, "")).startswith("/arguments/") else answered,
            told,
        )
        for name in undoing.arguments or {}
    )


def mark_undone(limit: int = 200, *, run: uuid.UUID | None = None) -> list[uuid.UUID]:
    """Effects, or those of one run, whose compensation is recorded as done are undone: action and ledger row.

    Returns what moved.

    Call it inside a transaction. The guards look again at the moment of the move, so a second caller moves nothing.
    """
    unmarked = undone_unmarked() if run is None else undone_unmarked().filter(run=run)
    ids = list(unmarked[:limit])
    if not ids:
        return []
    moved = move(
        Action,
        ids,
        ActionStatus.DONE,
        ActionStatus.UNDONE,
        actor=SAGA,
        verb="undone",
        reason="A compensation was done.",
        guard=COMPENSATED,
        skip_locked=True,
    )
    move(
        Execution,
        list(Execution.objects.filter(action__in=moved).values_list("id", flat=True)),
        ExecutionStatus.DONE,
        ExecutionStatus.UNDONE,
        actor=SAGA,
        verb="undone",
        guard=RECORDED,
    )
    return moved


def undone_unmarked() -> "models.QuerySet[Action, uuid.UUID]":
    """Ids of effects that a compensation has taken back and that still say done."""
    done = Action.objects.filter(undo_of__isnull=False, status=ActionStatus.DONE).values("undo_of")
    return Action.objects.filter(id__in=done, status=ActionStatus.DONE).order_by("id").values_list("id", flat=True)
