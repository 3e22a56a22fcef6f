"""What does the tool's dial say? The only check that can say yes."""

from collections.abc import Iterator

from approvals.policy.facts import Facts, ToolFacts
from approvals.policy.ruling import Finding, Verdict
from tools.kinds import IdempotencyClass, Maturity, Tier


def applied(tool: ToolFacts) -> Maturity:
    """The dial after what narrows it: a call that can neither be repeated nor asked about always waits for a person."""
    return Maturity.IN_THE_LOOP if _unrepeatable(tool) else Maturity(tool.maturity)


def check(facts: Facts) -> Iterator[Finding]:
    tool = facts.tool
    if tool is None:
        return
    if _unrepeatable(tool) and tool.maturity is not Maturity.IN_THE_LOOP:
        text = (
            f"{tool.name} is {_said(tool.maturity)}, but a writing tool of class neither stays in the loop: "
            "a lost answer could not be cleared up."
        )
        yield Finding("maturity", Verdict.REVIEW, text, warning=True, quorum=1)
    elif tool.maturity is Maturity.IN_THE_LOOP:
        yield Finding("maturity", Verdict.REVIEW, f"{tool.name} is in the loop: a person approves each call.", quorum=1)
    elif tool.maturity is Maturity.ON_THE_LOOP:
        yield _window(tool)
    elif tool.maturity is Maturity.AUDIT_ONLY:
        yield Finding(
            "maturity", Verdict.ALLOW, f"{tool.name} is audit only: it runs, and samples are read afterwards."
        )


def _window(tool: ToolFacts) -> Finding:
    seconds = tool.veto_seconds
    if seconds == 0 and not tool.reversible:
        text = f"{tool.name} is on the loop without a veto window, which only a reversible tool may be."
        return Finding("maturity", Verdict.REVIEW, text, warning=True, quorum=1)
    text = f"{tool.name} is on the loop: it runs after {seconds} s unless a person stops it."
    return Finding("maturity", Verdict.VETO_WINDOW, text, veto_seconds=seconds)


def _unrepeatable(tool: ToolFacts) -> bool:
    return tool.idempotency is IdempotencyClass.NEITHER and tool.tier > Tier.READ


def _said(maturity: Maturity) -> str:
    return maturity.value.replace("_", " ")
