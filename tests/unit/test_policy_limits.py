"""How many calls, and how much money, within a window: what was counted is compared with what may be used."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from approvals.policy import Counts, Facts, Limit, Per, Policy, Usage, Verdict, limits_over, rule
from approvals.policy.checks.limits import span
from approvals.policy.document import DAY, Selector
from tests.support.judging import a_refund, a_tool, denials, found, some_facts
from tools.kinds import Category, Tier

CALLS = Limit(id="calls", per=Per.AGENT, counts=Counts.CALLS, most=Decimal(20), seconds=60)
MONEY = Limit(id="refunds", per=Per.INITIATOR, counts=Counts.AMOUNT, most=Decimal(500), seconds=DAY, unit="EUR")


def called(used: str, limit: str = "calls") -> Facts:
    return some_facts(usage=(Usage(limit, "agent planner", used, "1"),))


def refunded(amount: str | None, used: str = "0", **changes: Any) -> Facts:
    usage = Usage("refunds", "initiator operator", used, amount or "0", "EUR")
    return some_facts(a_refund(amount, **changes), usage=(usage,))


@pytest.mark.parametrize(
    ("used", "verdict", "says"),
    [
        ("18", Verdict.ALLOW, "18 of 20 calls in the last minute by agent planner; this is the 19th."),
        ("19", Verdict.ALLOW, "19 of 20 calls in the last minute by agent planner; this is the 20th."),
        ("20", Verdict.REVIEW, "20 of 20 calls in the last minute by agent planner; this would be the 21st."),
        ("111", Verdict.REVIEW, "111 of 20 calls in the last minute by agent planner; this would be the 112th."),
    ],
)
def test_a_rate_counts_this_call_too(used: str, verdict: Verdict, says: str) -> None:
    facts, policy = called(used), Policy(limits=(CALLS,))
    assert rule(facts, policy).verdict is verdict
    (finding,) = found("rate", facts, policy)
    assert (finding.text, finding.verdict, finding.rule) == (says, verdict, "calls")
    assert finding.warning is (verdict is Verdict.REVIEW)


def test_beyond_a_limit_the_answer_is_the_limits_own() -> None:
    strict = replace(CALLS, answer=Verdict.DENY, reason="the mail server asks for it")
    (finding,) = found("rate", called("20"), Policy(limits=(strict,)))
    assert (finding.verdict, finding.quorum) == (Verdict.DENY, 0)
    assert finding.text.endswith("this would be the 21st (the mail server asks for it).")
    two = rule(called("20"), Policy(limits=(replace(CALLS, quorum=2),)))
    assert (two.verdict, two.quorum) == (Verdict.REVIEW, 2)


@pytest.mark.parametrize("limit", [CALLS, MONEY])
def test_a_call_that_was_not_counted_against_a_limit_is_denied(limit: Limit) -> None:
    ruling = rule(some_facts(a_refund()), Policy(limits=(limit,)))
    assert denials(ruling) == {"rate" if limit is CALLS else "amounts"}
    assert any("was not counted against the limit" in finding.text for finding in ruling.findings)


def test_a_count_in_another_unit_is_no_count() -> None:
    facts = refunded("10")
    other = replace(facts, usage=(replace(facts.usage[0], unit="USD"),))
    assert denials(rule(other, Policy(limits=(MONEY,)))) == {"amounts"}


@pytest.mark.parametrize("written", ["many", "-1", "NaN", "1_0", ""])
def test_a_count_that_is_no_number_is_denied(written: str) -> None:
    assert denials(rule(called(written), Policy(limits=(CALLS,)))) == {"facts", "rate"}


def test_a_limit_counts_only_the_calls_that_it_is_about() -> None:
    others = [
        Selector(tools=frozenset({"other"})),
        Selector(categories=frozenset({Category.LEGAL})),
        Selector(tiers=frozenset({Tier.DELETE})),
        Selector(agents=frozenset({"somebody"})),
        Selector(initiators=frozenset({"somebody"})),
        Selector(tools=frozenset({"send_message"}), agents=frozenset({"somebody"})),
    ]
    these = [
        Selector(tools=frozenset({"send_message", "other"})),
        Selector(categories=frozenset({Category.MONEY, Category.LEGAL})),
        Selector(tiers=frozenset({Tier.WRITE})),
        Selector(agents=frozenset({"planner"})),
        Selector(initiators=frozenset({"u1"})),
        Selector(),
    ]
    limits = tuple(replace(CALLS, id=f"n{n}", about=about) for n, about in enumerate(others + these))
    over = limits_over(Policy(limits=limits), some_facts(a_refund()))
    assert [limit.about for limit in over] == these


@pytest.mark.parametrize(
    ("tool", "counted"),
    [
        (a_refund("10"), True),
        (a_refund("10", "USD"), False),
        (a_refund("10", ""), False),
        (a_refund(None), False),
        (a_refund("10", tier=Tier.READ), False),
    ],
)
def test_an_amount_counts_where_it_is_known_and_in_the_limits_currency(tool: Any, counted: bool) -> None:
    assert bool(limits_over(Policy(limits=(MONEY,)), some_facts(tool))) is counted


def test_an_exposure_is_a_limit_over_all_that_moves_money_in_a_day() -> None:
    policy = Policy(exposure=(("EUR", Decimal(5000)), ("USD", Decimal(10))))
    (limit,) = limits_over(policy, some_facts(a_refund("10")))
    assert (limit.id, limit.per, limit.counts) == ("exposure-EUR", Per.ORGANIZATION, Counts.AMOUNT)
    assert (limit.most, limit.seconds, limit.unit) == (Decimal(5000), 86_400, "EUR")
    assert limits_over(policy, some_facts(a_tool(amount="10", currency="EUR"))) == ()


def test_amounts_are_added_exactly() -> None:
    policy = Policy(limits=(replace(MONEY, most=Decimal("0.30")),))
    assert rule(refunded("0.10", "0.20"), policy).verdict is Verdict.ALLOW
    (finding,) = [f for f in found("amounts", refunded("0.11", "0.20"), policy) if f.rule]
    assert finding.verdict is Verdict.REVIEW
    assert finding.text == "0.20 of 0.30 EUR in the last day by initiator operator; this call would make it 0.31."


def test_the_larger_of_what_was_counted_and_what_the_call_asks_is_compared() -> None:
    facts = refunded("90", "400")
    understated = replace(facts, usage=(replace(facts.usage[0], asks="0.01"),))
    overstated = replace(facts, usage=(replace(facts.usage[0], asks="101"),))
    policy = Policy(limits=(MONEY,))
    assert (
        rule(replace(understated, usage=(replace(understated.usage[0], used="411"),)), policy).verdict is Verdict.REVIEW
    )
    assert rule(overstated, policy).verdict is Verdict.REVIEW
    assert rule(facts, policy).verdict is Verdict.ALLOW


def test_t35_a_big_sum_in_small_parts_ends_at_the_daily_limit() -> None:
    """A hundred times 99 EUR, each under the 100 that is lifted, against 500 a day."""
    policy, moved, verdicts = Policy(limits=(MONEY,)), Decimal(0), []
    for _ in range(100):
        verdict = rule(refunded("99", f"{moved:f}"), policy).verdict
        verdicts.append(verdict)
        moved += 99 if verdict is Verdict.ALLOW else 0
    assert verdicts == [Verdict.ALLOW] * 5 + [Verdict.REVIEW] * 95
    assert moved == 495


@pytest.mark.parametrize(
    ("tool", "says"),
    [
        (a_refund(None), "How much money this call of send_message moves cannot be told"),
        (a_refund("10", ""), "in which currency cannot be told"),
        (a_tool(amount="10"), "in which currency cannot be told"),
        (a_refund("10", "USD"), "moves 10 USD, but amounts are limited only in EUR"),
    ],
)
def test_money_that_cannot_be_counted_is_looked_at(tool: Any, says: str) -> None:
    facts, policy = some_facts(tool), Policy(limits=(MONEY,))
    (finding,) = found("amounts", facts, policy)
    assert (finding.verdict, finding.warning) == (Verdict.REVIEW, True)
    assert says in finding.text


@pytest.mark.parametrize(
    "amount", ["-1", "-0.01", "ten", "1,000", "1_000", "NaN", "Infinity", "1e30", "0.0000000000000000001", "2 values"]
)
def test_what_is_no_amount_is_denied(amount: str) -> None:
    ruling = rule(some_facts(a_refund(amount)))
    assert "facts" in denials(ruling)
    assert f'the amount "{amount}"' in found("facts", some_facts(a_refund(amount)))[0].text


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(1, "second"), (59, "59 seconds"), (60, "minute"), (300, "5 minutes"), (3_600, "hour"), (172_800, "2 days")],
)
def test_a_window_is_told_in_words(seconds: int, says: str) -> None:
    assert span(seconds) == says
