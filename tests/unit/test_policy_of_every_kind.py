"""What no combination of facts and policies can bring about."""

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.policy import Facts, Finding, Policy, Ruling, Verdict, read_policy, replay, rule
from approvals.policy.checks import ORDER, Check
from approvals.policy.document import Rule
from tests.support.any_facts import any_facts, likely_facts, policies, rule_lists
from tools.kinds import IdempotencyClass, Risk, Tier
from traces.canonical import canonical, parse

FIRST = st.just(Policy())


def safely(check: Check, facts: Facts, policy: Policy) -> list[Finding]:
    """What one check says when it is asked alone."""
    try:
        return list(check(facts, policy))
    except Exception:
        return [Finding("failed", Verdict.DENY, "")]


@given(any_facts | likely_facts, FIRST | policies)
@settings(max_examples=500, deadline=None, database=None)
def test_no_combination_of_facts_and_policies_is_allowed_when_any_check_denies(facts: Facts, policy: Policy) -> None:
    ruling = rule(facts, policy)
    alone = [finding.verdict for _, check in ORDER for finding in safely(check, facts, policy)]
    assert ruling.verdict is max(finding.verdict for finding in ruling.findings)
    if Verdict.DENY in alone or facts.tool is None:
        assert ruling.verdict is Verdict.DENY
    elif Verdict.REVIEW in alone:
        assert ruling.verdict is Verdict.REVIEW
    assert (ruling.quorum >= 1) == (ruling.verdict is Verdict.REVIEW)
    assert all(needed <= ruling.quorum for _, needed in ruling.teams)
    assert ruling.veto_seconds == 0 or ruling.verdict is Verdict.VETO_WINDOW
    if ruling.verdict is Verdict.REVIEW and ruling.risk is Risk.HIGH:
        assert ruling.quorum >= policy.high_risk_quorum
    if ruling.verdict < Verdict.REVIEW:
        nothing_stands_against(facts)


def nothing_stands_against(facts: Facts) -> None:
    """What has to be so before a call runs without a person."""
    tool = facts.tool
    assert tool is not None
    assert all(tool.lifted.get(category) for category in tool.categories)
    assert tool.tier is Tier.READ or tool.idempotency is not IdempotencyClass.NEITHER
    assert tool.tier is Tier.READ or tool.reversible or facts.confidence is not None
    assert tool.tier <= min(facts.initiator.tier, facts.agent.tier)
    assert facts.initiator.may_use
    assert facts.agent.may_use
    assert not facts.halts
    assert not facts.problems
    assert all(resource.owner == "own" for resource in facts.resources)
    assert facts.plan != "departs"
    assert facts.dry_run.state in {"not_offered", "done"}
    assert not facts.dry_run.drifted
    assert not facts.history.failed
    assert not facts.history.rejected
    if tool.tier > Tier.READ:
        assert all(origin.source not in {"outside", "unknown"} for origin in facts.provenance)


@given(any_facts | likely_facts, policies, rule_lists())
@settings(max_examples=200, deadline=None, database=None)
def test_one_more_rule_never_makes_a_ruling_milder(facts: Facts, policy: Policy, more: tuple[Rule, ...]) -> None:
    before, after = rule(facts, policy), rule(facts, replace(policy, rules=(*policy.rules, *more)))
    assert after.verdict >= before.verdict
    assert after.verdict is not before.verdict or after.quorum >= before.quorum
    assert after.risk >= before.risk


@given(any_facts | likely_facts, policies)
@settings(max_examples=200, deadline=None, database=None)
def test_a_replay_of_stored_facts_gives_the_same_ruling(facts: Facts, policy: Policy) -> None:
    stored = json.loads(json.dumps(facts.to_json()))
    assert Facts.from_json(stored) == facts
    assert replay(stored, policy) == rule(facts, policy)


@given(likely_facts, policies)
@settings(max_examples=150, deadline=None, database=None)
def test_facts_and_rulings_survive_the_canonical_form(facts: Facts, policy: Policy) -> None:
    assert replay(parse(canonical(facts.to_json())), policy) == rule(facts, policy)
    assert Ruling.from_json(parse(canonical(rule(facts, policy).to_json()))) == rule(facts, policy)


@given(policies)
@settings(max_examples=200, deadline=None, database=None)
def test_a_policy_is_read_back_from_what_it_writes(policy: Policy) -> None:
    assert read_policy(policy.to_json()) == policy
    assert read_policy(parse(canonical(policy.to_json()))) == policy
