"""Risk is the gate's own judgement, and a category that people care about asks them until it is lifted."""

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest

from approvals.policy import Facts, Party, Policy, ToolFacts, Verdict, rule
from approvals.policy.checks.risk import risk_of
from approvals.policy.document import Compares, Condition, Rule
from tests.support.judging import a_refund, a_tool, found, some_facts, texts
from tools.kinds import Category, IdempotencyClass, Risk, Tier

DAY = Policy(exposure=(("EUR", Decimal(500)),))


@pytest.mark.parametrize("category", list(Category))
def test_a_category_keeps_a_tool_in_the_loop_until_it_is_lifted_with_a_reason(category: Category) -> None:
    tool = a_tool(categories=frozenset({category}), amount="50", currency="EUR", lifted_up_to={category.value: "50.00"})
    assert rule(some_facts(tool)).verdict is Verdict.REVIEW
    assert rule(some_facts(replace(tool, lifted={category: "  "}))).verdict is Verdict.REVIEW
    lifted = rule(some_facts(replace(tool, lifted={category.value: "small amounts only"})))
    assert lifted.verdict is Verdict.ALLOW
    assert any("small amounts only" in text for text in texts(lifted, "risk"))


def test_one_lifted_category_does_not_lift_another() -> None:
    tool = a_tool(categories=frozenset({Category.MONEY, Category.LEGAL}), lifted={"money": "tested"})
    assert rule(some_facts(tool)).verdict is Verdict.REVIEW


@pytest.mark.parametrize(
    ("changes", "risk"),
    [
        ({"tier": Tier.READ}, Risk.LOW),
        ({"tier": Tier.DRAFT}, Risk.LOW),
        ({"tier": Tier.READ, "categories": frozenset({Category.MONEY})}, Risk.MEDIUM),
        ({"tier": Tier.READ, "reversible": False, "idempotency": IdempotencyClass.NEITHER}, Risk.LOW),
        ({}, Risk.MEDIUM),
        ({"categories": frozenset({Category.OUTSIDE_MESSAGE})}, Risk.MEDIUM),
        ({"reversible": False}, Risk.MEDIUM),
        ({"categories": frozenset({Category.MONEY})}, Risk.HIGH),
        ({"reversible": False, "idempotency": IdempotencyClass.NEITHER}, Risk.HIGH),
        ({"tier": Tier.DELETE}, Risk.HIGH),
        ({"tier": Tier.ADMIN}, Risk.HIGH),
    ],
)
def test_risk_is_computed_from_what_the_tool_declares(changes: dict[str, Any], risk: Risk) -> None:
    assert risk_of(some_facts(a_tool(**changes)), Policy()).level is risk


def test_high_risk_warns_the_reviewer() -> None:
    findings = rule(some_facts(a_tool(categories=frozenset({Category.LEGAL})))).findings
    assert [finding.check for finding in findings if finding.warning] == ["risk"]


def test_t34_what_an_agent_says_about_its_own_risk_changes_nothing() -> None:
    claims = {"risk": "low", "auto_approve": True, "policy": "none", "maturity": "audit_only", "confirmed": True}
    plain = some_facts(a_tool(categories=frozenset({Category.LEGAL}), reversible=False))
    claimed = replace(plain, arguments={**plain.arguments, **claims})
    assert rule(claimed) == rule(plain)
    assert (rule(claimed).verdict, rule(claimed).risk) == (Verdict.REVIEW, Risk.HIGH)
    judged = {field.name for kind in (Facts, Party, ToolFacts) for field in fields(kind)}
    assert judged.isdisjoint({"risk", "auto_approve", "verdict", "policy", "stated_confidence"})


@pytest.mark.parametrize(("amount", "level"), [("250.00", Risk.LOW), ("250.01", Risk.HIGH), ("2500", Risk.HIGH)])
def test_more_than_half_of_what_a_day_may_move_is_a_high_risk(amount: str, level: Risk) -> None:
    facts = some_facts(a_tool(tier=Tier.DRAFT, amount=amount, currency="EUR"))
    assert risk_of(facts, DAY).level is level


def test_an_amount_in_another_currency_is_not_compared_with_the_day() -> None:
    facts = some_facts(a_tool(tier=Tier.DRAFT, amount="400", currency="USD"))
    assert risk_of(facts, DAY).level is Risk.LOW


@pytest.mark.parametrize(
    ("asked", "level"),
    [
        ({"quorum": 1}, Risk.MEDIUM),
        ({"quorum": 2}, Risk.HIGH),
        ({"teams": (("finance", 1),)}, Risk.MEDIUM),
        ({"teams": (("finance", 1), ("legal", 1))}, Risk.HIGH),
        ({"quorum": 2, "when": (Condition("to", Compares.EQUAL, "bob@example.org"),)}, Risk.MEDIUM),
    ],
)
def test_a_rule_that_asks_for_several_people_makes_the_risk_high(asked: dict[str, Any], level: Risk) -> None:
    assert rule(some_facts(), Policy(rules=(Rule(id="several", **asked),))).risk is level


def test_where_the_risk_is_high_a_review_needs_as_many_people_as_the_policy_says() -> None:
    policy = Policy(high_risk_quorum=3)
    high = rule(some_facts(a_tool(categories=frozenset({Category.LEGAL}))), policy)
    assert (high.verdict, high.quorum) == (Verdict.REVIEW, 3)
    assert any("a review of it needs 3 people" in text for text in texts(high, "risk"))
    medium = rule(some_facts(a_tool(categories=frozenset({Category.OUTSIDE_MESSAGE}))), policy)
    assert (medium.verdict, medium.quorum) == (Verdict.REVIEW, 1)


@pytest.mark.parametrize(
    ("amount", "up_to", "verdict", "says"),
    [
        ("100", "100.00", Verdict.ALLOW, "need no person"),
        ("100.01", "100.00", Verdict.REVIEW, "only up to 100.00, and this call moves 100.01"),
        (None, "100.00", Verdict.REVIEW, "the amount of this call cannot be told"),
        ("1", "", Verdict.REVIEW, "until an administrator says up to which amount"),
        ("1", "lots", Verdict.REVIEW, "until an administrator says up to which amount"),
    ],
)
def test_money_is_lifted_only_up_to_a_known_amount(amount: str | None, up_to: str, verdict: Verdict, says: str) -> None:
    facts = some_facts(a_refund(amount, lifted_up_to={"money": up_to} if up_to else {}))
    assert rule(facts).verdict is verdict
    assert says in found("risk", facts)[1].text


def test_a_tool_that_only_reads_about_money_is_lifted_by_a_reason() -> None:
    reads = a_refund(None, tier=Tier.READ, lifted_up_to={})
    assert rule(some_facts(reads)).verdict is Verdict.ALLOW


def test_another_category_is_lifted_by_a_reason_and_up_to_an_amount_where_one_is_said() -> None:
    legal = a_tool(categories=frozenset({Category.LEGAL}), lifted={"legal": "tried"})
    assert rule(some_facts(legal)).verdict is Verdict.ALLOW
    bounded = replace(legal, lifted_up_to={"legal": "10"}, currency="EUR")
    assert rule(some_facts(replace(bounded, amount="10"))).verdict is Verdict.ALLOW
    assert rule(some_facts(replace(bounded, amount="11"))).verdict is Verdict.REVIEW
    assert rule(some_facts(bounded)).verdict is Verdict.REVIEW
