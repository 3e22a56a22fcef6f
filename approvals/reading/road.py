"""The road from a yes to an effect, as a page draws it: consent, permit, sending, outcome. Made from the rows."""

import datetime as dt
from dataclasses import dataclass

from approvals.models import Action, Decision, Permit
from approvals.states import ActionStatus
from tools.models import Execution


@dataclass(frozen=True)
class Stage:
    """One of the four moments between a yes and an effect."""

    name: str
    state: str  # done | now | next | bad | unknown
    at: dt.datetime | None = None
    note: str = ""


def stages(
    action: Action, decisions: list[Decision], permit: Permit | None, execution: Execution | None
) -> list[Stage]:
    """The road from a yes to an effect, as far as it has been walked. Empty while nobody has decided."""
    status = action.status
    if status in (ActionStatus.PROPOSED, ActionStatus.IN_REVIEW, ActionStatus.DENIED, ActionStatus.REJECTED):
        return []
    if status in (ActionStatus.EXPIRED, ActionStatus.WITHDRAWN, ActionStatus.HALTED) and execution is None:
        return []
    votes = [d for d in decisions if d.verb == Decision.Verb.APPROVE]
    consent = (
        Stage("Approved", "done", votes[-1].created, "by " + ", ".join(d.decider.username for d in votes))
        if votes
        else Stage("Allowed", "done", action.created, "by policy")
    )
    coming = Stage("Permit", "next" if status == ActionStatus.SCHEDULED else "now")
    signed = Stage("Permit signed", "done", permit.created) if permit else coming
    if execution is None:
        return [consent, signed, Stage("Sending", "now" if permit else "next"), Stage("Outcome", "next")]
    outcome = {
        "claimed": Stage("Outcome", "now"),
        "done": Stage("Done", "done", execution.finished_at),
        "failed": Stage("Failed", "bad", execution.finished_at),
        "uncertain": Stage("Unknown outcome", "unknown", execution.finished_at),
        "undone": Stage("Done", "done", execution.finished_at, "and taken back since"),
    }[execution.status]
    return [consent, signed, Stage("Sent", "done", execution.claimed_at), outcome]
