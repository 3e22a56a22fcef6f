"""Rules on arguments: what is compared, what counts in doubt, and who has to say yes."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from approvals.policy import Able, Facts, Policy, Verdict, rule
from approvals.policy.document import Compares, Condition, Rule, Selector
from approvals.policy.matching import meets
from tests.support.judging import a_tool, denials, found, some_facts, texts
from tools.kinds import Category, Maturity

BIG = Rule(
    id="big-refund", when=(Condition("amount", Compares.MORE, "200"),), quorum=2, reason="two people for large sums"
)


def paying(amount: Any, **changes: Any) -> Facts:
    return some_facts(arguments={"amount": amount, "to": "ann@example.org"}, **changes)


@pytest.mark.parametrize(
    ("amount", "verdict"),
    [
        ("200", Verdict.ALLOW),
        ("200.00", Verdict.ALLOW),
        (200, Verdict.ALLOW),
        (200.0, Verdict.ALLOW),
        ("1e2", Verdict.ALLOW),
        ("-500", Verdict.ALLOW),
        ("200.000000000000000000000001", Verdict.REVIEW),
        (200.01, Verdict.REVIEW),
        ("1000", Verdict.REVIEW),
        ("1,000", Verdict.REVIEW),
        ("1_00", Verdict.REVIEW),
        ("٩", Verdict.REVIEW),
        (" 5", Verdict.REVIEW),
        ("lots", Verdict.REVIEW),
        (True, Verdict.REVIEW),
        (None, Verdict.REVIEW),
        ([], Verdict.REVIEW),
        ([5, 500], Verdict.REVIEW),
        ({"value": 5}, Verdict.REVIEW),
    ],
)
def test_amounts_are_compared_exactly_and_what_cannot_be_compared_meets_the_rule(amount: Any, verdict: Verdict) -> None:
    assert rule(paying(amount), Policy(rules=(BIG,))).verdict is verdict


def test_the_finding_says_what_was_compared_and_who_is_needed() -> None:
    ruling = rule(paying("250.00"), Policy(rules=(replace(BIG, teams=(("finance", 1),)),)))
    (finding,) = [f for f in ruling.findings if f.rule]
    assert finding.text == (
        "Rule big-refund holds: amount 250.00 > 200 (two people for large sums); this needs 2 people, 1 of finance."
    )
    assert (finding.check, finding.rule, finding.quorum, finding.teams) == (
        "amounts",
        "big-refund",
        2,
        (("finance", 1),),
    )
    assert (ruling.quorum, ruling.teams) == (2, (("finance", 1),))


def test_in_doubt_the_finding_says_so() -> None:
    policy = Policy(rules=(BIG,))
    assert "amount is missing, so it counts as > 200" in texts(rule(some_facts(), policy), "amounts")[0]
    assert "amount lots cannot be compared, so it counts as > 200" in texts(rule(paying("lots"), policy), "amounts")[0]


def test_where_no_rule_holds_that_is_said_once() -> None:
    others = tuple(replace(BIG, id=f"n{n}") for n in range(5))
    assert texts(rule(paying("5"), Policy(rules=others)), "amounts") == [
        "No rule of the policy asks for more for this call of send_message."
    ]
    assert texts(rule(paying("5")), "amounts") == []


def test_a_rule_can_refuse() -> None:
    never = Rule(id="never-bob", when=(Condition("to", Compares.EQUAL, "bob@example.org"),), answer=Verdict.DENY)
    facts = some_facts(arguments={"to": "Bob@Example.org "})
    assert denials(rule(facts, Policy(rules=(never,)))) == {"amounts"}
    assert rule(some_facts(), Policy(rules=(never,))).verdict is Verdict.ALLOW


@pytest.mark.parametrize("answer", [Verdict.ALLOW, Verdict.VETO_WINDOW])
def test_a_rule_cannot_say_yes(answer: Verdict) -> None:
    kind = Rule(id="kind", answer=answer)
    assert rule(some_facts(), Policy(rules=(kind,))).verdict is Verdict.REVIEW


@pytest.mark.parametrize(
    ("compares", "value", "arguments", "met"),
    [
        (Compares.AT_LEAST, "5", {"x": 5}, True),
        (Compares.AT_LEAST, "5", {"x": 4.9}, False),
        (Compares.LESS, "5", {"x": 5}, False),
        (Compares.LESS, "5", {"x": "4.99"}, True),
        (Compares.AT_MOST, "5", {"x": "5.0"}, True),
        (Compares.AT_MOST, "5", {"x": "5.1"}, False),
        (Compares.EQUAL, "100", {"x": "100.00"}, True),
        (Compares.EQUAL, "anna", {"x": "ANNA"}, True),
        (Compares.EQUAL, "anna", {"x": "hanna"}, False),
        (Compares.EQUAL, "true", {"x": True}, True),
        (Compares.NOT_EQUAL, "100", {"x": 100}, False),
        (Compares.NOT_EQUAL, "anna", {"x": "ANNA"}, True),
        (Compares.NOT_EQUAL, "anna", {"x": "anna"}, False),
        (Compares.AMONG, ("a", "b"), {"x": "b"}, True),
        (Compares.AMONG, ("a", "b"), {"x": "c"}, False),
        (Compares.AMONG, ("a", "b"), {"x": ["c", "a"]}, True),
        (Compares.NOT_AMONG, ("a", "b"), {"x": "a"}, False),
        (Compares.NOT_AMONG, ("a", "b"), {"x": ["a", "c"]}, True),
        (Compares.NOT_AMONG, ("a", "b"), {"x": {"a": 1}}, True),
        (Compares.EQUAL, "a", {}, True),
        (Compares.NOT_EQUAL, "a", {"x": None}, True),
        (Compares.PRESENT, "", {"x": 0}, True),
        (Compares.PRESENT, "", {"x": None}, False),
        (Compares.PRESENT, "", {}, False),
        (Compares.ABSENT, "", {}, True),
        (Compares.ABSENT, "", {"x": []}, True),
        (Compares.ABSENT, "", {"x": ""}, False),
    ],
)
def test_each_comparison(compares: Compares, value: Any, arguments: dict[str, Any], met: bool) -> None:
    assert bool(meets(Condition("x", compares, value), arguments)) is met


def test_a_condition_reaches_into_objects_and_lists() -> None:
    condition = Condition("lines.price", Compares.MORE, "100")
    assert meets(condition, {"lines": [{"price": 5}, {"price": "101"}]}) == "lines.price 101 > 100"
    assert meets(condition, {"lines": [{"price": 5}, {"price": 7}]}) == ""
    assert "missing" in meets(condition, {"lines": [{"price": 5}, {}]})
    assert "missing" in meets(condition, {"lines": []})


def test_all_conditions_of_a_rule_have_to_hold() -> None:
    both = replace(BIG, when=(*BIG.when, Condition("to", Compares.EQUAL, "bob@example.org")))
    assert rule(paying("500"), Policy(rules=(both,))).verdict is Verdict.ALLOW


def test_a_finding_never_shows_what_is_secret() -> None:
    pin = Rule(id="pin", when=(Condition("card.pin", Compares.NOT_EQUAL, "0000"),))
    tool = a_tool(secret_fields=frozenset({"card"}))
    ruling = rule(some_facts(tool, arguments={"card": {"pin": "4711"}}), Policy(rules=(pin,)))
    assert "card.pin ••• != 0000" in texts(ruling, "amounts")[0]
    assert "4711" not in str(ruling.to_json())


def test_every_team_that_any_rule_names_is_needed() -> None:
    peers, managers = (
        Rule(id="peers", teams=(("peers", 2),)),
        Rule(id="managers", teams=(("managers", 1), ("peers", 1))),
    )
    ruling = rule(some_facts(), Policy(rules=(peers, managers)))
    assert ruling.teams == (("managers", 1), ("peers", 2))
    assert ruling.quorum == 2


@pytest.mark.parametrize(
    ("approvers", "says"),
    [
        ((), ""),
        ((Able("", 2), Able("finance", 1)), ""),
        ((Able("", 1), Able("finance", 1)), "2 people must approve, and one person could"),
        ((Able("", 0), Able("finance", 1)), "2 people must approve, and nobody could"),
        ((Able("", None), Able("finance", 1)), "2 people must approve, and nobody could"),
        ((Able("", 3), Able("finance", 0)), "1 of the team finance must approve, and nobody of it could"),
        ((Able("", 3), Able("finance", None)), "1 of the team finance must approve, and there is no such team"),
        ((Able("", 3),), "1 of the team finance must approve, and there is no such team"),
    ],
)
def test_t27_a_review_that_too_few_people_could_give_says_so(approvers: tuple[Able, ...], says: str) -> None:
    policy = Policy(rules=(replace(BIG, teams=(("finance", 1),)),))
    ruling = rule(paying("250", approvers=approvers), policy)
    assert ruling.verdict is Verdict.REVIEW
    assert says in ruling.unroutable
    assert bool(ruling.unroutable) is bool(says)
    assert [(f.verdict, f.warning) for f in ruling.findings if f.check == "approvers"] == (
        [(Verdict.REVIEW, True)] if says else []
    )


def test_t27_too_few_approvers_never_make_a_call_run_by_itself() -> None:
    nobody = (Able("", 0), Able("finance", None))
    for tool in (a_tool(), a_tool(maturity=Maturity.IN_THE_LOOP), a_tool(categories=frozenset({Category.LEGAL}))):
        assert rule(some_facts(tool, approvers=nobody)).verdict is rule(some_facts(tool)).verdict
    assert rule(some_facts(approvers=nobody)).unroutable == ""
    denied = rule(some_facts(a_tool(enabled=False), approvers=nobody), Policy(rules=(BIG,)))
    assert (denied.verdict, denied.quorum, denied.teams, denied.unroutable) == (Verdict.DENY, 0, (), "")


def test_a_call_is_compared_with_the_rules_of_its_own_tool_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """What 200 tools and their rules cost one call: its own rules, and those of every tool."""
    looked: list[Selector] = []
    fits = Selector.fits
    monkeypatch.setattr(Selector, "fits", lambda self, facts: looked.append(self) or fits(self, facts))
    others = [Rule(id=f"r{n}", about=Selector(tools=frozenset({f"tool_{n % 200}"})), when=BIG.when) for n in range(400)]
    mine = [replace(BIG, id="mine", about=Selector(tools=frozenset({"send_message"}))), replace(BIG, id="all")]
    policy = Policy(rules=(*others, *mine), exposure=(("EUR", Decimal(1)),))
    ruling = rule(paying("500"), policy)
    assert [finding.rule for finding in ruling.findings if finding.rule] == ["mine", "all"]
    assert len(looked) <= 3 * 2 + 4, "a rule of another tool was looked at"
    assert found("amounts", paying("500"), policy)
