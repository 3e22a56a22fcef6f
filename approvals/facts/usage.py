"""Which limits a call counts against, and how far each was used when it was counted. Reads only."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from approvals.policy import Usage

if TYPE_CHECKING:
    from approvals.facts import Gathered


@dataclass(frozen=True, slots=True)
class Want:
    """One limit that a call uses: whose count, over how many seconds, and how much of it."""

    limit: str
    key: str
    subject: str
    seconds: int
    asks: Decimal
    unit: str = ""


def wants(gathered: "Gathered") -> tuple[Want, ...]:
    """The limits that this call counts against, sorted by key. Pure."""
    _ = gathered
    return ()


def standing(action: uuid.UUID, gathered: "Gathered") -> tuple[Usage, ...]:
    """What was counted for an action when it was staged, as the database wrote it down."""
    _ = (action, gathered)
    return ()
