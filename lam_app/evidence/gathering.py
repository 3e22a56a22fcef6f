"""What an archive says of one action, from the rows: documents by name. Reads only; secrets are masked on the way."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approvals.models import Action, Decision, Permit, PolicyVersion, Revision
from approvals.states import SETTLED
from lam_app.evidence.masks import Masks, masks
from tools.models import Execution
from traces.chain import moment, written
from traces.models import PromptPart, Trace


@dataclass(frozen=True)
class Rows:
    """The rows of one action."""

    action: Action
    revisions: list[Revision]
    decisions: list[Decision]
    permits: list[Permit]
    execution: Execution | None
    undoing: list[Action]
    """What was to take it back."""
    masks: Masks

    @property
    def subjects(self) -> list[uuid.UUID]:
        """Rows whose events belong to it: its own, its ledger's, its permits', and of the policies it was judged by."""
        ledger = [self.execution.pk] if self.execution else []
        policies = {revision.policy_version_id for revision in self.revisions}
        return [self.action.pk, *ledger, *(permit.pk for permit in self.permits), *sorted(policies)]


def rows_of(action: Action) -> Rows:
    """Read what belongs to an action."""
    revisions = list(
        Revision.objects.filter(action=action)
        .select_related("tool_version", "policy_version__made_by", "author")
        .defer("policy_version__made_by__password", "author__password")
        .order_by("number")
    )
    decisions = Decision.objects.filter(action=action).select_related("decider").defer("decider__password")
    given = [
        (json.loads(one.arguments), one.tool_version.contract["secret_fields"] if one.tool_version else ())
        for one in revisions
    ]
    return Rows(
        action=action,
        revisions=revisions,
        decisions=list(decisions.order_by("id")),
        permits=list(Permit.objects.filter(action=action).order_by("id")),
        execution=Execution.objects.filter(action=action.pk).first(),
        undoing=list(Action.objects.filter(undo_of=action.pk).order_by("id")),
        masks=masks(given),
    )


def told(rows: Rows) -> dict[str, Any]:
    """Who asked, who decided, who set the rule and who owns the tool, by name."""
    action, current = rows.action, rows.revisions[-1]
    policy = current.policy_version
    tool = action.tool
    return {
        "action": str(action.pk),
        "summary": rows.masks.text(action.summary),
        "status": str(action.status),
        "asked": {"by": action.agent.name, "for": action.initiator.username},
        "decided": [
            {"by": one.decider.username, "decision": str(one.verb), "at": moment(one.created)} for one in rows.decisions
        ],
        "rule": {
            "policy_version": policy.number,
            "set_by": policy.made_by.username if policy.made_by else "",
            "verdict": action.verdict,
        },
        "tool": {
            "name": action.tool_name,
            "version": current.tool_version.number if current.tool_version else None,
            "owner": tool.owner.username if tool and tool.owner else "",
        },
    }


def documents(rows: Rows, *, reasoning: bool) -> dict[str, bytes]:
    """The archive's documents of one action, as JSON."""
    action, hide = rows.action, rows.masks
    found: dict[str, Any] = {
        "action": _action(rows, reasoning=reasoning),
        "revisions": [_revision(one, hide) for one in rows.revisions],
        "policy": [_policy(one) for one in {r.policy_version_id: r.policy_version for r in rows.revisions}.values()],
        "tool": [_tool(one) for one in rows.revisions if one.tool_version],
        "decisions": [_decision(one, hide) for one in rows.decisions],
        "permits": [_permit(one, over=action.status in SETTLED) for one in rows.permits],
        "execution": _execution(rows.execution, hide),
        "undo": {
            "takes_back": str(action.undo_of) if action.undo_of else None,
            "asked": [
                {"action": str(one.pk), "status": str(one.status), "created": _at(one.created)} for one in rows.undoing
            ],
        },
        "trace": trace(action.organization_id, action.trace, hide, reasoning=reasoning),
    }
    return {f"{name}.json": document(value) for name, value in found.items()}


def document(value: Any) -> bytes:
    """JSON in the one form that is hashed."""
    return (written(value) + "\n").encode()


