"""What a grant covers, value by value; and that it answers the dial and nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from approvals.policy import DryRun, DryRunState, PlanState, Policy, Verdict, read_policy, rule
from approvals.policy.evidence import Usage
from approvals.policy.facts import Facts
from approvals.policy.grants import Bound, Bounds, Granted, uncovered
from approvals.policy.values import MISSING
from approvals.services.bounds import Asked, bounds_of
from tests.support.judging import HASH, a_refund, a_tool, some_facts
from tools.kinds import IdempotencyClass, Maturity

GRANT = Granted(
    id="g1",
    by="u9",
    by_name="reviewer",
    tool="send_message",
    version_hash=HASH,
    agent="a1",
    initiator="u1",
    bounds=(Bound("to", Bounds.EQUALS, "ann@example.org"),),
    uses=3,
    used=0,
)
HELD = a_tool(maturity=Maturity.IN_THE_LOOP)


def under(grant: Granted = GRANT, **changes: Any) -> Facts:
    return some_facts(**{"tool": HELD, **changes}, grant=grant)


@pytest.mark.parametrize(
    ("bounds", "value", "found", "holds"),
    [
        (Bounds.EQUALS, "a", "a", True),
        (Bounds.EQUALS, "a", "A", False),
        (Bounds.EQUALS, "a", " a", False),
        (Bounds.EQUALS, 1, 1.0, True),
        (Bounds.EQUALS, 1, True, False),
        (Bounds.EQUALS, True, 1, False),
        (Bounds.EQUALS, 1, "1", False),
        (Bounds.EQUALS, [1, 2], [2, 1], False),
        (Bounds.EQUALS, {"a": 1}, {"a": 1, "b": 2}, False),
        (Bounds.EQUALS, "a", MISSING, False),
        (Bounds.EQUALS, None, MISSING, False),
        (Bounds.AT_MOST, "50", "50.00", True),
        (Bounds.AT_MOST, "50", 50.01, False),
        (Bounds.AT_MOST, "50", "-1", False),
        (Bounds.AT_MOST, "50", "fifty", False),
        (Bounds.AT_MOST, "50", True, False),
        (Bounds.AT_MOST, "50", ["1"], False),
        (Bounds.AT_MOST, "50", MISSING, False),
        (Bounds.AT_MOST, "all", "1", False),
        (Bounds.ONE_OF, ["a", "b"], "b", True),
        (Bounds.ONE_OF, ["a", "b"], "c", False),
        (Bounds.ONE_OF, "ab", "a", False),
        (Bounds.ANYTHING, None, {"x": [1]}, True),
        (Bounds.ANYTHING, None, MISSING, True),
        (Bounds.ABSENT, None, MISSING, True),
        (Bounds.ABSENT, None, None, False),
        (Bounds.EQUALS, None, None, True),
        (Bounds.ABSENT, None, "", False),
    ],
)
def test_a_bound_holds_exactly_for_what_it_says(bounds: Bounds, value: Any, found: Any, holds: bool) -> None:
    assert Bound("x", bounds, value).holds(found) is holds


def test_a_grant_answers_the_dial() -> None:
    assert rule(some_facts(tool=HELD)).verdict is Verdict.REVIEW
    assert rule(under()).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    "grant",
    [
        replace(GRANT, tool="other"),
        replace(GRANT, version_hash="sha256:" + "b" * 64),
        replace(GRANT, agent="a2"),
        replace(GRANT, initiator="u2"),
        replace(GRANT, initiator=""),
        replace(GRANT, initiator="", team="support"),
        replace(GRANT, by="u1"),
        replace(GRANT, bounds=()),
        replace(GRANT, bounds=(*GRANT.bounds, Bound("cc", Bounds.EQUALS, "x"))),
        replace(GRANT, bounds=(*GRANT.bounds, *GRANT.bounds)),
        replace(GRANT, used=3),
        replace(GRANT, used=-1),
        replace(GRANT, total="100", currency="EUR"),
    ],
    ids=lambda grant: uncovered(grant, some_facts(tool=HELD)),
)
def test_whatever_is_not_said_is_not_covered(grant: Granted) -> None:
    ruling = rule(under(grant))
    assert ruling.verdict is Verdict.REVIEW
    assert {finding.check for finding in ruling.findings if finding.verdict is Verdict.REVIEW} == {"grant", "maturity"}


@pytest.mark.parametrize(
    "changes",
    [
        {"problems": (("to", "is missing"),)},
        {"plan": PlanState.DEPARTS},
        {"dry_run": DryRun(state=DryRunState.FAILED)},
        {"tool": replace(HELD, reversible=False), "confidence": 1.0},
        {"tool": replace(HELD, idempotency=IdempotencyClass.NEITHER)},
        {"tool": replace(HELD, enabled=False)},
        {"tool": a_refund(maturity=Maturity.IN_THE_LOOP)},
        {"initiator": replace(some_facts().initiator, may_use=False)},
        {"agent": replace(some_facts().agent, active=False)},
    ],
)
def test_a_grant_widens_nothing_else(changes: dict[str, Any]) -> None:
    without, with_it = rule(some_facts(**{"tool": HELD, **changes})), rule(under(**changes))
    assert with_it.verdict is without.verdict
    assert with_it.verdict >= Verdict.REVIEW


def test_high_risk_that_needs_two_people_still_does() -> None:
    tool = a_refund("50", maturity=Maturity.IN_THE_LOOP)
    facts = under(replace(GRANT, total="100", currency="EUR"), tool=tool)
    assert rule(facts).verdict is Verdict.ALLOW
    assert rule(facts, Policy(high_risk_quorum=2)).quorum == 2


@pytest.mark.parametrize("freedom", [{"maturity": "in_the_loop"}, {"maturity": "on_the_loop", "veto_seconds": 60}])
def test_an_exception_says_how_free_a_call_is_and_no_grant_makes_it_freer(freedom: dict[str, Any]) -> None:
    policy = read_policy({"exceptions": [{"id": "look", "about": {"tools": ["send_message"]}, **freedom}]})
    assert rule(under(), policy).verdict is Verdict.REVIEW
    elsewhere = read_policy({"exceptions": [{"id": "look", "about": {"tools": ["another"]}, **freedom}]})
    assert rule(under(), elsewhere).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    ("total", "spent", "currency", "amount", "verdict"),
    [
        ("100", "50", "EUR", "50.00", Verdict.ALLOW),
        ("100", "50.01", "EUR", "50.00", Verdict.REVIEW),
        ("100", "0", "USD", "50.00", Verdict.REVIEW),
        (None, "0", "", "50.00", Verdict.REVIEW),
        ("100", "-50", "EUR", "50.00", Verdict.REVIEW),
        ("100", "0", "EUR", None, Verdict.REVIEW),
        ("NaN", "0", "EUR", "50.00", Verdict.REVIEW),
    ],
)
def test_t35_the_total_bounds_all_calls_together(
    total: str | None, spent: str, currency: str, amount: str | None, verdict: Verdict
) -> None:
    tool = a_refund(amount, maturity=Maturity.IN_THE_LOOP)
    assert rule(under(replace(GRANT, total=total, spent=spent, currency=currency), tool=tool)).verdict is verdict


def test_a_limit_that_is_reached_asks_all_the_same() -> None:
    limits = ({"id": "few", "per": "agent", "counts": "calls", "most": 1, "seconds": 60},)
    policy = read_policy({"limits": list(limits)})
    facts = under(usage=(Usage("few", "agent planner", "1", "1", ""),))
    assert rule(facts, policy).verdict is Verdict.REVIEW


def test_facts_keep_their_grant() -> None:
    facts = under(replace(GRANT, total="1", currency="EUR"))
    assert Facts.from_json(facts.to_json()) == facts
    assert Facts.from_json({**some_facts().to_json(), "format": 3}).grant is None


def test_null_is_a_value_like_any_other_and_not_what_was_left_out() -> None:
    schema, errors = {"properties": {"email": {}, "phone": {}}}, dict[str, str]()
    as_shown = bounds_of(schema, {"email": None}, {}, secret=frozenset(), errors=errors)
    assert as_shown == (Bound("email", Bounds.EQUALS, None), Bound("phone", Bounds.ABSENT))
    bounds_of(schema, {"email": None}, {"email": Asked("absent")}, secret=frozenset(), errors=errors)
    assert errors == {"email": "The call that is shown would lie outside."}
