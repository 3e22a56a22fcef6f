"""Which limits a call counts against, and how far each was used when it was counted. Reads only."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from approvals.models import Reservation
from approvals.policy import Limit, Per, Usage, asks_of, limits_over

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

    def usage(self, used: Decimal) -> Usage:
        """The same for the policy, with what was used before."""
        return Usage(limit=self.limit, subject=self.subject, used=plain(used), asks=plain(self.asks), unit=self.unit)


def wants(gathered: "Gathered") -> tuple[Want, ...]:
    """The limits that this call counts against, sorted by key. Pure."""
    found = (_want(limit, gathered) for limit in limits_over(gathered.document, gathered.facts))
    return tuple(sorted(found, key=lambda want: want.key))


def standing(action: uuid.UUID, gathered: "Gathered") -> tuple[Usage, ...]:
    """What was counted for an action when it was staged, as the database wrote it down.

    A limit that was not counted, or for something else than these arguments ask, is left out, which the policy takes
    for a no: whoever stored the action may have counted less than it does.
    """
    wanted = wants(gathered)
    if not wanted:
        return ()
    rows = Reservation.objects.filter(
        organization_id=gathered.asked.organization,
        action=action,
        key__in=[want.key for want in wanted],
        released_at=None,
    )
    counted = {(row.key, row.limit_id, row.seconds, row.asks, row.unit): Decimal(row.amount_before) for row in rows}
    known = ((want, counted.get((want.key, want.limit, want.seconds, want.asks, want.unit))) for want in wanted)
    return tuple(want.usage(used) for want, used in known if used is not None)


def plain(number: Decimal) -> str:
    """A number without an exponent and without zeros that say nothing: 100, 99.5."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _want(limit: Limit, gathered: "Gathered") -> Want:
    subject, whose = _whose(limit.per, gathered)
    asks = asks_of(limit, gathered.facts)
    return Want(
        limit=limit.id,
        key=":".join(part for part in (limit.id, limit.per.value, whose, limit.unit) if part),
        subject=subject,
        seconds=limit.seconds,
        asks=asks,
        unit=limit.unit,
    )


def _whose(per: Per, gathered: "Gathered") -> tuple[str, str]:
    """Whose use is counted together, in words and by id."""
    match per:
        case Per.TOOL:
            assert gathered.tool is not None, "no limit is over a tool that is not there"
            return f"tool {gathered.tool.name}", str(gathered.tool.id)
        case Per.AGENT:
            return f"agent {gathered.facts.agent.name}", str(gathered.asked.agent)
        case Per.INITIATOR:
            return f"initiator {gathered.facts.initiator.name}", str(gathered.asked.initiator)
        case Per.ORGANIZATION:
            return "the organization", str(gathered.asked.organization)
