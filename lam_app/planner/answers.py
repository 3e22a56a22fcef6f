"""Reads a chat completion into an intent and its trace, trusting no field of it."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lam_app.planner import errors
from lam_app.planner.draft import Candidate, TraceDraft
from lam_app.planner.intent import Act, Intent, ToolCard, read_intent
from lam_app.planner.planning import Plan, read_plan
from lam_app.planner.probabilities import tool_probabilities
from traces.canonical import JSON
from traces.text import storable

_CODE_BLOCK = re.compile(r"\A\s*```(?:json)?\s*\n(.*)\n\s*```\s*\Z", re.DOTALL)


def read(
    body: bytes, request_id: str | None, tools: Sequence[ToolCard], draft: TraceDraft, *, planning: bool = False
) -> tuple[Intent, TraceDraft]:
    """The intent in a completion's body and the finished trace; any PlannerError carries the trace so far.

    With ``planning`` the answer may hold a plan, which ``plan_in`` finds.
    """
    draft = replace(draft, request_id=_storable(request_id))
    try:
        envelope = _envelope(body)
        choice, message = _choice(envelope)
    except errors.PlannerError as error:
        # Whatever answered, it was not the model: keep the beginning, it usually says what it was.
        error.trace = replace(draft, text=_storable(body[:20_000].decode("utf-8", "replace")), error=error.code)
        raise
    usage = envelope.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    text = message.get("content")
    draft = replace(
        draft,
        model=_storable(envelope.get("model")) or draft.model,
        model_version=_storable(envelope.get("system_fingerprint")),
        request_id=draft.request_id or _storable(envelope.get("id")),
        text=_storable(text),
        refusal=_storable(message.get("refusal")),
        finish_reason=_storable(choice.get("finish_reason")),
        tokens_in=_count(usage.get("prompt_tokens")),
        tokens_out=_count(usage.get("completion_tokens")),
        **_understood(text),
    )
    logprobs = choice.get("logprobs")
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    if isinstance(text, str) and isinstance(tokens, list):
        chosen, alternatives = tool_probabilities(text, tokens, [tool.name for tool in tools])
        draft = replace(draft, logprob=chosen, alternatives=alternatives)
    try:
        intent = _intent(text, draft, tools, planning)
    except errors.PlannerError as error:
        error.trace = replace(draft, error=error.code)
        raise
    if isinstance(intent, Act):
        draft = replace(draft, considered=intent.considered)
    return intent, draft


def plan_in(draft: TraceDraft) -> Plan | None:
    """The plan that an answer states, or None: a model that cannot plan is no reason to stop."""
    try:
        return read_plan(json.loads(_bare(draft.text or "", draft)))
    except (ValueError, RecursionError):
        return None


def _bare(text: str, draft: TraceDraft) -> str:
    """The answer without the code block around it, which a server puts there that was not asked for a schema."""
    block = None if draft.structured else _CODE_BLOCK.match(text)
    return block[1] if block else text


def _intent(text: JSON, draft: TraceDraft, tools: Sequence[ToolCard], planning: bool) -> Intent:
    if draft.refusal:
        raise errors.Refused(draft.refusal)
    if draft.finish_reason == "content_filter":
        raise errors.Filtered
    if draft.finish_reason == "length":
        raise errors.Truncated(f"it ended after {len(draft.text or '')} characters")
    if not isinstance(text, str):
        raise errors.Empty
    return read_intent(_bare(text, draft), tools, planning=planning)


def _envelope(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise errors.ProviderUnavailable("what came back is not JSON, so it is not from a model server") from None
    if not isinstance(found, dict):
        raise errors.ProviderUnavailable("what came back is not a chat completion")
    return found


def _choice(envelope: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    choices = envelope.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise errors.ProviderUnavailable("what came back is not a chat completion")
    return choice, message


def _understood(text: JSON) -> dict[str, Any]:
    """What can be kept of an answer for the record even where it is not a valid intent."""
    try:
        answer = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return {}
    if not isinstance(answer, dict):
        return {}
    following, considered = answer.get("next"), answer.get("considered")
    return {
        "reasoning": _storable(answer.get("reasoning")),
        "tool": _storable(following.get("tool")) if isinstance(following, dict) else None,
        "considered": tuple(
            Candidate(_storable(one.get("candidate")) or "", _storable(one.get("why_not")) or "")
            for one in (considered if isinstance(considered, list) else ())
            if isinstance(one, dict)
        ),
    }


def _count(value: JSON) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


def _storable(value: JSON) -> str | None:
    """Text that PostgreSQL can keep, or None; what it cannot keep stays visible as a replacement character."""
    return storable(value) if isinstance(value, str) else None
