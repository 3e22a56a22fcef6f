"""A recorded call judged once more, under another policy, with limits counted as that policy would have counted them.

Facts hold how far each limit was used that counted then. A limit that is new, or that counts something else by now,
was counted by nobody; its use is counted here instead, over the replayed calls in their order, in the same sixtieths
of a window as the gate counts. Pure.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from approvals.policy.document import Limit, Per, Policy
from approvals.policy.evidence import DryRunState, Usage
from approvals.policy.facts import Facts
from approvals.policy.matching import asks_of, limits_over
from approvals.policy.rules import rule
from approvals.policy.ruling import Ruling, Verdict

PARTS = 60
"""In how many parts a window is counted."""

_JSON = dict[str, dict[str, str]]


@dataclass
class Windows:
    """What was used under each key, by the second at which its sixtieth of a window ends."""

    tallies: dict[str, dict[int, Decimal]] = field(default_factory=dict)

    def used(self, key: str, seconds: int, at: float) -> Decimal:
        """The sum over the window that ends at this second. What no later call can reach is forgotten."""
        kept = self.tallies.get(key)
        if not kept:
            return Decimal(0)
        for end in [end for end in kept if end <= at - seconds]:
            del kept[end]
        return sum(kept.values(), Decimal(0))

    def add(self, key: str, seconds: int, at: float, asks: Decimal) -> None:
        """Count a call at this second."""
        part = max(1.0, seconds / PARTS)
        end = math.ceil((math.floor(at / part) + 1) * part)
        kept = self.tallies.setdefault(key, {})
        kept[end] = kept.get(end, Decimal(0)) + asks

    def to_json(self) -> _JSON:
        """The tallies as text, for the next slice."""
        return {key: {str(end): str(used) for end, used in kept.items()} for key, kept in self.tallies.items() if kept}

    @classmethod
    def from_json(cls, value: Mapping[str, Mapping[str, str]]) -> "Windows":
        """The tallies that `to_json` wrote."""
        return cls({key: {int(end): Decimal(used) for end, used in kept.items()} for key, kept in value.items()})


@dataclass(frozen=True, slots=True)
class Recorded:
    """One ruling of the past: what was judged, under which policy, when, and whether what it counted stayed counted."""

    facts: Mapping[str, Any]
    judged_by: Policy | None
    """None where that policy cannot be read any more."""
    at: float
    """Seconds since 1970."""
    stayed: bool
    """Whether the call had an effect, or may still have one: what ended without one gives its counts back."""


@dataclass(frozen=True, slots=True)
class Again:
    """The ruling that would have been, and what has to be known about it."""

    ruling: Ruling
    simulated: tuple[str, ...] = ()
    """Limits whose use was counted here, because nobody counted them then."""
    awaited: bool = False
    """Whether the tool had not yet said what the call would do."""
    teams_unknown: bool = False
    """Whether nobody had looked which teams the initiator is in, so that entries about teams hold."""


def again(recorded: Recorded, policy: Policy, windows: Windows) -> Again:
    """Judge a recorded call under a policy, and count what it would have used.

    Raises KeyError, TypeError, ValueError or ArithmeticError for facts that cannot be read.
    """
    facts = Facts.from_json(recorded.facts)
    usage: list[Usage] = []
    counted: list[tuple[Limit, str, Decimal]] = []
    for limit in limits_over(policy, facts):
        known = [one for one in facts.usage if one.limit == limit.id and one.unit == limit.unit]
        if known and _counts_the_same(limit, recorded.judged_by):
            usage += known
            continue
        key, asks = _key(limit, facts), asks_of(limit, facts)
        counted.append((limit, key, asks))
        used = windows.used(key, limit.seconds, recorded.at)
        usage.append(Usage(limit.id, _subject(limit, facts), f"{used:f}", f"{asks:f}", limit.unit))
    if usage or facts.usage:
        facts = replace(facts, usage=tuple(usage))
    ruling = rule(facts, policy)
    if recorded.stayed and ruling.verdict is not Verdict.DENY:
        for limit, key, asks in counted:
            windows.add(key, limit.seconds, recorded.at, asks)
    return Again(
        ruling=ruling,
        simulated=tuple(limit.id for limit, _, _ in counted),
        awaited=facts.dry_run.state is DryRunState.AWAITED,
        teams_unknown=facts.initiator.teams is None,
    )


def _counts_the_same(limit: Limit, policy: Policy | None) -> bool:
    """Whether a policy had this very limit as far as its counting goes; how much it lets through may differ."""
    if policy is None:
        return False
    for other in (*policy.limits, *policy.exposure_limits):
        if other.id == limit.id:
            return (other.about, other.per, other.counts, other.seconds, other.unit) == (
                limit.about, limit.per, limit.counts, limit.seconds, limit.unit,
            )  # fmt: skip
    return False


def _key(limit: Limit, facts: Facts) -> str:
    whose = {
        Per.TOOL: facts.tool.name if facts.tool else "",
        Per.AGENT: facts.agent.id,
        Per.INITIATOR: facts.initiator.id,
        Per.ORGANIZATION: "",
    }
    return f"{limit.id}:{limit.per.value}:{whose[limit.per]}:{limit.unit}"


def _subject(limit: Limit, facts: Facts) -> str:
    match limit.per:
        case Per.TOOL:
            return f"tool {facts.tool.name if facts.tool else ''}"
        case Per.AGENT:
            return f"agent {facts.agent.name}"
        case Per.INITIATOR:
            return f"initiator {facts.initiator.name}"
        case Per.ORGANIZATION:
            return "the organization"
