"""Model calls as they are remembered, made without a model."""

from __future__ import annotations

import uuid
from typing import Any

from lam_app.models import Run
from tests.support.world import World
from traces.calls import ModelCall, remember

CATALOGUE = 'Tools that you may propose:\n{"tool": "send_message"}\n{"tool": "write_note"}'


def called(world: World, run: Run | None = None, **changes: Any) -> uuid.UUID:
    """A call for the first step of a run of the operator's, or of the run that is named."""
    run = run or world.run()
    given: dict[str, Any] = {
        "organization": run.organization_id,
        "run": run.pk,
        "agent": run.agent_id,
        "step": 1,
        "attempt": 1,
        "model": "small-model",
        "model_version": "fp_1",
        "prompt": [("system", "You may only propose."), ("user", CATALOGUE), ("user", f"The goal: {run.goal}")],
        "schema_digest": "sha256:00ff",
        "latency_ms": 40,
        "answer": '{"reasoning": "The customer waits."}',
        "reasoning": "The customer waits.",
        "candidates": [{"tool": "write_note", "why_not": "Nobody reads notes."}],
        "chosen": "send_message",
        "chosen_logprob": -0.1054,
        "alternatives": [{"tool": "write_note", "probability": 0.08}],
        "tokens_in": 900,
        "tokens_out": 60,
        **changes,
    }
    return remember(ModelCall(**given))
