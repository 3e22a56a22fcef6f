"""What the model is shown of a run, and what its report says: both made anew from the rows at every step."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Exists, OuterRef

from approvals import binding
from approvals.models import Action, Decision, Revision
from approvals.policy import Ruling, Verdict
from lam_app.models import Run
from lam_app.planner.intent import PlannerContext, StepSeen, ToolCard
from lam_app.planner.providers import ModelConfig
from tools.contract import Contract
from tools.models import Execution, Tool

MODEL_SECONDS = 90.0


def model_config() -> ModelConfig:
    """Which model to ask, from the settings. The key is handed on and nowhere kept."""
    return ModelConfig(
        base_url=settings.OPENAI_BASE_URL,
        api_key=settings.OPENAI_API_KEY,
        model=settings.LAM_MODEL,
        timeout=MODEL_SECONDS,
    )


def of(run: Run, at: datetime, *, corrections: tuple[str, ...] = ()) -> PlannerContext:
    """The context of a run's next step; ``at`` is the time by the database's clock, which says what day it is."""
    zone = run.initiator.time_zone or "UTC"
    return PlannerContext(
        run_id=str(run.id),
        goal=run.goal,
        initiator=run.initiator.username,
        today=at.astimezone(ZoneInfo(zone)).date().isoformat(),
        timezone=zone,
        tools=cards(run),
        steps=steps(run.id),
        corrections=corrections,
        extra="\n".join(f"{a['question']} {a['answer']}" for a in run.context.get("answers", [])),
    )


def cards(run: Run) -> tuple[ToolCard, ...]:
    """The tools that may be proposed for this initiator by this agent. What is not offered cannot be chosen."""
    tools = (
        Tool.objects.usable(run.organization_id, run.initiator_id, run.agent_id)
        .select_related("version")
        .order_by("name")
    )
    offered = []
    for tool in tools:
        if tool.version is None:
            continue
        contract = Contract.from_json(tool.version.contract)
        offered.append(
            ToolCard(
                name=tool.name,
                description=contract.description,
                schema=contract.arguments_schema,
                tier=tool.tier,
                version=tool.version.hash,
            )
        )
    return tuple(offered)


def steps(run: uuid.UUID) -> tuple[StepSeen, ...]:
    """Every step so far with what became of it."""
    actions = list(Action.objects.of_run(run))
    ids = [action.id for action in actions]
    ledger = {row.action: row for row in Execution.objects.filter(action__in=ids)}
    current = {(r.action_id, r.number): r for r in Revision.objects.filter(action__in=ids)}
    rejected = [action.id for action in actions if action.status == "rejected"]  # none: then nobody is asked why
    refusals = {d.action_id: d.reason for d in Decision.objects.filter(action__in=rejected, verb=Decision.Verb.REJECT)}
    seen = []
    for action in actions:
        revision = current[action.id, action.revision]
        row = ledger.get(action.id)
        reason = refusals.get(action.id)
        if action.status == "denied":
            reason = " ".join(
                f.text for f in Ruling.from_json(binding.parsed(revision.ruling)).findings if f.verdict is Verdict.DENY
            )
        seen.append(
            StepSeen(
                number=action.step,
                tool=action.tool_name,
                arguments=binding.parsed(revision.arguments),
                status=action.status,
                result=binding.parsed(row.result) if row and row.result else None,
                error=(row.error_text or None) if row else None,
                reason=reason,
            )
        )
    return tuple(seen)


def report_lines(run: uuid.UUID) -> list[dict[str, Any]]:
    """What a run did, step by step: from actions and ledger rows, never from what the model says."""
    done = Execution.objects.filter(action=OuterRef("pk"), status="done")
    actions: Iterable[Any] = Action.objects.of_run(run).select_related("tool__version").annotate(in_ledger=Exists(done))
    lines = []
    for action in actions:
        contract = Contract.from_json(action.tool.version.contract) if action.tool and action.tool.version else None
        lines.append(
            {
                "step": action.step,
                "action": str(action.id),
                "tool": action.tool_name,
                "summary": action.summary,
                "status": action.status,
                "in_ledger": action.in_ledger,
                "reversible": bool(contract and contract.reversible),
            }
        )
    return lines