def trace(
    organization: uuid.UUID, trace_id: uuid.UUID | None, hide: Masks, *, reasoning: bool
) -> dict[str, Any] | None:
    """The model's call: what it cost and how sure it was; with ``reasoning`` what was sent and said as well."""
    call = Trace.objects.filter(organization=organization, pk=trace_id).first() if trace_id else None
    if call is None:
        return None
    said: dict[str, Any] = {
        "id": str(call.pk), "run": str(call.run), "step": call.step, "attempt": call.attempt, "at": _at(call.at),
        "model": call.model, "model_version": call.model_version, "schema_digest": call.schema_digest,
        "chosen": call.chosen, "chosen_logprob": call.chosen_logprob, "alternatives": call.alternatives,
        "tokens_in": call.tokens_in, "tokens_out": call.tokens_out,
        "cost": None if call.cost is None else str(call.cost), "latency_ms": call.latency_ms,
        "finish": call.finish, "error": call.error, "request_id": call.request_id,
    }  # fmt: skip
    if not reasoning:
        return {**said, "left_out": "prompt, answer, candidates and reasoning: for auditors and developers"}
    texts = dict(PromptPart.objects.filter(organization=organization, pk__in=call.parts).values_list("pk", "content"))
    prompt = [{"role": role, "text": texts.get(part)} for role, part in zip(call.roles, call.parts, strict=False)]
    return {
        **said,
        "prompt": hide(prompt),
        "answer": hide(call.answer),
        "reasoning": hide(call.reasoning),
        "candidates": hide(call.candidates),
    }


def _at(at: datetime | None) -> str | None:
    return None if at is None else moment(at)


def _action(rows: Rows, *, reasoning: bool) -> dict[str, Any]:
    action, hide = rows.action, rows.masks
    said = {
        "id": str(action.pk), "organization": str(action.organization_id), "run": str(action.run),
        "step": action.step, "origin": action.origin, "initiator": action.initiator.username,
        "agent": action.agent.name, "principals": [str(one) for one in action.principals],
        "tool": action.tool_name, "summary": hide.text(action.summary), "status": str(action.status),
        "verdict": action.verdict, "risk": action.risk, "maturity": action.maturity, "quorum": action.quorum,
        "teams": action.teams, "revision": action.revision, "digest": action.digest, "canary": action.canary,
        "confidence": action.confidence, "stated_confidence": action.stated_confidence,
        "created": _at(action.created), "due": _at(action.due_at), "expires": _at(action.expires_at),
        "settled": _at(action.settled_at),
    }  # fmt: skip
    return {**said, "reasoning": hide.text(action.reasoning)} if reasoning else said


def _revision(one: Revision, hide: Masks) -> dict[str, Any]:
    return {
        "number": one.number, "digest": one.digest, "author": one.author.username if one.author else None,
        "created": _at(one.created), "arguments": hide.arguments(json.loads(one.arguments)),
        "arguments_digest": one.arguments_digest, "request": hide(_parsed(one.request)),
        "request_digest": one.request_digest, "facts": hide(_parsed(one.facts)), "ruling": hide(_parsed(one.ruling)),
        "policy_version": one.policy_version.number,
        "tool_version": one.tool_version.number if one.tool_version else None,
    }  # fmt: skip


def _policy(version: PolicyVersion) -> dict[str, Any]:
    return {
        "number": version.number, "settings": version.settings, "reason": version.reason,
        "made_by": version.made_by.username if version.made_by else None, "created": _at(version.created),
    }  # fmt: skip


def _tool(revision: Revision) -> dict[str, Any]:
    version = revision.tool_version
    assert version is not None, "asked only where there is one"
    return {"revision": revision.number, "version": version.number, "hash": version.hash, "contract": version.contract}


def _decision(one: Decision, hide: Masks) -> dict[str, Any]:
    return {
        "id": str(one.pk), "by": one.decider.username, "decision": str(one.verb), "digest": one.digest,
        "code": one.code, "reason": hide.text(one.reason), "at": _at(one.created), "seconds_on_card": one.seconds,
        "folds": one.folds, "opened": one.opened, "among": one.among,
    }  # fmt: skip


def _permit(one: Permit, *, over: bool) -> dict[str, Any]:
    """A permit; its token only once nothing can be done with it any more."""
    said = {
        "id": str(one.pk), "kid": one.kid, "deciders": [str(person) for person in one.deciders], "epoch": one.epoch,
        "not_before": _at(one.not_before), "expires": _at(one.expires_at), "created": _at(one.created),
        "revoked": _at(one.revoked_at), "revoked_because": one.revoked_because,
    }  # fmt: skip
    return {**said, "token": one.token} if over else said


def _execution(row: Execution | None, hide: Masks) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "id": str(row.pk), "permit": str(row.permit), "key": row.key, "status": str(row.status),
        "attempt": row.attempt, "arguments_digest": row.arguments_digest, "request_digest": row.request_digest,
        "claimed": _at(row.claimed_at), "finished": _at(row.finished_at), "result": hide(_parsed(row.result)),
        "error_code": row.error_code, "error_text": hide.text(row.error_text), "evidence": hide(_parsed(row.evidence)),
    }  # fmt: skip


def _parsed(text: str) -> Any:
    found: Mapping[str, Any] | None = json.loads(text) if text else None
    return found
