"""plant: a canary takes its place among what waits, as often as the auditor said.

Requests that come before people are counted, and after a number of them that chance chose a canary is put beside them.
It is judged like any proposal and counted against no limit; where the policy would not bring it before people it is
not planted. It is an action of nobody's run, so no agent and no planner ever hears of it. Where its tool's requests
come from the built-in planner, whoever plants says where such a planner would find its values (``Sources``).
"""

import logging
import random
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from django.db import transaction

from accounts.models import Agent, User
from approvals import binding
from approvals.facts import judged
from approvals.models import Action, Canary, CanaryPlan, CanaryTemplate
from approvals.policy import DryRunState, Origin, Verdict
from approvals.reading.trying import usage_now
from approvals.services.canaries import CANARIES, gap
from approvals.services.likely import StandIn, judged_now, stand_in
from approvals.services.preview import ask
from approvals.services.propose import before_people, revise, route
from approvals.services.window import review_seconds
from approvals.states import ActionStatus
from tools.contract import Contract
from traces.clock import now
from traces.exceptions import DomainError
from traces.ids import NIL, first_of, uuid7
from traces.services import Actor, Entry, record

logger = logging.getLogger(__name__)
LATE: Final = timedelta(seconds=3)
"""How old a request is before it is counted: its transaction has ended by then."""
STRIDE: Final = timedelta(seconds=60)
"""How far the counting may lag behind where nothing comes before people."""
BATCH: Final = 500
Sources: TypeAlias = Callable[[str, str, Mapping[str, Any], Contract | None], tuple[Origin, ...]]
"""From a goal, the name of whoever gave it, arguments and their tool's contract: where each value seems to be from."""
_CHANCE: Final = random.SystemRandom()


def plant_due(sources: Sources) -> int:
    """Count what came before people since the last look, and plant what is due by that. Returns how many canaries."""
    planted = 0
    for plan in CanaryPlan.objects.filter(rate__gt=0).values_list("pk", flat=True):
        with transaction.atomic():
            planted += _counted(plan, sources)
    return planted


def _counted(pk: uuid.UUID, sources: Sources) -> int:
    plan = CanaryPlan.objects.select_for_update(skip_locked=True).filter(pk=pk, rate__gt=0).first()
    if plan is None:
        return 0
    until = first_of(now() - LATE)
    since = max(plan.seen or NIL, first_of(plan.set_at))  # what came before the rate was set counts for nothing
    real = Action.objects.filter(organization_id=plan.organization_id, verdict="review", canary=False)
    found = list(real.filter(id__gt=since, id__lt=until).order_by("id").values_list("id", flat=True)[:BATCH])
    if not found and until < first_of(_moment(since) + STRIDE):
        return 0
    plan.seen = found[-1] if len(found) == BATCH else max(since, until)
    plan.countdown -= len(found)
    planted = 0
    if found and plan.countdown <= 0:
        planted = int(_plant_one(plan.organization_id, sources))
        plan.countdown = gap(plan.rate)
    CanaryPlan.objects.filter(pk=pk).update(seen=plan.seen, countdown=plan.countdown)
    return planted


def _moment(pk: uuid.UUID) -> datetime:
    return datetime.fromtimestamp((pk.int >> 80) / 1000, tz=UTC)


def _plant_one(organization: uuid.UUID, sources: Sources) -> bool:
    """Plant any one of the organization's canaries. Returns whether there was one that could be."""
    templates = list(
        CanaryTemplate.objects.filter(organization_id=organization, retired_at=None, tool__enabled=True).select_related(
            "tool"
        )
    )
    _CHANCE.shuffle(templates)
    return any(plant(template, sources) is not None for template in templates[:5])


def plant(template: CanaryTemplate, sources: Sources) -> Action | None:
    """Put one canary of this template before people; None where the policy would not, as things stand now, or where it
    would stand out: a request of the planner's has a goal."""
    whose = stand_in(template.tool)
    if whose is None or (whose.planner and not template.goal):
        return None
    arguments = binding.parsed(template.arguments)
    try:
        found = _found(template, arguments, whose, sources) if whose.planner else ()
        supposed, gathered = judged_now(template.tool, arguments, whose, found)
    except (DomainError, Agent.DoesNotExist):
        logger.exception("a canary could not be judged", extra={"template": str(template.pk)})
        return None
    if supposed.ruling.verdict is not Verdict.REVIEW or supposed.facts.problems:
        return None
    staged = judged(gathered, usage_now(gathered))
    ruling = staged.ruling
    awaited = staged.facts.dry_run.state is DryRunState.AWAITED
    if not awaited and ruling.verdict is not Verdict.REVIEW:
        return None
    with transaction.atomic():
        action = Action(
            id=uuid7(),
            organization_id=template.organization_id,
            run=gathered.asked.run,
            step=1,
            origin=gathered.asked.origin,
            canary=True,
            initiator_id=whose.initiator,
            agent_id=whose.agent,
            principals=list(gathered.asked.principals),
            tool=staged.tool,
            tool_name=template.tool.name,
            scopes=list(staged.scopes),
            verdict=Verdict.REVIEW.value,
            risk=str(ruling.risk),
            maturity=str(ruling.maturity),
            quorum=max(1, ruling.quorum),
            teams=[list(team) for team in ruling.teams],
            unroutable=ruling.unroutable,
            summary=staged.summary,
            reasoning=template.claim,
            confidence=whose.confidence,
            stated_confidence=whose.stated,
            expires_at=staged.at + timedelta(seconds=review_seconds(ruling)),
        )
        aside = tuple({"tool": name, "why_not": ""} for name in whose.considered)
        revision = revise(action, staged, number=1, considered=aside)
        action.digest = revision.digest
        action.save(force_insert=True)
        revision.save(force_insert=True)
        canary = Canary(id=uuid7(), organization_id=template.organization_id, action=action, template=template)
        canary.save(force_insert=True)
        record(
            Entry(
                organization=template.organization_id,
                actor=Actor("agent", whose.agent, staged.facts.agent.name),
                verb="proposed",
                subject_kind="action",
                subject=action.id,
                target=ActionStatus.PROPOSED,
                run=action.run,
                detail={"tool": action.tool_name, "digest": action.digest, "step": 1, "revision": 1, "canary": True},
            ),
            Entry(
                organization=template.organization_id,
                actor=CANARIES,
                verb="canary_planted",
                subject_kind="canary",
                subject=canary.id,
                reason="A canary: known to be bad, and never to run.",
                detail={"action": str(action.id), "template": str(template.pk), "tool": action.tool_name},
            ),
        )
        if awaited:
            ask(action, revision)
        else:
            route(action, staged)
            before_people(action, ruling)
    return action


def _found(template: CanaryTemplate, arguments: Any, whose: StandIn, sources: Sources) -> tuple[Origin, ...]:
    """Where a planner would find the values of a canary, as they are sent: with the defaults of its tool."""
    version = template.tool.version
    name = User.objects.values_list("username", flat=True).get(pk=whose.initiator)
    return sources(template.goal, name, arguments, Contract.from_json(version.contract) if version else None)
