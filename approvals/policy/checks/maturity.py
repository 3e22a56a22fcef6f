"""What does the tool's dial say, and what do the policy's exceptions make of it? The only check that can say yes."""

from collections.abc import Iterator

from approvals.policy.checks.grant import answered
from approvals.policy.document import DialException, Policy
from approvals.policy.facts import Facts, ToolFacts
from approvals.policy.matching import exceptions_met
from approvals.policy.ruling import Finding, Verdict
from tools.kinds import IdempotencyClass, Maturity, Tier

STRICTEST_FIRST = (Maturity.IN_THE_LOOP, Maturity.ON_THE_LOOP, Maturity.AUDIT_ONLY)


def applied(facts: Facts, policy: Policy) -> Maturity:
    """The dial after what narrows it: the strictest of the tool's own and of every exception that is met.

    A call that can neither be repeated nor asked about always waits for a person. Raises ValueError for an unknown
    word, or where there is no tool.
    """
    tool = facts.tool
    if tool is None:
        raise ValueError("a call of no tool has no dial")
    if _unrepeatable(tool):
        return Maturity.IN_THE_LOOP
    met = [Maturity(tool.maturity), *(exception.maturity for exception, _ in exceptions_met(policy, facts))]
    return min(met, key=STRICTEST_FIRST.index)


def check(facts: Facts, policy: Policy) -> Iterator[Finding]:
    tool = facts.tool
    if tool is None:
        return
    dial = _dial(tool, granted=answered(facts, policy))
    if dial is None:
        return  # an unknown word says nothing, and no exception says yes in its place
    yield dial
    for exception, compared in exceptions_met(policy, facts):
        if _narrows(exception, tool):
            yield _narrowed(exception, compared, tool)


def _dial(tool: ToolFacts, *, granted: bool) -> Finding | None:
    if _unrepeatable(tool) and tool.maturity is not Maturity.IN_THE_LOOP:
        text = (
            f"{tool.name} is set to {_said(tool.maturity)}, but a person approves each call all the same: "
            "if an answer were lost, the call could be neither repeated nor asked about."
        )
        return Finding("maturity", Verdict.REVIEW, text, warning=True, quorum=1)
    if tool.maturity is Maturity.IN_THE_LOOP and granted:
        text = f"In the loop: a person approves each call of {tool.name}, and has allowed calls like this one."
        return Finding("maturity", Verdict.ALLOW, text)
    if tool.maturity is Maturity.IN_THE_LOOP:
        return Finding(
            "maturity", Verdict.REVIEW, f"In the loop: a person approves each call of {tool.name}.", quorum=1
        )
    if tool.maturity is Maturity.ON_THE_LOOP:
        return _window(tool, tool.veto_seconds, "On the loop: ")
    # Stored facts keep a word that this version does not know as it was written.
    if str(tool.maturity) != Maturity.AUDIT_ONLY:
        return None
    text = f"Audit only: {tool.name} runs by itself, and people read samples afterwards."
    return Finding("maturity", Verdict.ALLOW, text)


def _window(tool: ToolFacts, seconds: int, begins: str, rule: str = "") -> Finding:
    if seconds == 0 and not tool.reversible:
        text = f"{tool.name} is set to run with no time to object, which only a tool that can be undone may."
        return Finding("maturity", Verdict.REVIEW, text, warning=True, quorum=1, rule=rule)
    text = f"{begins}{tool.name} runs after {seconds} s unless a person objects."
    return Finding("maturity", Verdict.VETO_WINDOW, text, veto_seconds=seconds, rule=rule)


def _narrows(exception: DialException, tool: ToolFacts) -> bool:
    """Whether an exception that is met is stricter than the tool's own dial; of two windows the longer one is."""
    own, theirs = STRICTEST_FIRST.index(tool.maturity), STRICTEST_FIRST.index(exception.maturity)
    if own == theirs:
        return exception.maturity is Maturity.ON_THE_LOOP and exception.veto_seconds > tool.veto_seconds
    return theirs < own


def _narrowed(exception: DialException, compared: str, tool: ToolFacts) -> Finding:
    holds = f"Exception {exception.id} holds{f': {compared}' if compared else ''}"
    holds += f" ({exception.reason})" if exception.reason else ""
    if exception.maturity is Maturity.ON_THE_LOOP:
        return _window(tool, exception.veto_seconds, f"{holds}; on the loop: ", exception.id)
    text = f"{holds}; in the loop: a person approves each such call of {tool.name}."
    return Finding("maturity", Verdict.REVIEW, text, quorum=1, rule=exception.id)


def _unrepeatable(tool: ToolFacts) -> bool:
    return tool.idempotency is IdempotencyClass.NEITHER and tool.tier > Tier.READ


def _said(maturity: Maturity) -> str:
    return maturity.value.replace("_", " ")
