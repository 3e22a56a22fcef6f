"""The gatekeeper's and the executor's work. A message says "look"; what there is to do is read from the rows.

Only this module imports ``approvals.permits`` (which signs) and ``tools.executor`` (which acts), so the whole
road from a decision to an effect can be read here, top to bottom.
"""

import itertools
import uuid
from dataclasses import replace

from celery import shared_task
from django.db import IntegrityError, transaction

from approvals import permits
from approvals.claims import STILL_TRUE
from approvals.models import Action
from approvals.services import deliver, drift, execute, notify, permit, preview, previewed, probe, replay
from tools import executor, ledger
from tools.contract import IdempotencyClass, Outcome
from tools.looking import look
from tools.models import Execution
from tools.presence import Presence, bury, present
from tools.progress import go_on
from traces.doorbell import answered, ring
from traces.ids import NIL
from traces.telemetry import span

BATCH = 20


@shared_task(name="approvals.tasks.sign_permits", ignore_result=True)
def sign_permits() -> int:
    """Gatekeeper: sign what has been permitted, until nothing is left. Returns how many permits were signed."""
    answered("approvals.tasks.sign_permits")
    signed, last = 0, NIL  # each is looked at once: those that stay unsigned are in nobody's way
    while batch := permit.unsigned(BATCH, after=last):
        go_on()
        last = batch[-1].id
        ready = [r for action in batch if (r := permit.examine(action)) is not None]
        if ready:
            written = permit.issue(ready, [_signed(r) for r in ready], kid=permits.kid())
            signed += written
            ring("approvals.tasks.execute_permitted")
        if len(batch) < BATCH:
            break
    return signed


def _signed(ready: permit.Ready) -> str:
    action = ready.action
    with span("sign_permit", run=action.run, countersign__action=str(action.id), countersign__step=action.step):
        return permits.sign(ready.claims)


@shared_task(name="approvals.tasks.execute_permitted", ignore_result=True)
def execute_permitted() -> int:
    """Executor: finish what dead workers left, then claim, call and record, until nothing is left."""
    answered("approvals.tasks.execute_permitted")
    presence = present("executor")
    settled = _recover(presence)
    while not presence.outdated and (waiting := _together(execute.waiting(BATCH))):
        fit, returned = _as_foreseen(waiting)
        claimed = _claimed(fit, presence) if fit else []
        settled += _carried_out(claimed, presence)
        owned = {item.call.action for item in claimed}
        returned += execute.return_unclaimed([w for w in fit if w.action.id not in owned])
        if not claimed and not returned:
            break
    return settled


@shared_task(name="approvals.tasks.run_previews", ignore_result=True)
def run_previews() -> int:
    """Executor: ask tools what calls would do, until nobody waits for an answer. Returns how many were answered."""
    answered("approvals.tasks.run_previews")
    presence = present("executor")
    told = 0
    while (row := preview.take(presence.worker)) is not None:
        told += preview.answer(row, look(*preview.question(row)), worker=presence.worker)
    return told


@shared_task(name="approvals.tasks.probe_again", ignore_result=True)
def probe_again() -> int:
    """Executor: ask tools what became of calls of unknown outcome, where a person wants it asked. Returns how many
    answers were written down; people decide on them.
    """
    answered("approvals.tasks.probe_again")
    return sum(probe.answer(action) for action in probe.questions(BATCH))


@shared_task(name="approvals.tasks.rule_previewed", ignore_result=True)
def rule_previewed() -> int:
    """Gatekeeper: judge what tools have said something about, until nothing is left. Returns how many were ruled on."""
    answered("approvals.tasks.rule_previewed")
    ruled, last = 0, NIL
    while rows := previewed.unruled(BATCH, after=last):
        go_on()
        last = rows[-1].id
        ruled += sum(previewed.rule_on(row) for row in rows)
    return ruled


@shared_task(name="approvals.tasks.replay_policies", ignore_result=True)
def replay_policies() -> bool:
    """Planner: one slice of a replay over what was recorded. Returns whether there was one."""
    answered("approvals.tasks.replay_policies")
    return replay.replay_some()


@shared_task(name="approvals.tasks.send_notices", ignore_result=True)
def send_notices() -> int:
    """Planner: tell people what they are to be told, and send what is due. Returns how many letters were settled."""
    answered("approvals.tasks.send_notices")
    while notify.notify():
        go_on()
    return deliver.deliver()


def _as_foreseen(waiting: list[execute.Waiting]) -> tuple[list[execute.Waiting], int]:
    """What is still as it was decided on, and how many are not: those go back to people, and no tool is called."""
    fit, returned = [], 0
    for item in waiting:
        question = drift.question(item)
        told = look(item.contract, question) if question else None
        if told is None or drift.same(item, told):
            fit.append(item)
        else:
            returned += drift.send_back(item, told)
    return fit, returned


def _together(waiting: list[execute.Waiting]) -> list[execute.Waiting]:
    """What may be claimed at once, oldest first. A tool that is *neither* is claimed alone: did we die among several
    such claims, a person would have to find out about calls that were never made. So is what was foreseen: between
    the second look and its claim there is no other call.
    """
    safe = itertools.takewhile(
        lambda w: w.contract.idempotency.kind is not IdempotencyClass.NEITHER and not w.foreseen, waiting
    )
    return list(safe) or waiting[:1]


