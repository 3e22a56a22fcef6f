"""Asking the model, under a span that says which one, how much was read and written, and what went wrong."""

from typing import Any

from lam_app import context
from lam_app.planner import errors, providers
from lam_app.planner.draft import TraceDraft
from lam_app.planner.intent import PlannerContext
from traces.telemetry import Value, span


def ask_model(seen: PlannerContext) -> providers.Planned:
    """What the model proposes; its words and the prompt are in the trace and in no span. Raises PlannerError."""
    config = context.model_config()
    told: dict[str, Any] = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai"}
    told |= {"gen_ai__request__model": config.model, "gen_ai__conversation__id": seen.run_id}
    with span(f"chat {config.model}", kind="client", **told) as mark:
        try:
            planned = providers.plan(seen, config=config)
        except errors.PlannerError as error:
            mark.add(_of_call(error.trace))
            mark.failed(error.code)
            raise
        mark.add(_of_call(planned.trace))
        return planned


def _of_call(trace: TraceDraft | None) -> dict[str, Value | None]:
    if trace is None:
        return {}
    return {
        "gen_ai.response.model": trace.model,
        "gen_ai.usage.input_tokens": trace.tokens_in,
        "gen_ai.usage.output_tokens": trace.tokens_out,
        "countersign.schema": trace.schema_digest,
    }
