"""What administrators decide for an organization: rules, limits, bounds. A value, parsed strictly, never half-read.

The text of a policy version is this document as JSON. Every entry has an id of its own, which findings name, so that
a reviewer, an auditor and a replay speak of the same line.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import TypeVar

from approvals.policy.facts import Facts
from approvals.policy.ruling import Verdict
from tools.kinds import Category, Maturity, Tier
from traces.canonical import JSON

DAY = 86_400
"""Seconds over which an exposure is counted."""

MOST_ENTRIES = 500
"""How many rules, how many limits and how many exceptions one document may have."""


class Per(StrEnum):
    """Whose use of a limit is counted together."""

    TOOL = "tool"
    AGENT = "agent"
    INITIATOR = "initiator"
    ORGANIZATION = "organization"


class Counts(StrEnum):
    """What a limit counts."""

    CALLS = "calls"
    AMOUNT = "amount"


class Compares(StrEnum):
    """How a condition compares an argument with its value. Numbers and money are compared as decimals."""

    MORE = ">"
    AT_LEAST = ">="
    LESS = "<"
    AT_MOST = "<="
    EQUAL = "="
    NOT_EQUAL = "!="
    AMONG = "in"
    NOT_AMONG = "not in"
    PRESENT = "present"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Selector:
    """Which calls an entry is about: all that fit every part that is named. An empty part fits any."""

    tools: frozenset[str] = frozenset()
    categories: frozenset[Category] = frozenset()
    """Tools of any of these."""
    tiers: frozenset[Tier] = frozenset()
    agents: frozenset[str] = frozenset()
    """Agents by name or id."""
    initiators: frozenset[str] = frozenset()
    """People by name or id."""
    teams: frozenset[str] = frozenset()
    """The initiator's teams: any of these. Where nobody looked which teams those are, this fits."""

    def fits(self, facts: Facts) -> bool:
        """Whether a call is one of these; a tool that is not in the catalogue is denied anyway and fits nothing."""
        tool = facts.tool
        return (
            tool is not None
            and (not self.tools or tool.name in self.tools)
            and (not self.categories or not self.categories.isdisjoint(tool.categories))
            and (not self.tiers or tool.tier in self.tiers)
            and (not self.agents or facts.agent.name in self.agents or facts.agent.id in self.agents)
            and (
                not self.initiators or facts.initiator.name in self.initiators or facts.initiator.id in self.initiators
            )
            and (not self.teams or facts.initiator.teams is None or not self.teams.isdisjoint(facts.initiator.teams))
        )

    def to_json(self) -> dict[str, JSON]:
        """The parts that are named."""
        parts = ("tools", "categories", "tiers", "agents", "initiators", "teams")
        return {name: sorted(map(str, found)) for name in parts if (found := getattr(self, name))}