def _claimed(waiting: list[execute.Waiting], presence: Presence) -> list[executor.Claimed]:
    """Claim together, or one by one where a unique constraint refused the batch: one used permit stops no other."""
    with presence.or_die():
        try:
            return _claim(waiting, presence)
        except IntegrityError as used:
            if len(waiting) == 1:
                execute.refuse(waiting[0], f"The permit, its action or its key was used before: {_constraint(used)}.")
                return []
            return [item for w in waiting for item in _claimed([w], presence)]


def _constraint(error: IntegrityError) -> str:
    diagnosis = getattr(error.__cause__, "diag", None)
    return str(getattr(diagnosis, "constraint_name", None) or "unknown constraint")


def _claim(waiting: list[execute.Waiting], presence: Presence) -> list[executor.Claimed]:
    """Transaction 1: lock the scopes against kills, and only then look again and claim (DESIGN 5)."""
    with transaction.atomic():
        executor.hold(sorted({scope for w in waiting for scope in w.action.scopes}))
        executions = executor.claim(
            Action,
            [w.claims for w in waiting],
            worker=presence.worker,
            tools={w.action.id: w.action.tool_id for w in waiting if w.action.tool_id},
            lifetimes={w.action.id: w.contract.idempotency.lifetime for w in waiting},
            guard=STILL_TRUE,
        )
    claimed = [
        executor.Claimed(execution=executions[w.action.id], fence=1, contract=w.contract, call=w.call)
        for w in waiting  # oldest first, in whichever order PostgreSQL moved them
        if w.action.id in executions
    ]
    return [_repeatable(item, presence) for item in claimed]


def _carried_out(claimed: list[executor.Claimed], presence: Presence) -> int:
    """Call and record what was claimed, one at a time: what is recorded is safe before the next call begins.

    Between two calls the stops are asked about all that is left. What one is over by now is let go before anything
    else is called, so that QUIET waits for the one call under way and not for the batch. Returns how many were settled.
    """
    settled, rest = 0, claimed
    while rest:
        item, *rest = rest
        settled += _record(item, executor.call(item, presence), presence)
        if rest and (caught := _stopped(rest, presence)):
            settled += _let_go([item for item in rest if item.call.action in caught], presence)
            rest = [item for item in rest if item.call.action not in caught]
    return settled


def _stopped(claimed: list[executor.Claimed], presence: Presence) -> set[uuid.UUID]:
    with presence.or_die():  # what was claimed is ours to record
        return execute.stopped_among([item.call.action for item in claimed])


def _let_go(claimed: list[executor.Claimed], presence: Presence) -> int:
    """Record that a stop found these before they were sent: they failed, and it is known that nothing was done."""
    with presence.or_die(), transaction.atomic():
        settled = executor.record([(item, executor.UNSENT) for item in claimed], Action, worker=presence.worker)
        ring("lam_app.tasks.advance_runs")
    return len(settled)


def _repeatable(claimed: executor.Claimed, presence: Presence) -> executor.Claimed:
    """The same, knowing how to find out before it is called once more whether it still may be."""

    def hindered() -> str:
        with presence.or_die():
            return execute.forbidden(claimed.call.action)

    return replace(claimed, hindered=hindered)


def _record(item: executor.Claimed, outcome: Outcome | ledger.Later, presence: Presence) -> int:
    """Transaction 2: outcome, statuses and events, or when to look again. A settled row is the message to the mind.

    Before it, outside of any transaction, the tool is asked whether the effect holds, where it can be.
    """
    if not isinstance(outcome, ledger.Later):
        outcome = executor.verified(item, outcome)
    with presence.or_die(), transaction.atomic():
        if isinstance(outcome, ledger.Later):
            ledger.put_off(item.execution, item.fence, outcome, worker=presence.worker)
            return 0
        settled = executor.record([(item, outcome)], Action, worker=presence.worker)
        if settled:
            ring("lam_app.tasks.advance_runs")
    return len(settled)


def _recover(presence: Presence) -> int:
    """Rows whose claimer is known dead, and rows that waited for another attempt: ask, repeat or hand to a person, as
    the tool's class allows.

    One at a time: a call that kills its worker again uses up its own attempts and nobody else's.
    """
    if not Execution.objects.filter(status="claimed").exclude(claimer=presence.worker, retry_at=None).exists():
        return 0
    bury()
    settled = 0
    for action in execute.unfinished(BATCH):
        with presence.or_die():  # from here on the row is ours, and nobody else may take it over while we live
            with transaction.atomic():
                executor.hold(action.scopes)
                stopped = execute.stopped(action)  # a statement of its own, after the lock, as for a claim
                taken = ledger.take_over(presence.worker, action.id, early=stopped)
            if taken is not None:
                again = execute.call_again(action, attempt=taken.attempt)
                item = executor.Claimed(taken.execution, taken.fence, again.contract, again.call)
                item = _repeatable(item, presence)
                outcome: Outcome | ledger.Later
                if again.refused:
                    outcome = taken.so_far or Outcome.uncertain("permit_refused", again.refused)
                else:
                    hindered = execute.hindrance(action, again, taken, stopped=stopped)
                    outcome = executor.recover(item, presence, taken, hindered=hindered)
                settled += _record(item, outcome, presence)
    return settled
