"""Undoing: what a person asks for, and how a run is taken back step by step.

    ask -> UNDOING -> propose the last effect's compensation -> it settles -> the next one -> UNDONE | NEEDS_HUMAN

Each compensation is an ordinary action: it waits for people where the policy says so, is permitted, executed and
recorded like any other. A run is UNDONE only when every effect that changed something has the ledger's word for its
compensation; anything less needs a person, and says what was taken back and what was not.
"""

import uuid
from typing import Final

from django.db import IntegrityError, connection, transaction

from accounts.actors import person
from accounts.models import User
from approvals.models import Action
from approvals.services.undo import SAGA, compensate, effects_of, mark_undone, undone_unmarked
from approvals.states import SETTLED, ActionStatus
from lam_app.exceptions import NothingToUndo, RunMovedOn
from lam_app.models import Run
from lam_app.runs import own_run
from lam_app.states import RUN, RunStatus
from tools.queries import barred_sql
from tools.saga import Undoing, plan, undoing_of
from traces.clock import now
from traces.doorbell import ring
from traces.models import Event
from traces.services import Entry, move, record

STANDS = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.NEEDS_HUMAN})
"""Runs that nothing moves by itself any more: only those are taken back."""
ENDED: Final[dict[str, str]] = {"failed": "failed", "expired": "expired, for nobody decided in time"}
"""How an undoing came to nothing that nobody refused."""


def planned(run: Run) -> list[Undoing]:
    """How a run would be taken back, last step first; steps that cannot be say why."""
    return plan(effects_of(run.organization_id, run.id))


def undo_run(*, actor: User, organization: uuid.UUID, run_id: uuid.UUID, reason: str = "") -> Run:
    """Begin to take a run back. Raises RunNotFound, RunMovedOn, or NothingToUndo where no step can be."""
    run = own_run(actor, organization, run_id)
    with transaction.atomic():
        run = Run.objects.select_for_update(of=("self",)).get(id=run.id)
        if not RUN.allows(run.status, RunStatus.UNDOING):
            raise RunMovedOn(state=run.status)
        if not any(one.possible for one in planned(run)):
            raise NothingToUndo
        move(
            Run,
            [run.id],
            run.status,
            RunStatus.UNDOING,
            actor=person(actor),
            verb="undo_asked",
            reason=reason,
            changes={"undo_by_id": actor.pk, "undo_from": run.step, "problem": "", "finished_at": None},
        )
        ring("lam_app.tasks.advance_runs")
    run.refresh_from_db()
    return run


def undo_step(*, actor: User, organization: uuid.UUID, run_id: uuid.UUID, step: int, reason: str = "") -> Action:
    """Propose the compensation of one step; the rest of the run stays as it is.

    Raises RunNotFound, RunMovedOn while the run still moves, or NothingToUndo for a step that was not done, is being
    taken back already, or cannot be.
    """
    run = own_run(actor, organization, run_id)
    with transaction.atomic():
        run = Run.objects.select_for_update(of=("self",)).get(id=run.id)
        if run.status not in STANDS:
            raise RunMovedOn(state=run.status)
        effect = next((e for e in effects_of(organization, run.id) if e.step == step), None)
        if effect is None:
            raise NothingToUndo
        undoing = undoing_of(effect)
        if not undoing.possible:
            raise NothingToUndo(undoing.why_not)
        try:
            with transaction.atomic():
                action = _compensate(run, undoing, asked_by=actor.pk, why=reason)
        except IntegrityError:
            raise NothingToUndo("This step is being taken back already.") from None
        record(
            Entry(
                organization=organization,
                actor=person(actor),
                verb="undo_asked",
                subject_kind="action",
                subject=effect.action,
                reason=reason,
                run=run.id,
                detail={"compensation": str(action.id), "step": step},
            )
        )
    return action


_DUE = f"""
    SELECT r.id FROM lam_app_run r
    WHERE r.status = 'undoing' AND (%(run)s::uuid IS NULL OR r.id = %(run)s)
      AND NOT EXISTS (
        SELECT 1 FROM approvals_action a
        WHERE a.run = r.id AND a.step > r.undo_from AND a.status <> ALL (%(settled)s))
      AND NOT {barred_sql("r")}
    ORDER BY r.id LIMIT %(limit)s
"""
_UNMARKED = """
    SELECT 1 FROM approvals_action c JOIN approvals_action a ON a.id = c.undo_of
    WHERE c.undo_of IS NOT NULL AND c.status = 'done' AND a.status = 'done'
"""


