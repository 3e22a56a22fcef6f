"""A person's standing yes to calls like one that was shown: what it covers, and what it never covers. Pure.

A grant lies inside bounds that its maker saw. Whatever an argument may be is said for each of them; an argument that
nobody spoke of is not covered, and in doubt nothing is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from approvals.policy.values import EXACT, MISSING, amount_problem, number
from tools.kinds import Category, Tier
from traces.canonical import JSON, canonical

if TYPE_CHECKING:
    from approvals.policy.facts import Facts

MOST_USES: Final = 1_000
"""How many calls one grant may let go."""
DAYS, MOST_DAYS = 7, 30
"""How long a grant lasts unless its maker says otherwise, and at most."""


class Bounds(StrEnum):
    """How a grant bounds one argument."""

    EQUALS = "equals"
    AT_MOST = "at_most"
    """A number from nothing up to this one, both included."""
    ONE_OF = "one_of"
    ANYTHING = "anything"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Bound:
    """What one argument may be."""

    argument: str
    bounds: Bounds
    value: JSON = None

    def holds(self, found: object) -> bool:
        """Whether an argument lies inside; MISSING is what is not there. Compared exactly, numbers as decimals."""
        match self.bounds:
            case Bounds.ANYTHING:
                return True
            case Bounds.ABSENT:
                return found is MISSING  # null is a value: to many a tool it says to clear what was there
            case Bounds.EQUALS:
                return found is not MISSING and _same(found, self.value)
            case Bounds.ONE_OF:
                listed = self.value if isinstance(self.value, list) else []
                return found is not MISSING and any(_same(found, one) for one in listed)
            case Bounds.AT_MOST:
                exact, most = number(found), number(self.value)
                return exact is not None and most is not None and 0 <= exact <= most

    def to_json(self) -> dict[str, JSON]:
        """The bound as rows and facts keep it."""
        return {"argument": self.argument, "bounds": self.bounds.value, "value": self.value}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Bound":
        """The bound that `to_json` wrote; KeyError, TypeError or ValueError for anything else."""
        return cls(str(value["argument"]), Bounds(value["bounds"]), value["value"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A grant as it stood when a call was counted against it."""

    id: str
    by: str
    """Who made it, by id."""
    by_name: str
    tool: str
    version_hash: str
    agent: str
    """The agent's id."""
    initiator: str = ""
    """The initiator's id; empty where anybody of the team is meant."""
    team: str = ""
    bounds: tuple[Bound, ...] = ()
    uses: int
    """How many calls it lets go at most."""
    used: int
    """How many it had let go before this one."""
    total: str | None = None
    """The most money that all its calls may move together; None for a tool that moves none."""
    spent: str = "0"
    """What the calls before this one moved."""
    currency: str = ""

    def to_json(self) -> dict[str, JSON]:
        """Every field as JSON."""
        return {
            "id": self.id,
            "by": self.by,
            "by_name": self.by_name,
            "tool": self.tool,
            "version_hash": self.version_hash,
            "agent": self.agent,
            "initiator": self.initiator,
            "team": self.team,
            "bounds": [bound.to_json() for bound in self.bounds],
            "uses": self.uses,
            "used": self.used,
            "total": self.total,
            "spent": self.spent,
            "currency": self.currency,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Granted":
        """The grant that `to_json` wrote; KeyError, TypeError or ValueError for anything else."""
        return cls(**{**value, "bounds": tuple(Bound.from_json(one) for one in value["bounds"])})


def uncovered(grant: Granted, facts: "Facts") -> str:
    """Why a grant does not cover a call, for a reader; empty where it does."""
    tool = facts.tool
    if tool is None or tool.name != grant.tool:
        return "it is for another tool"
    if not tool.version_hash == tool.proposed_version_hash == grant.version_hash:
        return "it is for another version of the tool"
    if facts.agent.id != grant.agent:
        return "it is for another agent"
    return _other_person(grant, facts) or _outside(grant, facts) or _used_up(grant, facts)


def _other_person(grant: Granted, facts: "Facts") -> str:
    if facts.initiator.id == grant.by:
        return "nobody allows what acts for themselves"
    if grant.initiator:
        return "" if facts.initiator.id == grant.initiator else "it is for another initiator"
    return "" if grant.team and grant.team in (facts.initiator.teams or ()) else "it is for another team"


def _outside(grant: Granted, facts: "Facts") -> str:
    """The first argument that is not inside its bounds."""
    given = facts.arguments
    if not isinstance(given, dict) or facts.problems:
        return "the arguments are not what the tool takes"
    bounds = {bound.argument: bound for bound in grant.bounds}
    if len(bounds) != len(grant.bounds):
        return "it speaks of one argument twice"
    for name in sorted({*given, *bounds}):
        if name not in bounds:
            return f"it says nothing of {name}"
        if not bounds[name].holds(given.get(name, MISSING)):
            return f"{name} lies outside"
    return ""


def _used_up(grant: Granted, facts: "Facts") -> str:
    tool = facts.tool
    if not 0 <= grant.used < grant.uses:
        return "it is used up"
    if tool is None or tool.amount is None:
        money = tool is not None and Category.MONEY in tool.categories and tool.tier > Tier.READ
        return "how much money it would move is not known" if money or grant.total is not None else ""
    amount, total, spent = number(tool.amount), number(grant.total), number(grant.spent)
    if amount_problem(tool.amount) or amount is None or spent is None or spent < 0:
        return "how much money it would move is not known"
    if total is None or not grant.currency or tool.currency != grant.currency:
        return f"it allows no amount in {tool.currency or 'an unknown currency'}"
    if EXACT.add(spent, amount) > total:
        return f"with this call it would move more than {total:f} {grant.currency}"
    return ""


def asks(facts: "Facts") -> Decimal:
    """How much of a grant's total a covered call uses; nothing where its tool moves no money."""
    tool = facts.tool
    amount = number(tool.amount) if tool is not None and tool.amount is not None else None
    return Decimal(0) if amount is None else amount


def _same(found: object, wanted: JSON) -> bool:
    """Equal in type and value; numbers by their value. True is no 1, and text never equals a number."""
    kinds = (int, float)
    both = isinstance(found, kinds) and isinstance(wanted, kinds)
    if both and not isinstance(found, bool) and not isinstance(wanted, bool):
        return number(found) == number(wanted)
    return canonical(found) == canonical(wanted)
