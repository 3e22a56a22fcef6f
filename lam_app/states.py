"""The life of a Run: one goal, from the moment it is accepted to its report."""

from django.db.models import TextChoices

from traces.states import Machine


class RunStatus(TextChoices):
    """Where a run stands; the words are the public interface's."""

    SUBMITTED = "submitted"  # accepted, nobody has looked at it
    PLANNING = "planning"  # a planner asks the model for the next step
    WAITING = "waiting"  # its action is under the gate or in the world
    NEEDS_INPUT = "needs_input"  # the initiator has to answer a question
    NEEDS_HUMAN = "needs_human"  # the machine gave up and says so
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    HALTED = "halted"  # a kill switch caught it
    UNDOING = "undoing"
    UNDONE = "undone"


S = RunStatus
_LIVE = (S.SUBMITTED, S.PLANNING, S.WAITING, S.NEEDS_INPUT, S.NEEDS_HUMAN, S.UNDOING)


def _edges() -> dict[str, frozenset[str]]:
    edges: dict[RunStatus, set[RunStatus]] = {
        S.SUBMITTED: {S.PLANNING, S.CANCELLED},
        S.PLANNING: {S.WAITING, S.NEEDS_INPUT, S.SUCCEEDED, S.FAILED, S.NEEDS_HUMAN, S.CANCELLED},
        S.WAITING: {S.PLANNING, S.NEEDS_HUMAN, S.CANCELLED},
        S.NEEDS_INPUT: {S.PLANNING, S.CANCELLED},
        S.NEEDS_HUMAN: {S.PLANNING, S.FAILED, S.CANCELLED, S.UNDOING},
        S.SUCCEEDED: {S.UNDOING},
        S.FAILED: {S.UNDOING},
        S.CANCELLED: {S.UNDOING},
        S.UNDOING: {S.UNDONE, S.NEEDS_HUMAN},
        S.HALTED: {S.PLANNING, S.CANCELLED},
    }
    for live in _LIVE:  # "any live one → HALTED"
        edges[live].add(S.HALTED)
    return {source.value: frozenset(target.value for target in targets) for source, targets in edges.items()}


RUN = Machine(name="run", initial=S.SUBMITTED.value, edges=_edges())

FINISHED = frozenset(s.value for s in (S.SUCCEEDED, S.FAILED, S.CANCELLED, S.UNDONE))
"""Statuses after which a run needs nobody any more."""