def due(limit: int = 50, *, run: uuid.UUID | None = None) -> list[uuid.UUID]:
    """Runs that are being taken back and wait for nothing, oldest first; with ``run``, that one if it is among them.

    Runs under a stop wait for its release.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"settled": sorted(SETTLED), "limit": limit, "run": run})
        return [row[0] for row in cursor.fetchall()]


def settle() -> int:
    """Mark what compensations have taken back. Returns how many effects."""
    if not undone_unmarked().exists():
        return 0
    with transaction.atomic():
        return len(mark_undone())


def waits() -> bool:
    """Whether there is anything for ``settle`` or ``advance``. One query: mostly there is nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS ({_UNMARKED}) OR EXISTS ({_DUE})", {"settled": sorted(SETTLED), "limit": 1, "run": None}
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def advance(run_id: uuid.UUID) -> bool:
    """One step of taking a run back. Returns False when somebody else has it or it is not due any more.

    The run's row is locked, so two workers never propose two compensations; a worker that dies leaves nothing behind.
    """
    with transaction.atomic():
        run = (
            Run.objects.select_for_update(of=("self",), skip_locked=True)
            .filter(id=run_id, status=RunStatus.UNDOING)
            .first()
        )
        if run is None or not due(1, run=run_id):
            return False
        mark_undone(run=run_id)
        tried = {
            action.undo_of: action
            for action in Action.objects.of_run(run.id).filter(undo_of__isnull=False, step__gt=run.undo_from)
        }
        left = planned(run)
        if any(tried[one.effect.action].status == ActionStatus.DONE for one in left if one.effect.action in tried):
            return False  # taken back, and somebody else marks it at this moment: whoever looks next goes on
        refused = [(one, tried[one.effect.action]) for one in left if one.effect.action in tried]
        coming = next((one for one in left if one.possible and one.effect.action not in tried), None)
        if refused:
            _needs_human(run, _told(left, tried))
        elif coming is not None:
            assert run.undo_by_id is not None
            _compensate(run, coming, asked_by=run.undo_by_id, why=_why(run))
        elif left:
            _needs_human(run, _told(left, tried))
        else:
            move(
                Run,
                [run.id],
                RunStatus.UNDOING,
                RunStatus.UNDONE,
                actor=SAGA,
                verb="undone",
                changes={"finished_at": now()},
            )
    return True


def _compensate(run: Run, undoing: Undoing, *, asked_by: uuid.UUID, why: str) -> Action:
    original = Action.objects.get(id=undoing.effect.action)
    action = compensate(undoing, original=original, step=run.step + 1, asked_by=asked_by, why=why)
    Run.objects.filter(id=run.id).update(step=run.step + 1)
    return action


def _why(run: Run) -> str:
    """What was said when the run's undoing was asked for: reviewers read it beside each step."""
    asked = Event.objects.about(run.organization_id, run.id).filter(verb="undo_asked").last()
    return asked.reason if asked is not None else ""


def _needs_human(run: Run, why: str) -> None:
    move(
        Run,
        [run.id],
        RunStatus.UNDOING,
        RunStatus.NEEDS_HUMAN,
        actor=SAGA,
        verb="needs_human",
        reason=why,
        changes={"problem": why[:2000]},
    )


def _told(left: list[Undoing], tried: dict[uuid.UUID | None, Action]) -> str:
    """What still stands, step by step, and why."""
    lines = []
    for one in sorted(left, key=lambda one: one.effect.step):
        attempt = tried.get(one.effect.action)
        if attempt is not None:
            came = ENDED.get(attempt.status, f"was {ActionStatus(attempt.status).label.lower()}")
            why = f"its undoing (step {attempt.step}, {attempt.tool_name}) {came}"
        else:
            why = one.why_not.rstrip(".") or "its undoing was not begun"
        lines.append(f"Step {one.effect.step} still stands ({one.effect.summary}): {why}.")
    return " ".join(lines)
