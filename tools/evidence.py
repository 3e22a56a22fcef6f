"""What a tool's newest calls came to, for whoever sets how freely it acts. The gate answers it: calls are its rows."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

NEWEST: Final = 200
"""How many of a tool's newest settled calls are looked at, so that a list costs the same however old a tool is."""


@dataclass(frozen=True)
class Evidence:
    """Counts over a tool's newest settled calls."""

    calls: int = 0
    decided: int = 0
    """Calls on which a person said yes or no."""
    approved: int = 0
    """Decided with a yes to what the agent had proposed, unchanged."""
    edited: int = 0
    """Decided with a yes after a person had changed the call."""
    rejected: int = 0
    failed: int = 0
    """Failed, or of unknown outcome."""

    @property
    def capped(self) -> bool:
        """Whether there may be older ones."""
        return self.calls >= NEWEST

    @property
    def approval_rate(self) -> float | None:
        """Percent of the decided calls that were approved unchanged; None where nobody decided any."""
        return 100 * self.approved / self.decided if self.decided else None

    @property
    def edit_rate(self) -> float | None:
        """Percent of the decided calls that were edited first; None where nobody decided any."""
        return 100 * self.edited / self.decided if self.decided else None


NONE: Final = Evidence()
Asks = Callable[[uuid.UUID, Sequence[uuid.UUID]], Mapping[uuid.UUID, Evidence]]
_answers: list[Asks] = []


def answers(ask: Asks) -> None:
    """Whoever knows answers from now on. Called when the product starts."""
    _answers[:] = [ask]


def evidence(organization: uuid.UUID, tools: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Evidence]:
    """What came of each of these tools' calls; a tool without any is left out. One query, however many tools."""
    found: Mapping[uuid.UUID, Evidence] = {}
    for ask in _answers:
        found = ask(organization, tools)
    return found
