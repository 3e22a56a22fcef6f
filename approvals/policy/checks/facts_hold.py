"""Can these facts be judged at all? A word that this version does not know is a no, and so is an impossible number."""

import math
from collections.abc import Iterator
from enum import StrEnum

from approvals.policy.document import Policy
from approvals.policy.evidence import DryRunState, Owner, PlanState, Source
from approvals.policy.facts import Facts, ToolFacts
from approvals.policy.ruling import Finding, Verdict
from approvals.policy.values import amount_problem
from tools.kinds import Category, IdempotencyClass, Maturity, Tier
from tools.text import display


def check(facts: Facts, _policy: Policy) -> Iterator[Finding]:
    for wrong in malformed(facts):
        yield Finding("facts", Verdict.DENY, f"These facts cannot be judged: {wrong}.")


def malformed(facts: Facts) -> Iterator[str]:
    """What in these facts nobody can judge: unknown words and impossible numbers."""
    for who, party in (("initiator", facts.initiator), ("agent", facts.agent)):
        yield from _unknown(f"tier of the {who}", Tier, party.tier)
        yield from _not_a_flag(f"{who}.may_use", party.may_use)
        yield from _not_a_flag(f"{who}.active", party.active)
        if party.teams is not None and not all(isinstance(team, str) for team in party.teams):
            yield f"teams of the {who} are {party.teams!r}"
    if not _is_share(facts.confidence):
        yield f"confidence {facts.confidence!r} is not between 0 and 1"
    if facts.tool is not None:
        yield from _tool(facts.tool)
    yield from _evidence(facts)


def _tool(tool: ToolFacts) -> Iterator[str]:
    yield from _unknown("tier of the tool", Tier, tool.tier)
    yield from _unknown("maturity", Maturity, tool.maturity)
    yield from _unknown("idempotency class", IdempotencyClass, tool.idempotency)
    for category in sorted(tool.categories):
        yield from _unknown("category", Category, category)
    if not _is_count(tool.veto_seconds):
        yield f"veto window of {tool.veto_seconds!r} seconds"
    for name in ("enabled", "forbidden", "recommend_only", "reversible"):
        yield from _not_a_flag(name, getattr(tool, name))
    if tool.amount is not None and (problem := amount_problem(tool.amount)):
        yield f'the amount "{display(tool.amount, one_line=True, limit=40)}" {problem}'


def _evidence(facts: Facts) -> Iterator[str]:
    yield from _unknown("standing to a plan", PlanState, facts.plan)
    yield from _unknown("state of the dry run", DryRunState, facts.dry_run.state)
    if facts.dry_run.affected is not None and not _is_count(facts.dry_run.affected):
        yield f"a dry run that touches {facts.dry_run.affected!r} records"
    yield from _not_a_flag("dry_run.drifted", facts.dry_run.drifted)
    for resource in facts.resources:
        yield from _unknown("owner", Owner, resource.owner)
    for origin in facts.provenance:
        yield from _unknown("source", Source, origin.source)
    for usage in facts.usage:
        for name, written in (("used", usage.used), ("asks", usage.asks)):
            if not _is_amount(written):
                yield f"{name} {written!r} of the limit {usage.limit}"
    for name in ("failed", "rejected", "repeated", "steps", "tokens"):
        if not _is_count(getattr(facts.history, name)):
            yield f"{name} {getattr(facts.history, name)!r} in the run's history"
    if not _is_amount(facts.history.cost):
        yield f"cost {facts.history.cost!r} in the run's history"
    for able in facts.approvers:
        if able.people is not None and not _is_count(able.people):
            yield f"{able.people!r} people who could decide"


def _unknown(what: str, kind: type[StrEnum], value: object) -> Iterator[str]:
    if not isinstance(value, kind):
        yield f"unknown {what} {value!r}"


def _not_a_flag(what: str, value: object) -> Iterator[str]:
    if not isinstance(value, bool):
        yield f"{what} is {value!r}, neither true nor false"


def _is_share(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and 0 <= value <= 1


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_amount(value: object) -> bool:
    return isinstance(value, str) and not amount_problem(value)
