"""How much could go wrong? Computed from what the tool declares; a category asks a person until it is lifted."""

from collections.abc import Iterator
from typing import NamedTuple

from approvals.policy.facts import Facts, ToolFacts
from approvals.policy.ruling import Finding, Verdict
from tools.kinds import Category, IdempotencyClass, Risk, Tier

GRAVE = frozenset({Category.MONEY, Category.DELETION, Category.LEGAL, Category.ACCESS_RIGHTS, Category.HIGH_STAKES})
"""Categories in which one wrong write is hard to make good."""


class Assessment(NamedTuple):
    """A level of risk and what led to it."""

    level: Risk
    reasons: tuple[str, ...]


def risk_of(tool: ToolFacts) -> Assessment:
    """The risk of one call of this tool; the same for every caller."""
    writes = tool.tier > Tier.READ
    high = [f"tier {tool.tier}"] if tool.tier >= Tier.DELETE else []
    high += [f"category {category}" for category in sorted(tool.categories & GRAVE) if writes]
    if writes and not tool.reversible and tool.idempotency is IdempotencyClass.NEITHER:
        high.append("cannot be undone, repeated safely or asked about")
    if high:
        return Assessment(Risk.HIGH, tuple(high))
    medium = [f"tier {tool.tier}"] if tool.tier is Tier.WRITE else []
    medium += [f"category {category}" for category in sorted(tool.categories)]
    if writes and not tool.reversible:
        medium.append("cannot be undone")
    if writes and tool.idempotency is IdempotencyClass.NEITHER:
        medium.append("cannot be repeated safely or asked about")
    if medium:
        return Assessment(Risk.MEDIUM, tuple(medium))
    return Assessment(Risk.LOW, (f"tier {tool.tier}", "no category"))


def check(facts: Facts) -> Iterator[Finding]:
    tool = facts.tool
    if tool is None:
        return
    level, reasons = risk_of(tool)
    text = f"Risk {level}: {', '.join(reasons)}."
    yield Finding("risk", Verdict.ALLOW, text, warning=level is Risk.HIGH)
    for category in sorted(tool.categories):
        reason = tool.lifted.get(category, "").strip()
        if reason:
            yield Finding("risk", Verdict.ALLOW, f"Category {category} is lifted for {tool.name}: {reason}.")
        else:
            text = f"Category {category} keeps {tool.name} in the loop until an administrator lifts it with a reason."
            yield Finding("risk", Verdict.REVIEW, text, quorum=1)
