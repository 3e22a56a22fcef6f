"""Which entries of a policy a call meets, and how much it asks of a limit."""

from decimal import Decimal

from approvals.policy.document import Counts, Limit, Policy
from approvals.policy.facts import Facts
from approvals.policy.values import amount_problem, number
from tools.kinds import Tier


def amount_of(facts: Facts) -> Decimal | None:
    """How much money this call moves, in its tool's currency; None where nobody can tell, and for what only reads."""
    tool = facts.tool
    if tool is None or tool.amount is None or not tool.tier > Tier.READ or amount_problem(tool.amount):
        return None
    return number(tool.amount)


def applies(limit: Limit, facts: Facts) -> bool:
    """Whether a call counts against a limit: it is one of those that the limit is about, and has what is counted."""
    if not limit.about.fits(facts):
        return False
    if limit.counts is Counts.CALLS:
        return True
    return facts.tool is not None and facts.tool.currency == limit.unit and amount_of(facts) is not None


def limits_over(policy: Policy, facts: Facts) -> tuple[Limit, ...]:
    """Every limit that a call counts against, the daily exposures among them."""
    if facts.tool is None:
        return ()
    return tuple(limit for limit in policy.limits_for(facts.tool.name) if applies(limit, facts))


def asks_of(limit: Limit, facts: Facts) -> Decimal:
    """How much of a limit that applies this call uses: one call, or its amount."""
    amount = amount_of(facts) if limit.counts is Counts.AMOUNT else None
    return Decimal(1) if amount is None else amount
