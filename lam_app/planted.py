"""What a canary shows where a request of the built-in planner shows its run: a goal, a plan, how it began. Reads only.

There is no such run: no row of one is ever written, so no planner takes it up, and no figure, limit, schedule or report
counts it. It is made here from the canary's own rows for as long as somebody looks at it, and for nobody in whose name
the canary comes: whoever never gave that goal would know.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet

from accounts.models import Membership
from accounts.roles import Role
from approvals import binding
from approvals.models import Action, Canary, CanaryTemplate
from approvals.policy import Origin, Source
from lam_app.models import Run, RunPlan
from lam_app.planner.provenance import origins, said
from lam_app.sources import GOAL
from lam_app.states import RunStatus
from tools.contract import Contract
from traces.clock import now
from traces.models import Event

SEES_ALL: Final = (Role.REVIEWER, Role.ADMINISTRATOR, Role.AUDITOR, Role.DEVELOPER)
WAITS: Final = frozenset({"proposed", "in_review"})
THOUGHT: Final = timedelta(seconds=2)
"""How long before its first step a run seems to have been given: about as long as a planner takes for one."""
BEGUN: Final = (("submitted", RunStatus.SUBMITTED), ("planning", RunStatus.PLANNING), ("proposed", RunStatus.WAITING))
"""Verbs of the events with which a run begins, and where each leads."""


def sources(goal: str, initiator: str, arguments: Mapping[str, Any], contract: Contract | None) -> tuple[Origin, ...]:
    """Where each value of a canary seems to come from: what a planner finds that was told this goal alone."""
    today = now().date()
    told = [
        said(Source.GOAL, GOAL, goal, today),
        said(Source.RECORD, "the date", today.isoformat(), today),
        said(Source.RECORD, "who asked", initiator, today),
    ]
    return origins(arguments, told, contract.arguments_schema if contract else {})


def planted_run(membership: Membership, pk: uuid.UUID) -> Run | None:
    """The run of this id that a canary seems to belong to; None where none does, or not for this person."""
    bird = _birds(membership).filter(action__run=pk).first()
    return _run(bird) if bird else None


def with_planted(
    rows: list[Run], membership: Membership, number: int, states: Collection[str], before: uuid.UUID | None
) -> list[Run]:
    """The first ``number`` of a list of runs, newest first, with those in their places that canaries seem to belong to.

    ``rows`` are the first so many of the real ones; ``states`` the statuses that are listed, all of them where it is
    empty; ``before`` the id behind which the list begins, or None. One query.
    """
    birds = _birds(membership)
    if states:
        of_status = Q(action__status__in=WAITS)
        listed = Q(pk=None)
        listed |= of_status if RunStatus.WAITING in states else Q(pk=None)
        listed |= ~of_status if RunStatus.CANCELLED in states else Q(pk=None)
        birds = birds.filter(listed)
    if before is not None:
        birds = birds.filter(action__run__lt=before)
    if len(rows) >= number:
        birds = birds.filter(action__run__gt=rows[-1].pk)
    return sorted([*rows, *map(_run, birds[:number])], key=lambda run: run.pk, reverse=True)[:number]


def _birds(membership: Membership) -> QuerySet[Canary]:
    """Canaries whose runs this person would see if there were any, those with the newest runs first."""
    if not membership.has(*SEES_ALL):
        return Canary.objects.none()
    return (
        Canary.objects.filter(organization_id=membership.organization_id, action__origin="planner")
        .exclude(action__principals__contains=[membership.user_id])
        .select_related("template", "action__initiator", "action__agent", "action__organization")
        .defer("action__initiator__password")
        .order_by("-action__run")
    )


def plan_row(run: Run, actions: Sequence[Action]) -> RunPlan | None:
    """The plan that such a run seems to have stated; None for a real run, without a query."""
    bird = next((action for action in actions if action.canary), None)
    if bird is None:
        return None
    template = CanaryTemplate.objects.get(planted__action=bird)
    known = [
        {"name": name, "value": value if isinstance(value, str) else binding.text(value)}
        for name, value in binding.parsed(template.arguments).items()
    ]
    step = {"tool": bird.tool_name, "does": bird.summary, "arguments": known, "after": []}
    return RunPlan(
        organization_id=run.organization_id, run=run, number=1, goal=run.goal, steps=[step], created=run.created
    )


def beginning(run: Run, actions: Sequence[Action]) -> list[Event]:
    """The events with which such a run seems to have begun, in order; none for a real run."""
    if not any(action.canary for action in actions):
        return []
    who = {"submitted": ("person", run.initiator_id, run.initiator.username)}
    found = []
    for verb, target in BEGUN:
        kind, actor, name = who.get(verb, ("system", None, "planner"))
        at = actions[0].created if verb == "proposed" else run.created
        about = {"subject_kind": "run", "subject": run.pk, "run": run.pk, "organization": run.organization_id}
        found.append(Event(at=at, actor_kind=kind, actor=actor, actor_name=name, verb=verb, target=target, **about))
    return found


def is_planted(run: Run) -> bool:
    """Whether there is no such run, and a canary only seems to belong to it."""
    return run._state.adding  # noqa: SLF001 - Django's own word for a row that was never written


def _run(bird: Canary) -> Run:
    action = bird.action
    waits = action.status in WAITS
    return Run(
        id=action.run,
        organization=action.organization,
        initiator=action.initiator,
        agent=action.agent,
        goal=bird.template.goal,
        status=RunStatus.WAITING if waits else RunStatus.CANCELLED,
        scopes=[],
        step=action.step,
        created=action.created - THOUGHT,
        finished_at=None if waits else action.settled_at,
    )
