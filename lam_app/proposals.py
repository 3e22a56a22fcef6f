"""An intent of the model, as it reaches the gate and as it is remembered."""

import math
import uuid
from typing import Any

from approvals import binding
from approvals.facts import Budget
from approvals.models import Action
from approvals.services.propose import Proposal
from lam_app.models import Run, RunPlan, Step
from lam_app.planner.draft import TraceDraft
from lam_app.planner.intent import Act, PlannerContext
from lam_app.planner.planning import Plan
from lam_app.sources import origins_of
from traces.calls import ModelCall, Spent, remember
from traces.redaction import hidden, hidden_in
from traces.text import storable


def proposal(
    run: Run, number: int, act: Act, *, seen: PlannerContext, trace: uuid.UUID, logprob: float | None, spent: Spent
) -> Proposal:
    """What the gate is asked. Where the arguments come from is found here, from what the model had ``seen``."""
    return Proposal(
        organization=run.organization_id,
        run=run.id,
        step=number,
        origin="planner",
        initiator=run.initiator_id,
        agent=run.agent_id,
        principals=(run.initiator_id, run.agent.owner_id),
        tool=act.tool,
        arguments=act.arguments,
        reasoning=storable(act.reasoning),
        confidence=math.exp(logprob) if logprob is not None else None,
        stated_confidence=act.confidence,
        trace=trace,
        budget=Budget(run.step, spent.tokens, spent.cost),
        provenance=origins_of(act, seen),
        considered=tuple(_left_aside(act)),
    )


def step_of(run: Run, number: int, act: Act, action: Action) -> Step:
    """The step that a proposal is, ready to be saved."""
    return Step(
        organization_id=run.organization_id,
        run=run,
        number=number,
        intent=binding.text(
            {
                "tool": act.tool,
                "arguments": act.arguments,
                "reasoning": hidden(act.reasoning),
                "considered": _left_aside(act),
                "confidence": act.confidence,
            }
        ),
        action=action,
    )


def plan_of(run: Run, plan: Plan, number: int) -> RunPlan:
    """A plan of the agent as the ``number``-th of its run, ready to be saved."""
    told = plan.to_json()
    return RunPlan(
        organization_id=run.organization_id,
        run=run,
        number=number,
        goal=hidden_in(told["goal"]),
        steps=told["steps"],
        missing=hidden_in(told["missing"]),
    )


def remember_call(run: Run, step: int, attempt: int, draft: TraceDraft, *, error: str = "") -> uuid.UUID:
    """Keep a model call, whatever came of it; the trace's id."""
    return remember(
        ModelCall(
            organization=run.organization_id,
            run=run.id,
            agent=run.agent_id,
            step=step,
            attempt=attempt,
            model=draft.model,
            model_version=draft.model_version or "",
            prompt=[(part.role, part.content) for part in draft.prompt],
            schema_digest=draft.schema_digest,
            latency_ms=round(draft.latency_ms or 0),
            answer=draft.text or draft.refusal or "",
            reasoning=draft.reasoning or "",
            candidates=[{"tool": c.tool, "why_not": c.why_not} for c in draft.considered],
            chosen=draft.tool or "",
            chosen_logprob=draft.logprob,
            alternatives=[{"tool": a.tool, "probability": a.probability} for a in draft.alternatives],
            tokens_in=draft.tokens_in,
            tokens_out=draft.tokens_out,
            finish=draft.finish_reason or "",
            error=error,
            request_id=draft.request_id or "",
        )
    )


def _left_aside(act: Act) -> list[dict[str, Any]]:
    return [{"tool": one.tool, "why_not": hidden(one.why_not)} for one in act.considered]
