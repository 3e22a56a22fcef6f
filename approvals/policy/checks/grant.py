"""Has a person allowed calls like this one? It can answer the dial alone; whatever else asks for people still does."""

from collections.abc import Iterator

from approvals.policy.checks.risk import risk_of
from approvals.policy.document import Policy
from approvals.policy.facts import Facts
from approvals.policy.grants import Granted, asks, uncovered
from approvals.policy.matching import exceptions_met
from approvals.policy.ruling import Finding, Verdict
from approvals.policy.values import EXACT, number
from tools.kinds import IdempotencyClass, Risk, Tier


def check(facts: Facts, policy: Policy) -> Iterator[Finding]:
    grant = facts.grant
    if grant is None:
        return
    why = barred(facts, policy) or uncovered(grant, facts)
    if why:
        text = f"{grant.by_name} allowed calls like this one, but not this call: {why}."
        yield Finding("grant", Verdict.REVIEW, text, warning=True, quorum=1, rule=grant.id)
    else:
        text = f"{grant.by_name} allowed calls like this one: {_counted(grant, facts)}."
        yield Finding("grant", Verdict.ALLOW, text, rule=grant.id)


def answered(facts: Facts, policy: Policy) -> bool:
    """Whether a grant answers what the tool's dial asks."""
    return facts.grant is not None and not barred(facts, policy) and not uncovered(facts.grant, facts)


def barred(facts: Facts, policy: Policy) -> str:
    """Why no grant may speak for a call of this kind, whatever its bounds; empty where one may."""
    tool = facts.tool
    if tool is None:
        return "there is no such tool"
    if tool.tier > Tier.READ and not tool.reversible:
        return f"what {tool.name} does cannot be undone"
    if tool.tier > Tier.READ and tool.idempotency is IdempotencyClass.NEITHER:
        return "if an answer were lost, the call could be neither repeated nor asked about"
    for exception, _ in exceptions_met(policy, facts):
        return f"exception {exception.id} says how free such calls are at most"
    if policy.high_risk_quorum > 1 and risk_of(facts, policy).level is Risk.HIGH:
        return f"its risk is high, and that needs {policy.high_risk_quorum} people"
    return ""


def _counted(grant: Granted, facts: Facts) -> str:
    text = f"use {grant.used + 1} of {grant.uses}"
    if grant.total is None:
        return text
    spent = EXACT.add(number(grant.spent) or 0, asks(facts))
    return f"{text}, {spent:f} of {grant.total} {grant.currency} with this one"
