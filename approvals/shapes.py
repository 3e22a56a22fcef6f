"""Actions as clients read them, made from the rows a page at a time: four queries, however many actions."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from accounts.api import AGENT, Identity
from accounts.roles import Role
from approvals import binding
from approvals.models import Action, Decision, Revision
from approvals.reading.shown import MASK
from approvals.states import ActionStatus
from tools.contract import Contract
from tools.models import Execution
from traces.wire import Answer

STATUSES = Literal[
    "proposed", "denied", "in_review", "scheduled", "permitted", "executing", "done", "failed", "uncertain",
    "rejected", "expired", "withdrawn", "halted", "undone",
]  # fmt: skip
VERDICTS = Literal["allow", "veto_window", "review", "deny"]


class FindingOut(Answer):
    """One check's result; `warning` where a reviewer should look twice."""

    check: str
    verdict: VERDICTS
    warning: bool
    text: str


class ErrorOut(Answer):
    """Why there is no result: the tool's own code, or the status that ended the action."""

    code: str
    text: str


class DecisionOut(Answer):
    """What a person said. `by` is not told to agents."""

    decision: Literal["approve", "reject", "happened", "did_not_happen"]
    by: str | None
    reason: str
    at: datetime


class ActionOut(Answer):
    """A call under the gate. `digest` names exactly what is shown; `arguments` are the normalised ones."""

    id: uuid.UUID
    run: uuid.UUID
    tool: str
    arguments: Any
    digest: str
    status: STATUSES
    maturity: str
    verdict: VERDICTS
    risk: Literal["low", "medium", "high"]
    findings: list[FindingOut]
    reasoning: str | None
    result: Any
    error: ErrorOut | None
    decisions: list[DecisionOut]
    expires: datetime


def shape(action: Action, viewer: Identity) -> dict[str, Any]:
    """One action as this viewer may read it."""
    return shapes([action], viewer)[0]


def shapes(actions: Sequence[Action], viewer: Identity) -> list[dict[str, Any]]:
    """Actions as this viewer may read them, in the order given."""
    ids = [action.id for action in actions]
    revisions = {
        (r.action_id, r.number): r for r in Revision.objects.filter(action__in=ids).select_related("tool_version")
    }
    ledger = {row.action: row for row in Execution.objects.filter(action__in=ids)}
    decisions: dict[uuid.UUID, list[Decision]] = {}
    for decision in Decision.objects.filter(action__in=ids).select_related("decider").order_by("id"):
        decisions.setdefault(decision.action_id, []).append(decision)
    return [_shape(a, revisions[a.id, a.revision], ledger.get(a.id), decisions.get(a.id, []), viewer) for a in actions]


def _shape(
    action: Action, revision: Revision, row: Execution | None, decisions: list[Decision], viewer: Identity
) -> dict[str, Any]:
    findings = binding.parsed(revision.ruling)["findings"]
    return {
        "id": action.id,
        "run": action.run,
        "tool": action.tool_name,
        "arguments": _arguments(revision),
        "digest": action.digest,
        "status": action.status,
        "maturity": action.maturity,
        "verdict": action.verdict,
        "risk": action.risk,
        "findings": [{name: f[name] for name in ("check", "verdict", "warning", "text")} for f in findings],
        "reasoning": action.reasoning if _may_read_reasoning(action, viewer) else None,
        "result": binding.parsed(row.result) if row is not None and row.result else None,
        "error": _error(action, row, decisions, findings),
        "decisions": [
            {
                "decision": d.verb,
                "by": None if viewer.scope == AGENT else d.decider.username,
                "reason": d.reason,
                "at": d.created,
            }
            for d in decisions
        ],
        "expires": action.expires_at,
    }


def _arguments(revision: Revision) -> Any:
    """What was hashed, with the tool's secret fields masked as on every page."""
    arguments = binding.parsed(revision.arguments)
    version = revision.tool_version
    return _masked(arguments, Contract.from_json(version.contract).secret_fields if version else ())


def _masked(value: Any, secret: Iterable[str], path: str = "") -> Any:
    if path and path in secret:
        return MASK
    if isinstance(value, Mapping):
        return {key: _masked(inner, secret, f"{path}.{key}" if path else key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner, secret, path) for inner in value]
    return value


def _may_read_reasoning(action: Action, viewer: Identity) -> bool:
    """Developers and auditors, never an agent and never whoever the action acts for."""
    if viewer.scope == AGENT or viewer.user.pk in action.principals:
        return False
    return viewer.membership.has(Role.DEVELOPER, Role.AUDITOR)


def _error(
    action: Action, row: Execution | None, decisions: list[Decision], findings: list[dict[str, Any]]
) -> dict[str, str] | None:
    if row is not None and row.finished_at and row.error_code:
        return {"code": row.error_code, "text": row.error_text}
    match action.status:
        case ActionStatus.DENIED:
            text = " ".join(str(f["text"]) for f in findings if f["verdict"] == "deny")
        case ActionStatus.REJECTED:
            text = " ".join(d.reason for d in decisions if d.verb == Decision.Verb.REJECT)
        case ActionStatus.EXPIRED:
            text = "Nobody decided in time, which is a no."
        case ActionStatus.WITHDRAWN:
            text = "Whoever asked no longer does."
        case ActionStatus.HALTED:
            text = "A stop caught it."
        case _:
            return None
    return {"code": action.status, "text": text}
