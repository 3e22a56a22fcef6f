"""Is the run going in circles, or beyond what it may spend? The denial is told to the agent."""

from collections.abc import Iterator
from decimal import Decimal

from approvals.policy.document import Policy
from approvals.policy.facts import Facts
from approvals.policy.ruling import Finding, Verdict


def check(facts: Facts, policy: Policy) -> Iterator[Finding]:
    objections = list(_objections(facts, policy))
    for objection in objections:
        yield Finding("loop", Verdict.DENY, objection)
    if not objections:
        history = facts.history
        spent = f"{history.steps} of {policy.most_steps} steps and {history.tokens} of {policy.most_tokens} tokens"
        yield Finding("loop", Verdict.ALLOW, f"This run has used {spent}, and is not repeating itself.")


def _objections(facts: Facts, policy: Policy) -> Iterator[str]:
    history = facts.history
    if history.failed:
        yield f"This very call already failed {_times(history.failed)} in this run: propose something else, or ask."
    if history.rejected:
        yield f"A person already rejected this very call in this run{_more(history.rejected)}: do not ask again."
    if history.repeated >= policy.most_repeats:
        made = f"This very call already succeeded {_times(history.repeated)} in this run"
        yield f"{made}, and a run may make the same call {_times(policy.most_repeats)}."
    if history.steps >= policy.most_steps:
        yield f"This run has made {history.steps} steps; a run may make {policy.most_steps}."
    if history.tokens > policy.most_tokens:
        yield f"This run has used {history.tokens} tokens; a run may use {policy.most_tokens}."
    if Decimal(history.cost) > policy.most_cost:
        yield f"This run has cost {history.cost}; a run may cost {policy.most_cost:f}."


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _more(count: int) -> str:
    return f", {count} times" if count > 1 else ""
