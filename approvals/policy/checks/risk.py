"""How much could go wrong? Computed from what the tool declares; a category asks a person until it is lifted."""

from collections.abc import Iterator
from typing import NamedTuple

from approvals.policy.document import Policy
from approvals.policy.facts import Facts, ToolFacts
from approvals.policy.ruling import Finding, Verdict
from tools.kinds import Category, IdempotencyClass, Risk, Tier

GRAVE = frozenset({Category.MONEY, Category.DELETION, Category.LEGAL, Category.ACCESS_RIGHTS, Category.HIGH_STAKES})
"""Categories in which one wrong write is hard to make good."""


REACHES = {
    Tier.READ: "it only reads",
    Tier.DRAFT: "it makes a draft",
    Tier.WRITE: "it writes",
    Tier.DELETE: "it deletes",
    Tier.ADMIN: "it changes who may do what",
}
"""How deep a tool reaches, as a reason."""

TOUCHES = {
    Category.MONEY: "it moves money",
    Category.DELETION: "it deletes",
    Category.LEGAL: "it binds legally",
    Category.PERSONAL_DATA: "it handles personal data",
    Category.ACCESS_RIGHTS: "it changes who may do what",
    Category.OUTSIDE_MESSAGE: "it reaches people outside",
    Category.HIGH_STAKES: "the stakes are high",
}
"""What a category means, as a reason."""

HELD = {
    Category.MONEY: "Calls that move money",
    Category.DELETION: "Deletions",
    Category.LEGAL: "Calls that bind legally",
    Category.PERSONAL_DATA: "Calls that handle personal data",
    Category.ACCESS_RIGHTS: "Changes of who may do what",
    Category.OUTSIDE_MESSAGE: "Messages that leave the organization",
    Category.HIGH_STAKES: "Calls with high stakes",
}
"""What a category asks a person about."""


def _touches(category: Category) -> str:
    return TOUCHES.get(category, f"category {category}")


def _held(category: Category) -> str:
    return HELD.get(category, f"Calls of category {category}")


class Assessment(NamedTuple):
    """A level of risk and what led to it."""

    level: Risk
    reasons: tuple[str, ...]


def risk_of(tool: ToolFacts) -> Assessment:
    """The risk of one call of this tool; the same for every caller."""
    writes = tool.tier > Tier.READ
    high = [REACHES[tool.tier]] if tool.tier >= Tier.DELETE else []
    high += [_touches(category) for category in sorted(tool.categories & GRAVE) if writes]
    if writes and not tool.reversible and tool.idempotency is IdempotencyClass.NEITHER:
        high.append("it can be neither undone, nor repeated safely, nor asked about")
    if high:
        return Assessment(Risk.HIGH, tuple(dict.fromkeys(high)))
    medium = [REACHES[tool.tier]] if tool.tier is Tier.WRITE else []
    medium += [_touches(category) for category in sorted(tool.categories)]
    if writes and not tool.reversible:
        medium.append("it cannot be undone")
    if writes and tool.idempotency is IdempotencyClass.NEITHER:
        medium.append("it can be neither repeated safely nor asked about")
    if medium:
        return Assessment(Risk.MEDIUM, tuple(medium))
    return Assessment(Risk.LOW, (REACHES[tool.tier],))


def check(facts: Facts, _policy: Policy) -> Iterator[Finding]:
    tool = facts.tool
    if tool is None:
        return
    level, reasons = risk_of(tool)
    text = f"{level.capitalize()} risk: {', '.join(reasons)}."
    yield Finding("risk", Verdict.ALLOW, text, warning=level is Risk.HIGH)
    for category in sorted(tool.categories):
        reason = tool.lifted.get(category, "").strip()
        if reason:
            yield Finding("risk", Verdict.ALLOW, f"{_held(category)} need no person for {tool.name}: {reason}.")
        else:
            text = f"{_held(category)} are approved by a person until an administrator lifts that, with a reason."
            yield Finding("risk", Verdict.REVIEW, text, quorum=1)
