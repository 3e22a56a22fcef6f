"""What does the tool's dial say? The only check that can say yes."""

from collections.abc import Iterator

from approvals.policy.document import Policy
from approvals.policy.facts import Facts, ToolFacts
from approvals.policy.ruling import Finding, Verdict
from tools.kinds import IdempotencyClass, Maturity, Tier


def applied(tool: ToolFacts) -> Maturity:
    """The dial after what narrows it: a call that can neither be repeated nor asked about always waits for a person."""
    return Maturity.IN_THE_LOOP if _unrepeatable(tool) else Maturity(tool.maturity)


def check(facts: Facts, _policy: Policy) -> Iterator[Finding]:
    tool = facts.tool
    if tool is None:
        return
    if _unrepeatable(tool) and tool.maturity is not Maturity.IN_THE_LOOP:
        text = (
            f"{tool.name} is set to {_said(tool.maturity)}, but a person approves each call all the same: "
            "if an answer were lost, the call could be neither repeated nor asked about."
        )
        yield Finding("maturity", Verdict.REVIEW, text, warning=True, quorum=1)
    elif tool.maturity is Maturity.IN_THE_LOOP:
        yield Finding("maturity", Verdict.REVIEW, f"In the loop: a person approves each call of {tool.name}.", quorum=1)
    elif tool.maturity is Maturity.ON_THE_LOOP:
        yield _window(tool)
    elif tool.maturity is Maturity.AUDIT_ONLY:
        yield Finding(
            "maturity", Verdict.ALLOW, f"Audit only: {tool.name} runs by itself, and people read samples afterwards."
        )


def _window(tool: ToolFacts) -> Finding:
    seconds = tool.veto_seconds
    if seconds == 0 and not tool.reversible:
        text = f"{tool.name} is set to run with no time to object, which only a tool that can be undone may."
        return Finding("maturity", Verdict.REVIEW, text, warning=True, quorum=1)
    text = f"On the loop: {tool.name} runs after {seconds} s unless a person objects."
    return Finding("maturity", Verdict.VETO_WINDOW, text, veto_seconds=seconds)


def _unrepeatable(tool: ToolFacts) -> bool:
    return tool.idempotency is IdempotencyClass.NEITHER and tool.tier > Tier.READ


def _said(maturity: Maturity) -> str:
    return maturity.value.replace("_", " ")
