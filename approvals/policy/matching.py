"""Which entries of a policy a call meets, and how much it asks of a limit."""

import operator
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

from approvals.policy.document import Compares, Condition, Counts, DialException, Limit, Policy, Rule
from approvals.policy.facts import Facts
from approvals.policy.values import MISSING, amount_problem, number, shown, values_at
from tools.kinds import Tier
from traces.canonical import JSON

_ORDERS: Final[dict[Compares, Callable[[Decimal, Decimal], bool]]] = {
    Compares.MORE: operator.gt,
    Compares.AT_LEAST: operator.ge,
    Compares.LESS: operator.lt,
    Compares.AT_MOST: operator.le,
}


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


def rules_met(
    policy: Policy, facts: Facts, only: Callable[[Rule], bool] = lambda _: True
) -> Iterator[tuple[Rule, str]]:
    """Every rule that holds for a call, with what was compared with what."""
    if facts.tool is None:
        return
    for rule in policy.rules_for(facts.tool.name):
        if only(rule) and rule.about.fits(facts):
            compared = _all_met(rule.when, facts.arguments, facts.tool.secret_fields)
            if compared is not None:
                yield rule, compared


def exceptions_met(policy: Policy, facts: Facts) -> Iterator[tuple[DialException, str]]:
    """Every exception that holds for a call, with what was compared with what."""
    if facts.tool is None:
        return
    for exception in policy.exceptions_for(facts.tool.name):
        if exception.about.fits(facts):
            compared = _all_met(exception.when, facts.arguments, facts.tool.secret_fields)
            if compared is not None:
                yield exception, compared


def _all_met(when: tuple[Condition, ...], arguments: JSON, secret: frozenset[str]) -> str | None:
    """What was compared with what, where every condition is met; None where one is not."""
    met = []
    for condition in when:
        met.append(meets(condition, arguments, secret))
        if not met[-1]:
            return None
    return ", ".join(met)


def several(rule: Rule) -> bool:
    """Whether a rule asks for more than one person."""
    return rule.quorum > 1 or sum(needed for _, needed in rule.teams) > 1


def meets(condition: Condition, arguments: JSON, secret: frozenset[str] = frozenset()) -> str:
    """How the arguments meet a condition, in words that leave out what is ``secret``; empty where they do not.

    In doubt they do: an argument that is missing, or that cannot be compared, meets every condition, and of a list
    one item is enough.
    """
    for value in values_at(arguments, condition.argument):
        if _holds(condition, value):
            return _said(condition, value, hide=condition.argument.split(".")[0] in secret)
    return ""


def _holds(condition: Condition, value: Any) -> bool:
    compares = condition.compares
    if compares is Compares.PRESENT:
        return value is not MISSING
    if compares is Compares.ABSENT:
        return value is MISSING
    if value is MISSING or isinstance(value, dict):
        return True
    if compares in _ORDERS:
        found, bound = number(value), number(condition.value)
        return found is None or bound is None or _ORDERS[compares](found, bound)
    among = (condition.value,) if isinstance(condition.value, str) else condition.value
    if compares in {Compares.EQUAL, Compares.AMONG}:
        return any(_same(value, one, strictly=False) for one in among)
    return not any(_same(value, one, strictly=True) for one in among)


def _same(value: Any, wanted: str, *, strictly: bool) -> bool:
    """Equal as numbers where both are; as text otherwise, whose case matters only to tell two apart ``strictly``."""
    found, bound = number(value), number(wanted)
    if found is not None and bound is not None:
        return found == bound
    text = shown(value)
    return text == wanted or (not strictly and text.strip().casefold() == wanted.strip().casefold())


def _said(condition: Condition, value: Any, *, hide: bool) -> str:
    name, compares = condition.argument, condition.compares
    if compares in {Compares.PRESENT, Compares.ABSENT}:
        return f"{name} is {compares.value}"
    wanted = condition.value if isinstance(condition.value, str) else ", ".join(condition.value)
    if value is MISSING:
        return f"{name} is missing, so it counts as {compares.value} {wanted}"
    compared = f"{name} {'•••' if hide else shown(value, limit=60)}"
    if isinstance(value, dict) or (compares in _ORDERS and number(value) is None):
        return f"{compared} cannot be compared, so it counts as {compares.value} {wanted}"
    return f"{compared} {compares.value} {wanted}"
