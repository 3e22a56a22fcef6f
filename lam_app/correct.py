"""correct: whoever asked says how the goal was meant, before anything is changed by what the agent made of it."""

import uuid
from typing import Final

from django.db import transaction

from accounts.actors import person
from accounts.models import User
from accounts.roles import TierLevel
from approvals.models import Action
from approvals.services.withdraw import withdraw_run
from lam_app.exceptions import NothingToCorrect, RunMovedOn, TooLateToCorrect
from lam_app.models import Run, RunPlan, RunQuerySet
from lam_app.runs import own_run, words
from lam_app.states import RunStatus
from traces.clock import Moment, now
from traces.doorbell import ring
from traces.services import Entry, move, record

LONGEST_GOAL: Final = 2_000
"""Characters of a restated goal, whoever restates it."""
OPEN: Final = (RunStatus.PLANNING, RunStatus.WAITING, RunStatus.NEEDS_INPUT)
"""Where a run can stand while its goal is corrected: it has a plan, and goes on."""
UNDER_WAY: Final = ("executing", "done", "failed", "uncertain", "undone")
"""Statuses from which on an action may have changed something."""
WITHDRAWN: Final = "The goal was corrected."


def correct_goal(*, actor: User, organization: uuid.UUID, run_id: uuid.UUID, text: str) -> Run:
    """Put the person's reading of the goal in the place of the agent's. The agent plans anew and is told of it.

    What still waits under the gate is withdrawn, because it was proposed for the goal as it had been read. Raises
    RunNotFound, GoalRefused, RunMovedOn for a run that does not go on by itself, NothingToCorrect for one without a
    plan, TooLateToCorrect once something that may change the world has begun.
    """
    run = own_run(actor, organization, run_id)
    text = words("goal", text, LONGEST_GOAL)
    by = person(actor)
    with transaction.atomic():
        run = Run.objects.select_for_update(of=("self",)).get(id=run.id)
        if run.status not in OPEN:
            raise RunMovedOn(state=run.status)
        newest = RunPlan.objects.filter(run=run).order_by("-number").first()
        if newest is None:
            raise NothingToCorrect(state=run.status)
        withdraw_run(organization=organization, run=run.id, actor=by, reason=WITHDRAWN)
        if begun(run):  # asked after the others are locked and withdrawn: nothing slips past in between
            raise TooLateToCorrect(state=run.status)
        RunPlan(organization_id=organization, run=run, number=newest.number + 1, goal=text, author=actor).save(
            force_insert=True
        )
        record(
            Entry(
                organization=organization,
                actor=by,
                verb="corrected",
                subject_kind="run",
                subject=run.id,
                run=run.id,
                detail={"goal": text, "was": newest.goal, "plan": newest.number + 1},
            )
        )
        _plan_anew(run, actor)
        ring("lam_app.tasks.advance_runs")
    run.refresh_from_db()
    return run


def begun(run: Run) -> bool:
    """Whether a step of the run that does more than read has reached the world, or may have."""
    return Action.objects.filter(run=run.pk, status__in=UNDER_WAY).exclude(tool__tier=TierLevel.READ).exists()


def may_correct(run: Run) -> bool:
    """Whether there is a reading of the goal that can still be corrected, so that a page need not offer it in vain."""
    return run.status in OPEN and RunPlan.objects.filter(run=run).exists() and not begun(run)


def _plan_anew(run: Run, actor: User) -> None:
    """Have the run taken up again: a planner at work on the old reading loses its hold, a question is moot."""
    if run.status == RunStatus.PLANNING:
        held: RunQuerySet = Run.objects.filter(id=run.id, status=RunStatus.PLANNING)
        held.update(planner=None, planner_until=now())
    elif run.status == RunStatus.NEEDS_INPUT:
        anew = {"question": "", "planner_id": None, "planner_until": Moment()}
        by = person(actor)
        move(Run, [run.id], run.status, RunStatus.PLANNING, actor=by, verb="corrected", changes=anew)