@dataclass(frozen=True, slots=True)
class Condition:
    """What an argument has to be like for a rule to hold. A value that cannot be compared meets every condition."""

    argument: str
    compares: Compares
    value: str | tuple[str, ...] = ""

    def to_json(self) -> dict[str, JSON]:
        """The condition as the document writes it."""
        bare = self.compares in {Compares.PRESENT, Compares.ABSENT}
        value: JSON = self.value if isinstance(self.value, str) else list(self.value)
        return {"argument": self.argument, "compares": self.compares.value, **({} if bare else {"value": value})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When these calls look like this, they need these people, or are refused."""

    id: str
    about: Selector = Selector()
    when: tuple[Condition, ...] = ()
    answer: Verdict = Verdict.REVIEW
    quorum: int = 1
    teams: tuple[tuple[str, int], ...] = ()
    """Team and how many of its people: every one of them has to be met."""
    expires_seconds: int = 0
    """How long people have to decide; 0: as everywhere. Of several rules the shortest time counts."""
    escalation: tuple[tuple[int, str], ...] = ()
    """After how many seconds in which nobody takes it which team is asked too. It asks, and gives no right."""
    reason: str = ""

    def to_json(self) -> dict[str, JSON]:
        """The rule as the document writes it."""
        return {
            "id": self.id,
            "about": self.about.to_json(),
            "when": [condition.to_json() for condition in self.when],
            "answer": self.answer.value,
            "quorum": self.quorum,
            "teams": dict(self.teams),
            **({"expires_seconds": self.expires_seconds} if self.expires_seconds else {}),
            **(
                {"escalation": [{"after": after, "team": team} for after, team in self.escalation]}
                if self.escalation
                else {}
            ),
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How many calls, or how much, in a sliding window of seconds. Beyond it the answer is ``answer``."""

    id: str
    about: Selector = Selector()
    per: Per
    counts: Counts
    most: Decimal
    """The most that may be used within the window, this call included."""
    seconds: int
    unit: str = ""
    """The currency that is counted; empty for calls."""
    answer: Verdict = Verdict.REVIEW
    quorum: int = 1
    reason: str = ""

    def to_json(self) -> dict[str, JSON]:
        """The limit as the document writes it."""
        return {
            "id": self.id,
            "about": self.about.to_json(),
            "per": self.per.value,
            "counts": self.counts.value,
            "most": f"{self.most:f}",
            "seconds": self.seconds,
            **({"unit": self.unit} if self.unit else {}),
            "answer": self.answer.value,
            "quorum": self.quorum,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DialException:
    """These calls are never freer than this, however freely their tool may act. It narrows the dial and never widens
    it: where the two differ, the stricter one holds.
    """

    id: str
    about: Selector = Selector()
    when: tuple[Condition, ...] = ()
    maturity: Maturity = Maturity.IN_THE_LOOP
    """In the loop or on the loop: nothing is freer than audit only, so that would say nothing."""
    veto_seconds: int = 0
    """On the loop: how long at least a person may object."""
    reason: str = ""

    def to_json(self) -> dict[str, JSON]:
        """The exception as the document writes it."""
        return {
            "id": self.id,
            "about": self.about.to_json(),
            "when": [condition.to_json() for condition in self.when],
            "maturity": self.maturity.value,
            **({"veto_seconds": self.veto_seconds} if self.maturity is Maturity.ON_THE_LOOP else {}),
            "reason": self.reason,
        }


_Entry = TypeVar("_Entry", Rule, Limit, DialException)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The whole document. The defaults are what an organization begins with.

    Without slots, because what is looked up for each call is sorted by tool once for each document.
    """

    rules: tuple[Rule, ...] = ()
    limits: tuple[Limit, ...] = ()
    exceptions: tuple[DialException, ...] = ()
    exposure: tuple[tuple[str, Decimal], ...] = ()
    """Currency and the most money that a day may move, over all tools of the organization."""
    confidence: float = 0.8
    """What cannot be undone needs at least this confidence, or a person."""
    most_affected: int = 100
    """How many records one call may touch before a person looks."""
    most_steps: int = 30
    most_tokens: int = 1_000_000
    most_cost: Decimal = Decimal(20)
    most_repeats: int = 2
    """How often one run may make the very same call with success."""
    fresh_seconds: int = 300
    """How long ago a reviewer may have signed in when the risk is high."""
    high_risk_quorum: int = 1

    def to_json(self) -> dict[str, JSON]:
        """The document: `read_policy` reads this same policy from it."""
        return {
            "rules": [rule.to_json() for rule in self.rules],
            "limits": [limit.to_json() for limit in self.limits],
            "exceptions": [exception.to_json() for exception in self.exceptions],
            "exposure": {currency: f"{most:f}" for currency, most in self.exposure},
            "confidence": self.confidence,
            "most_affected": self.most_affected,
            "most_steps": self.most_steps,
            "most_tokens": self.most_tokens,
            "most_cost": f"{self.most_cost:f}",
            "most_repeats": self.most_repeats,
            "fresh_seconds": self.fresh_seconds,
            "high_risk_quorum": self.high_risk_quorum,
        }

    @cached_property
    def exposure_limits(self) -> tuple[Limit, ...]:
        """The exposures as limits like any other: what all tools that move money may move in a day."""
        return tuple(
            Limit(
                id=f"exposure-{currency}",
                about=Selector(categories=frozenset({Category.MONEY})),
                per=Per.ORGANIZATION,
                counts=Counts.AMOUNT,
                most=most,
                seconds=DAY,
                unit=currency,
                reason="the most money that a day may move",
            )
            for currency, most in self.exposure
        )

    def rules_for(self, tool: str) -> tuple[Rule, ...]:
        """The rules that may be about a tool of this name, in the order of the document."""
        return self._rules_by_tool.get(tool, self._rules_by_tool[""])

    def limits_for(self, tool: str) -> tuple[Limit, ...]:
        """The limits that may be about a tool of this name, exposures last."""
        return self._limits_by_tool.get(tool, self._limits_by_tool[""])

    def exceptions_for(self, tool: str) -> tuple[DialException, ...]:
        """The exceptions that may be about a tool of this name, in the order of the document."""
        return self._exceptions_by_tool.get(tool, self._exceptions_by_tool[""])

    @cached_property
    def _exceptions_by_tool(self) -> dict[str, tuple[DialException, ...]]:
        return _by_tool(self.exceptions)

    @cached_property
    def _rules_by_tool(self) -> dict[str, tuple[Rule, ...]]:
        return _by_tool(self.rules)

    @cached_property
    def _limits_by_tool(self) -> dict[str, tuple[Limit, ...]]:
        return _by_tool((*self.limits, *self.exposure_limits))


def _by_tool(entries: tuple[_Entry, ...]) -> dict[str, tuple[_Entry, ...]]:
    """Entries by each tool that any of them names; the empty name stands for every other tool."""
    names = {"", *(name for entry in entries for name in entry.about.tools)}
    return {
        name: tuple(entry for entry in entries if not entry.about.tools or name in entry.about.tools) for name in names
    }
