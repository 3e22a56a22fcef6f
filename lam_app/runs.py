"""What people do with runs: submit, answer, cancel. The loop does the rest."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from psycopg.types.json import Jsonb

from accounts.actors import person
from accounts.models import Agent, Membership, User
from accounts.roles import Role
from approvals.services.withdraw import withdraw_run
from lam_app.attachments.files import Read
from lam_app.attachments.keep import keep
from lam_app.exceptions import GoalRefused, MayNotSubmit, RunMovedOn, RunNotFound
from lam_app.models import Run
from lam_app.states import RUN, RunStatus
from tools.scopes import keys_over
from traces.clock import Moment
from traces.doorbell import ring
from traces.ids import uuid7
from traces.services import Actor, Entry, move, record

LONGEST_GOAL = 10_000
LONGEST_ANSWER = 10_000
OURS = ("answers",)
"""Members of a run's context that the product writes itself."""


def submit(
    *,
    initiator: User,
    organization: uuid.UUID,
    goal: str,
    context: dict[str, Any] | None = None,
    client_key: str | None = None,
    attached: Sequence[Read] = (),
    by: Actor | None = None,
    reason: str = "",
) -> Run:
    """Accept a goal. The same ``client_key`` from the same person returns the run that the first one made.

    ``attached`` comes with it and is nobody's word; ``by`` is who or what gave the goal, where it was not the person at
    a page, and ``reason`` says how. Raises MayNotSubmit for somebody who is no operator here, GoalRefused for a goal
    that is empty or too long, or for a context that holds what the product writes itself: nobody puts words into the
    initiator's mouth. NoRoomLeft where the organization has no room for the files.
    """
    if not Membership.objects.holds(initiator, organization, Role.OPERATOR):
        raise MayNotSubmit
    goal = words("goal", goal, LONGEST_GOAL)
    for name in OURS:
        if name in (context or {}):
            raise GoalRefused(f"context.{name}: is kept by the product itself.", errors={"context": "Not yours."})
    agent = Agent.objects.get(organization_id=organization, builtin=True)
    run = Run(
        id=uuid7(),
        organization_id=organization,
        initiator=initiator,
        agent=agent,
        goal=goal,
        context=context or {},
        client_key=client_key,
    )
    run.scopes = keys_over(organization=organization, agent=agent.id, initiator=initiator.id, run=run.id)
    try:
        with transaction.atomic():
            run.save(force_insert=True)
            files = keep(run, attached)
            record(
                Entry(
                    organization=organization,
                    actor=by or person(initiator),
                    verb="submitted",
                    subject_kind="run",
                    subject=run.id,
                    target=RunStatus.SUBMITTED,
                    reason=reason,
                    run=run.id,
                    detail={
                        "goal": goal,
                        "agent": agent.name,
                        **({"for": str(initiator.pk)} if by else {}),
                        **({"attached": files} if files else {}),
                    },
                )
            )
            ring("lam_app.tasks.advance_runs")
    except IntegrityError:
        known = Run.objects.filter(organization_id=organization, initiator=initiator, client_key=client_key).first()
        if client_key is None or known is None:
            raise
        return known
    return run


def cancel(*, actor: User, organization: uuid.UUID, run_id: uuid.UUID, reason: str = "") -> Run:
    """End a run: what it still has under the gate is withdrawn with it, in one transaction.

    What executes already finishes and is recorded. Raises RunNotFound, or RunMovedOn for a run that has ended.
    """
    run = own_run(actor, organization, run_id)
    by = person(actor)
    with transaction.atomic():
        run = Run.objects.select_for_update(of=("self",)).get(id=run.id)
        if not RUN.allows(run.status, RunStatus.CANCELLED):
            raise RunMovedOn(state=run.status)
        move(
            Run,
            [run.id],
            run.status,
            RunStatus.CANCELLED,
            actor=by,
            verb="cancelled",
            reason=reason,
            changes={"finished_at": Moment(), "planner_id": None, "planner_until": None},
        )
        withdraw_run(organization=organization, run=run.id, actor=by, reason=reason or "The run was cancelled.")
    run.refresh_from_db()
    return run


def answer(*, actor: User, organization: uuid.UUID, run_id: uuid.UUID, text: str) -> Run:
    """Answer the question that a run waits with, or tell one that gave up how to go on.

    Raises RunNotFound, GoalRefused, or RunMovedOn for a run that asks nothing.
    """
    run = own_run(actor, organization, run_id)
    text = words("text", text, LONGEST_ANSWER)
    with transaction.atomic():
        run = Run.objects.select_for_update(of=("self",)).get(id=run.id)
        if run.status not in (RunStatus.NEEDS_INPUT, RunStatus.NEEDS_HUMAN):
            raise RunMovedOn(state=run.status)
        answers = [*run.context.get("answers", []), {"question": run.question or run.problem, "answer": text}]
        move(
            Run,
            [run.id],
            run.status,
            RunStatus.PLANNING,
            actor=person(actor),
            verb="answered",
            details={run.id: {"answer": text}},
            # No planner and a time that has passed: the loop takes such a run up at once.
            changes={
                "context": Jsonb({**run.context, "answers": answers}),
                "question": "",
                "problem": "",
                "planner_id": None,
                "planner_until": Moment(),
            },
        )
        ring("lam_app.tasks.advance_runs")
    run.refresh_from_db()
    return run


def own_run(actor: User, organization: uuid.UUID, run_id: uuid.UUID) -> Run:
    """A run that this person may steer: the initiator's own, or any for an administrator of the organization."""
    run = Run.objects.within(organization).filter(id=run_id).first()
    if run is None:
        raise RunNotFound
    member = Membership.objects.of(actor).filter(organization_id=organization).first()
    if member is None or (run.initiator_id != actor.pk and not member.has(Role.ADMINISTRATOR)):
        raise RunNotFound
    return run


def words(field: str, text: str, longest: int) -> str:
    """What a person wrote into ``field``, without the blanks around it. Raises GoalRefused."""
    text = text.strip()
    if not text:
        raise GoalRefused(f"{field}: say what is wanted.", errors={field: "Say what is wanted."})
    if len(text) > longest:
        message = f"This has {len(text):,} characters; {longest:,} are the most."
        raise GoalRefused(f"{field}: {message}", errors={field: message})
    if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        message = "This holds a character that cannot be kept (NUL or half of a surrogate pair)."
        raise GoalRefused(f"{field}: {message}", errors={field: message})
    return text
