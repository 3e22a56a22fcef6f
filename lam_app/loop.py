"""The loop: how a run goes from a goal to a report. Read it top to bottom; it is the whole story.

A run is due when nobody has looked at it, when its action is settled, or when the planner that held it died. Whoever
takes it (compare-and-set, so one planner a run) asks the model for one intent and does one of four things with
it: propose, finish, ask, escalate. The model remembers nothing between calls: the context is made anew from the
rows, so if it talks nonsense the state machine goes back and not the conversation.
"""

import contextlib
import logging
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import OperationalError, connection, transaction

from approvals.exceptions import DeskFull, LimitsBusy
from approvals.services.propose import propose
from approvals.states import SETTLED
from lam_app import context, patience
from lam_app.asking import ask_model
from lam_app.models import Report, Run
from lam_app.planner import errors, providers
from lam_app.planner.intent import Act, Ask, Escalate, Finish, PlannerContext
from lam_app.proposals import plan_of, proposal, remember_call, step_of
from lam_app.states import RunStatus
from tools.models import Worker
from tools.presence import Presence
from tools.queries import barred_sql
from traces import volume
from traces.calls import spent_by
from traces.clock import Moment, later
from traces.ids import uuid7
from traces.redaction import hidden
from traces.services import Actor, Guard, move
from traces.telemetry import span
from traces.text import storable

logger = logging.getLogger(__name__)
PLANNER = Actor.system("planner")
MOST_STEPS = 30
MOST_CALLS_A_STEP = 6
BUSY_SECONDS = 2.0
"""How long a run lets go where its call could not be counted against a limit."""
LOOKED_AT = 2000
"""Runs among which turns are shared out, the oldest that are due."""
PLANNING_SECONDS = 180
"""How long a planner may hold a run without a word; a model call may take half of it."""


SETTLED_STEP = Guard(
    "EXISTS (SELECT 1 FROM approvals_action a WHERE a.run = m.id AND a.step = m.step AND a.status = ANY (%(settled)s))",
    {"settled": sorted(SETTLED)},
)
"""A waiting run goes on only when its step is settled: what was due a moment ago may have been advanced since."""


TAKEN = ((RunStatus.SUBMITTED, None), (RunStatus.WAITING, SETTLED_STEP))
"""From where a run that nobody holds is taken, and what has to be true of it."""


class Overtaken(Exception):
    """The run was cancelled, stopped or taken by another planner meanwhile; nothing of this turn is kept."""


@dataclass(frozen=True)
class Turn:
    """One planner's hold on one run."""

    run: Run
    worker: Worker
    at: datetime
    """When it began, by the database's clock."""
    failed: tuple[str, ...]
    """The errors of the calls that were made for this step before."""
    plans: tuple[dict[str, Any], ...]
    """What the agent meant to do, and what the initiator made of it, oldest first."""
    files: tuple[dict[str, Any], ...] = ()
    """What came with the goal."""
    again: bool = False
    """Whether it was taken up from PLANNING, where a run waits that nobody moved on."""

    @property
    def guard(self) -> Guard:
        """Only the planner that holds the run may move it on."""
        return Guard("m.planner_id = %(planner)s", {"planner": self.worker.id})


def due(limit: int = 50) -> dict[uuid.UUID, str]:
    """Runs that the mind has to look at now, each with its status. Runs under a stop wait for its release.

    They take turns: one run of each organization, of each of its initiators in turn, oldest first, then the next one
    of each. So nobody's flood keeps the others from their turn.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH found AS (
            SELECT r.id, r.status, r.organization_id, r.initiator_id FROM lam_app_run r
            WHERE r.status IN ('submitted', 'waiting', 'planning')
              AND (r.status = 'submitted'
                OR (r.status = 'waiting' AND EXISTS (
                    SELECT 1 FROM approvals_action a
                    WHERE a.run = r.id AND a.step = r.step AND a.status = ANY (%(settled)s)))
                OR (r.status = 'planning' AND (r.planner_until <= clock_timestamp() OR EXISTS (
                    SELECT 1 FROM tools_worker w WHERE w.id = r.planner_id AND w.ended_at IS NOT NULL))))
              AND NOT {barred_sql("r")}
            ORDER BY r.id LIMIT %(looked_at)s
            ), own AS (
                SELECT found.*, row_number() OVER (PARTITION BY organization_id, initiator_id ORDER BY id) AS turn
                FROM found
            ), fair AS (
                SELECT own.*, row_number() OVER (PARTITION BY organization_id ORDER BY turn, id) AS round FROM own
            )
            SELECT id, status FROM fair ORDER BY round, id LIMIT %(limit)s
            """,
            {"settled": sorted(SETTLED), "limit": limit, "looked_at": limit if limit == 1 else LOOKED_AT},
        )
        return dict(cursor.fetchall())


