"""Calls to be judged: a tool, the people, the facts around them, and what a ruling says about each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from approvals.policy import Facts, Finding, Party, Policy, Ruling, ToolFacts, Verdict, rule
from tools.kinds import Category, IdempotencyClass, Maturity, Tier

HASH = "sha256:" + "a" * 64
OPERATOR = Party("u1", "operator", may_use=True, tier=Tier.WRITE)
PLANNER = Party("a1", "planner", may_use=True, tier=Tier.WRITE)


def a_tool(**changes: Any) -> ToolFacts:
    """A writing tool that nothing objects to, and that runs by itself."""
    return replace(
        ToolFacts(
            name="send_message",
            version_hash=HASH,
            proposed_version_hash=HASH,
            tier=Tier.WRITE,
            maturity=Maturity.AUDIT_ONLY,
            idempotency=IdempotencyClass.KEYED,
            reversible=True,
        ),
        **changes,
    )


def a_refund(amount: str | None = "50.00", currency: str = "EUR", **changes: Any) -> ToolFacts:
    """A tool that moves money, lifted up to a hundred, in a call of this amount."""
    money = {"categories": frozenset({Category.MONEY}), "lifted": {"money": "tried"}, "lifted_up_to": {"money": "100"}}
    return a_tool(**{**money, "amount": amount, "currency": currency, **changes})


def some_facts(tool: ToolFacts | None = None, **changes: Any) -> Facts:
    """A call of that tool by the planner for the operator."""
    return replace(
        Facts(
            policy_version=1,
            tool_requested="send_message",
            tool=tool or a_tool(),
            arguments={"to": "ann@example.org"},
            initiator=OPERATOR,
            agent=PLANNER,
        ),
        **changes,
    )


def texts(ruling: Ruling, check: str) -> list[str]:
    """What one check said."""
    return [finding.text for finding in ruling.findings if finding.check == check]


def denials(ruling: Ruling) -> set[str]:
    """Which checks say no."""
    return {finding.check for finding in ruling.findings if finding.verdict is Verdict.DENY}


def found(check: str, facts: Facts, policy: Policy | None = None) -> list[Finding]:
    """The findings of one check in the ruling on these facts."""
    return [finding for finding in rule(facts, policy or Policy()).findings if finding.check == check]
