"""Do the administrators' rules hold for these arguments, and how much has been moved within a window?"""

from collections.abc import Iterator

from approvals.policy.checks.limits import judged
from approvals.policy.document import Counts, Policy, Rule
from approvals.policy.facts import Facts, ToolFacts
from approvals.policy.matching import amount_of, rules_met, several
from approvals.policy.ruling import Finding, Verdict
from tools.kinds import Category, Tier


def check(facts: Facts, policy: Policy) -> Iterator[Finding]:
    tool = facts.tool
    if tool is None:
        return
    if tool.tier > Tier.READ and (tool.amount is not None or Category.MONEY in tool.categories):
        yield from _told(tool, facts, policy)
    yield from judged("amounts", Counts.AMOUNT, facts, policy)
    met = False
    for rule, compared in rules_met(policy, facts):
        met = True
        yield _asked(rule, compared)
    if policy.rules_for(tool.name) and not met:
        yield Finding("amounts", Verdict.ALLOW, f"No rule of the policy asks for more for this call of {tool.name}.")


def _told(tool: ToolFacts, facts: Facts, policy: Policy) -> Iterator[Finding]:
    """Whether the money can be counted at all: in what nobody counts, any sum could be moved in small parts."""
    if amount_of(facts) is None:
        yield _look(f"How much money this call of {tool.name} moves cannot be told from its arguments.")
    elif not tool.currency:
        yield _look(f"This call of {tool.name} moves {tool.amount}, and in which currency cannot be told.")
    else:
        counting = [limit for limit in policy.limits_for(tool.name) if limit.counts is Counts.AMOUNT]
        units = sorted({limit.unit for limit in counting if limit.about.fits(facts)})
        if units and tool.currency not in units:
            text = f"This call moves {tool.amount} {tool.currency}, but amounts are limited only in {', '.join(units)}."
            yield _look(text)


def _look(text: str) -> Finding:
    return Finding("amounts", Verdict.REVIEW, text, warning=True, quorum=1)


def _asked(rule: Rule, compared: str) -> Finding:
    holds = f"Rule {rule.id} holds: {compared}" if compared else f"Rule {rule.id} holds for every such call"
    reason = f" ({rule.reason})" if rule.reason else ""
    if rule.answer is Verdict.DENY:
        return Finding("amounts", Verdict.DENY, f"{holds}{reason}.", warning=True, rule=rule.id)
    people = [_people(rule.quorum), *(f"{needed} of {team}" for team, needed in rule.teams)]
    text = f"{holds}{reason}; this needs {', '.join(people)}."
    more = several(rule)
    return Finding(
        "amounts",
        Verdict.REVIEW,
        text,
        warning=more,
        quorum=rule.quorum,
        teams=rule.teams,
        rule=rule.id,
        expires_seconds=rule.expires_seconds,
        escalation=rule.escalation,
    )


def _people(number: int) -> str:
    return "one person" if number == 1 else f"{number} people"