def advance(run_id: uuid.UUID, presence: Presence, *, seen: str = RunStatus.SUBMITTED) -> bool:
    """One turn of one run, ``seen`` in this status a moment ago. Returns False when somebody else has it."""
    turn = _take(run_id, presence.worker, seen)
    if turn is None:
        return False
    run = turn.run
    if run.step >= MOST_STEPS:
        _stop(turn, f"The run has taken {run.step} steps, which is the limit.")
        return True
    agent = {"gen_ai__agent__id": str(run.agent_id), "gen_ai__agent__name": run.agent.name}
    told = {"gen_ai__operation__name": "invoke_agent", "gen_ai__conversation__id": str(run.id), **agent}
    try:
        if _room(turn):
            with span(f"invoke_agent {run.agent.name}", run=run.id, countersign__step=run.step + 1, **told):
                _turn(turn)
    except Overtaken:
        return False
    except LimitsBusy:
        _wait(turn, BUSY_SECONDS)
    except DeskFull as full:
        patience.tell(run, full.message)
        _wait(turn, patience.DESK_SECONDS)
    except OperationalError:
        raise  # the database is away: whoever takes the run over begins this turn anew
    except Exception as error:
        logger.exception("a turn failed", extra={"run": str(run_id)})
        with contextlib.suppress(Overtaken):
            _stop(turn, f"Something went wrong here, not with the goal: {type(error).__name__}. The log has more.")
    return True


def _take(run_id: uuid.UUID, worker: Worker, seen: str = RunStatus.SUBMITTED) -> Turn | None:
    """Hold a run: from SUBMITTED or WAITING along an edge, from a dead or silent planner by taking its place."""
    again = False
    hold: dict[str, Any] = {"planner_id": worker.id, "planner_until": Moment(PLANNING_SECONDS)}
    with transaction.atomic():
        for source, guard in sorted(TAKEN, key=lambda edge: edge[0] != seen):  # what it was seen in is tried first
            if move(
                Run, [run_id], source, RunStatus.PLANNING, actor=PLANNER, verb="planning", changes=hold, guard=guard
            ):
                break
        else:
            with connection.cursor() as cursor:
                cursor.execute(
                    """
                    UPDATE lam_app_run r SET planner_id = %(worker)s,
                        planner_until = clock_timestamp() + make_interval(secs => %(seconds)s)
                    WHERE r.id = %(run)s AND r.status = 'planning' AND (
                        r.planner_until <= clock_timestamp() OR EXISTS (
                            SELECT 1 FROM tools_worker w WHERE w.id = r.planner_id AND w.ended_at IS NOT NULL))
                    """,
                    {"worker": worker.id, "seconds": float(PLANNING_SECONDS), "run": run_id},
                )
                if cursor.rowcount != 1:
                    return None
                again = True
    run: Any = Run.objects.to_plan().get(id=run_id)
    plans, files = tuple(run.intended), tuple(run.files)
    return Turn(run, worker, at=run.at, failed=tuple(run.failed), plans=plans, files=files, again=again)


@dataclass(frozen=True)
class Heard:
    """What the model said for one step, where that is remembered, and what it had been told before."""

    step: int
    planned: providers.Planned
    trace: uuid.UUID
    seen: PlannerContext


def _turn(turn: Turn) -> None:
    """Ask for an intent and act on it. Errors of the model are bounded; the run says what became of them."""
    run, number = turn.run, turn.run.step + 1
    if turn.again and patience.still_full(run):  # the model is not asked for what nobody could look at
        return _wait(turn, patience.DESK_SECONDS)
    corrections = [said for code in turn.failed if (said := errors.feedback_of(code))]
    for attempt in range(len(turn.failed) + 1, MOST_CALLS_A_STEP + 1):
        seen = context.of(run, turn.at, plans=turn.plans, corrections=tuple(corrections), files=turn.files)
        try:
            planned = ask_model(seen)
        except errors.PlannerError as error:
            if error.trace is not None:
                remember_call(run, number, attempt, error.trace, error=error.code)
            if error.retry and error.correct:
                corrections.append(error.feedback())
                _still_held(turn)
                continue
            if error.retry:
                return _wait(turn, error.retry_after or min(60.0, 2.0**attempt))
            return _stop(turn, f"The model gave no usable answer: {error.message}")
        trace = remember_call(run, number, attempt, planned.trace)
        return _act(turn, Heard(number, planned, trace, seen))
    return _stop(turn, f"The model gave no usable answer in {MOST_CALLS_A_STEP} attempts at step {number}.")


