"""Measure the rule: one evaluation against the policy of an organization with 200 tools, 100 rules and 20 limits.

Pure arithmetic, so nothing is started: the calls go round all tools, with usage, provenance and a dry run as the gate
gathers them. Times are of this thread's processor. The last line is one JSON object, in microseconds.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from approvals.policy import (
    DryRun,
    DryRunState,
    Facts,
    Origin,
    Party,
    Policy,
    Source,
    ToolFacts,
    Usage,
    limits_over,
    read_policy,
    rule,
)
from approvals.policy.document import DAY, Compares, Condition, Counts, Limit, Per, Rule, Selector
from tools.kinds import Category, IdempotencyClass, Maturity, Tier

TOOLS, RULES, LIMITS = 200, 100, 20
TIMES = int(os.environ.get("N", "10000"))
SHARED = 5
"""One rule in so many is about every tool that moves money; the others name their tools."""


def main() -> None:
    """Evaluate, then print the figures."""
    policy = a_policy()
    calls = [a_call(number, policy) for number in range(TOOLS)]
    figures = {
        "tools": TOOLS,
        "rules": len(policy.rules),
        "limits": len(policy.limits),
        "rulings": TIMES,
        **timed("ruling", TIMES, lambda n: rule(calls[n % TOOLS], policy)),
    }
    document = policy.to_json()
    figures |= timed("reading", TIMES // 50, lambda _: read_policy(document))
    print(f"{TIMES} rulings over {TOOLS} tools; {len(rule(calls[0], policy).findings)} findings on the first call")
    print(json.dumps(figures))


def timed(name: str, times: int, work: Callable[[int], object]) -> dict[str, float]:
    """How long one piece of work takes, after the first round has filled what is looked up once."""
    for number in range(min(times, TOOLS)):
        work(number)
    took = []
    for number in range(times):
        began = time.thread_time_ns()
        work(number)
        took.append((time.thread_time_ns() - began) / 1000)
    took.sort()
    return {f"{name}_p50_us": round(statistics.median(took), 1), f"{name}_p99_us": round(took[int(times * 0.99)], 1)}


def a_policy() -> Policy:
    """Rules that name some tools each, a share of rules and limits for everything that moves money."""
    money = Selector(categories=frozenset({Category.MONEY}))
    when = (Condition("amount", Compares.MORE, "200"), Condition("country", Compares.NOT_AMONG, ("DE", "AT", "CH")))

    def some(number: int) -> Selector:
        return Selector(tools=frozenset(f"tool_{(number * 7 + n) % TOOLS}" for n in range(10)))

    return Policy(
        rules=tuple(
            Rule(id=f"rule-{n}", about=money if n % SHARED == 0 else some(n), when=when, quorum=2) for n in range(RULES)
        ),
        limits=tuple(
            Limit(
                id=f"limit-{n}",
                about=money if n % SHARED == 0 else some(n),
                per=Per.AGENT,
                counts=Counts.AMOUNT if n % 2 else Counts.CALLS,
                most=Decimal(500),
                seconds=DAY,
                unit="EUR" if n % 2 else "",
            )
            for n in range(LIMITS)
        ),
        exposure=(("EUR", Decimal(5000)), ("USD", Decimal(5000))),
    )


def a_call(number: int, policy: Policy) -> Facts:
    """A call of one tool, with everything that the gate gathers about it."""
    name, version = f"tool_{number}", "sha256:" + "a" * 64
    facts = Facts(
        policy_version=1,
        tool_requested=name,
        tool=ToolFacts(
            name=name,
            version_hash=version,
            proposed_version_hash=version,
            tier=Tier.WRITE,
            maturity=Maturity.AUDIT_ONLY,
            idempotency=IdempotencyClass.KEYED,
            reversible=False,
            categories=frozenset({Category.MONEY}),
            lifted={"money": "tried"},
            lifted_up_to={"money": "1000"},
            amount=f"{number * 3}.50",
            currency="EUR",
        ),
        arguments={"amount": f"{number * 3}.50", "country": "FR" if number % 2 else "DE", "to": f"customer {number}"},
        initiator=Party("u1", "operator", may_use=True, tier=Tier.WRITE),
        agent=Party("a1", "planner", may_use=True, tier=Tier.WRITE),
        confidence=0.9,
        provenance=(Origin("amount", Source.GOAL), Origin("to", Source.RECORD, "step 1, get_order")),
        dry_run=DryRun(DryRunState.DONE, "one refund", affected=1),
    )
    usage = tuple(Usage(one.id, "agent planner", "40.00", "1", one.unit) for one in limits_over(policy, facts))
    return replace(facts, usage=usage)


if __name__ == "__main__":
    main()
