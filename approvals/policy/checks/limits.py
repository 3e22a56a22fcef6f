"""How a call stands to one limit of the policy: shared by the checks of rates and of amounts."""

from collections.abc import Iterator
from decimal import Decimal

from approvals.policy.document import Counts, Limit, Policy
from approvals.policy.evidence import Usage
from approvals.policy.facts import Facts
from approvals.policy.matching import applies, asks_of
from approvals.policy.ruling import Finding, Verdict
from approvals.policy.values import EXACT, amount_problem

_SPANS = {60: "minute", 3_600: "hour", 86_400: "day", 604_800: "week"}


def judged(check: str, counts: Counts, facts: Facts, policy: Policy) -> Iterator[Finding]:
    """A finding for every limit of this kind that the call counts against."""
    for limit in policy.limits_for(facts.tool.name) if facts.tool else ():
        if limit.counts is not counts or not applies(limit, facts):
            continue
        counted = [usage for usage in facts.usage if usage.limit == limit.id and usage.unit == limit.unit]
        for usage in counted:
            yield _compared(check, limit, usage, asks_of(limit, facts))
        if not counted:
            text = f"This call was not counted against the limit {limit.id}, so the answer is no."
            yield Finding(check, Verdict.DENY, text, rule=limit.id)


def _compared(check: str, limit: Limit, usage: Usage, asks: Decimal) -> Finding:
    if amount_problem(usage.used) or amount_problem(usage.asks):
        text = f"Nobody can tell how far the limit {limit.id} is used, so the answer is no."
        return Finding(check, Verdict.DENY, text, rule=limit.id)
    used, counted = Decimal(usage.used), Decimal(usage.asks)
    after = EXACT.add(used, max(asks, counted))
    over = after > limit.most
    subject = f" by {usage.subject}" if usage.subject else ""
    if limit.counts is Counts.CALLS:
        had = f"{used:f} of {limit.most:f} calls in the last {span(limit.seconds)}{subject}"
        text = f"{had}; this {'would be' if over else 'is'} {_ordinal(after)}"
    else:
        had = f"{used:f} of {limit.most:f} {limit.unit} in the last {span(limit.seconds)}{subject}"
        text = f"{had}; this call {'would make' if over else 'makes'} it {after:f}"
    if not over:
        return Finding(check, Verdict.ALLOW, f"{text}.", rule=limit.id)
    reason = f" ({limit.reason})" if limit.reason else ""
    text = f"{text}{reason}."
    if limit.answer is Verdict.DENY:
        return Finding(check, Verdict.DENY, text, warning=True, rule=limit.id)
    return Finding(check, Verdict.REVIEW, text, warning=True, quorum=limit.quorum, rule=limit.id)


def span(seconds: int) -> str:
    """A number of seconds in words that follow "the last": `minute`, `5 minutes`, `90 seconds`."""
    for size in sorted(_SPANS, reverse=True):
        if seconds % size == 0:
            return _SPANS[size] if seconds == size else f"{seconds // size} {_SPANS[size]}s"
    return "second" if seconds == 1 else f"{seconds} seconds"


def _ordinal(count: Decimal) -> str:
    if count != count.to_integral_value():
        return f"number {count:f}"
    whole = int(count)
    last = {1: "st", 2: "nd", 3: "rd"}.get(whole % 10, "th")
    return f"the {whole}{'th' if whole % 100 in {11, 12, 13} else last}"
