"""How much could go wrong? Computed here, never taken from the agent; a category asks a person until it is lifted."""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from approvals.policy.document import Policy
from approvals.policy.facts import Facts, ToolFacts
from approvals.policy.matching import amount_of, rules_met, several
from approvals.policy.ruling import Finding, Verdict
from approvals.policy.values import number
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


def risk_of(facts: Facts, policy: Policy) -> Assessment:
    """The risk of one call: what its tool declares, how much money it moves, and what the policy's rules ask for it.

    Raises ValueError where there is no tool to assess.
    """
    tool = facts.tool
    if tool is None:
        raise ValueError("a call of no tool has no risk of its own")
    writes = tool.tier > Tier.READ
    high = [REACHES[tool.tier]] if tool.tier >= Tier.DELETE else []
    high += [_touches(category) for category in sorted(tool.categories & GRAVE) if writes]
    if writes and not tool.reversible and tool.idempotency is IdempotencyClass.NEITHER:
        high.append("it can be neither undone, nor repeated safely, nor asked about")
    high += _sums(facts, tool, policy)
    if not high:  # rules are compared only where nothing else has settled it; their own findings name them all
        met = (rule for rule, _ in rules_met(policy, facts, only=several))
        high += [f"rule {rule.id} asks for several people" for rule in islice(met, 1)]
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


def _sums(facts: Facts, tool: ToolFacts, policy: Policy) -> Iterator[str]:
    """Whether one call moves more than half of what a day may move in its currency."""
    amount = amount_of(facts)
    for currency, most in policy.exposure:
        if amount is not None and currency == tool.currency and amount > most / 2:
            yield f"it moves {amount:f} {currency}, more than half of the {most:f} of a day"


def check(facts: Facts, policy: Policy) -> Iterator[Finding]:
    tool = facts.tool
    if tool is None:
        return
    level, reasons = risk_of(facts, policy)
    text = f"{level.capitalize()} risk: {', '.join(reasons)}"
    if level is Risk.HIGH and policy.high_risk_quorum > 1:
        text += f"; a review of it needs {policy.high_risk_quorum} people"
    yield Finding("risk", Verdict.ALLOW, f"{text}.", warning=level is Risk.HIGH)
    for category in sorted(tool.categories):
        still = _still_held(category, facts, tool)
        if still:
            yield Finding("risk", Verdict.REVIEW, f"{_held(category)} are approved by a person {still}.", quorum=1)
        else:
            reason = tool.lifted[category].strip()
            yield Finding("risk", Verdict.ALLOW, f"{_held(category)} need no person for {tool.name}: {reason}.")


def _still_held(category: Category, facts: Facts, tool: ToolFacts) -> str:
    """Why a category asks a person for this call, as the end of a sentence; empty where it is lifted.

    Money is lifted up to an amount only, except for what merely reads; another category may be.
    """
    if not tool.lifted.get(category, "").strip():
        return "until an administrator lifts that, with a reason"
    written = tool.lifted_up_to.get(category, "")
    if not written and not (category is Category.MONEY and tool.tier > Tier.READ):
        return ""
    most, amount = number(written), amount_of(facts)
    if most is None:
        return "until an administrator says up to which amount that is lifted"
    if amount is None:
        return f"because that is lifted only up to {most:f}, and the amount of this call cannot be told"
    return f"because that is lifted only up to {most:f}, and this call moves {amount:f}" if amount > most else ""