def _room(turn: Turn) -> bool:
    """Whether the memory takes another call of the model. Where it does not, the run waits or needs a person."""
    found = volume.full(turn.run.organization_id, turn.run.id)
    if found.run:
        _stop(turn, found.run)
    elif found.organization:
        patience.tell(turn.run, found.organization, patience.MEMORY)
        _wait(turn, patience.DESK_SECONDS)
    return not (found.run or found.organization)


def _still_held(turn: Turn) -> None:
    """Do not ask again for a run that was cancelled, stopped or taken over meanwhile. Raises Overtaken."""
    if not Run.objects.filter(id=turn.run.id, status=RunStatus.PLANNING, planner=turn.worker).exists():
        raise Overtaken


def _act(turn: Turn, heard: Heard) -> None:
    """Do what the intent says: these four things and nothing else."""
    match heard.planned.intent:
        case Act() as act:
            _propose(turn, heard, act)
        case Finish() as finish:
            _finish(turn, finish)
        case Ask() as ask:
            with transaction.atomic():
                _leave(turn, RunStatus.NEEDS_INPUT, "asked", question=storable(ask.question))
                _keep_plan(turn, heard)
        case Escalate() as escalate:
            _stop(turn, storable(escalate.why))


def _propose(turn: Turn, heard: Heard, act: Act) -> None:
    """The intent becomes an action under the gate, and the run waits for what comes of it."""
    run, number, logprob = turn.run, heard.step, heard.planned.trace.logprob
    spent = spent_by(run.organization_id, run.id)
    asked = proposal(run, number, act, seen=heard.seen, trace=heard.trace, logprob=logprob, spent=spent)
    with transaction.atomic():
        _leave(turn, RunStatus.WAITING, "proposed", step=number)
        _keep_plan(turn, heard)  # before the step, which is thereby known to be of this plan
        action = propose(asked)
        step_of(run, number, act, action).save(force_insert=True)


def _keep_plan(turn: Turn, heard: Heard) -> None:
    """What the model means to do stands beside what it does, from its first answer on."""
    if heard.planned.plan is not None:
        plan_of(turn.run, heard.planned.plan, len(turn.plans) + 1).save(force_insert=True)


def _finish(turn: Turn, finish: Finish) -> None:
    """The report is made from the ledger. What the model says of it stands beside it, as its word."""
    run = turn.run
    lines = context.report_lines(run.id)
    failed = bool(lines) and not any(line["status"] == "done" for line in lines)
    with transaction.atomic():
        _leave(
            turn,
            RunStatus.FAILED if failed else RunStatus.SUCCEEDED,
            "finished",
            finished_at=Moment(),
            problem="Nothing of what was proposed was done." if failed else "",
        )
        Report(
            id=uuid7(),
            organization_id=run.organization_id,
            run=run,
            lines=lines,
            claim=hidden(storable(finish.summary)),
        ).save(force_insert=True)


def _stop(turn: Turn, why: str) -> None:
    """The machine gives up and says so: a person has to look."""
    _leave(turn, RunStatus.NEEDS_HUMAN, "needs_human", reason=why, problem=why[:2000])


def _leave(turn: Turn, target: RunStatus, verb: str, *, reason: str = "", **changes: object) -> None:
    """Give the run up in another status. Raises Overtaken when this planner no longer holds it."""
    moved = move(
        Run,
        [turn.run.id],
        RunStatus.PLANNING,
        target,
        actor=PLANNER,
        verb=verb,
        reason=reason,
        changes={"planner_id": None, "planner_until": None, **changes},
        guard=turn.guard,
    )
    if not moved:
        raise Overtaken


def _wait(turn: Turn, seconds: float) -> None:
    """The model cannot be reached now: let go of the run, to be taken up again after so many seconds."""
    Run.objects.filter(id=turn.run.id, status=RunStatus.PLANNING, planner=turn.worker).update(
        planner=None, planner_until=later(seconds)
    )
