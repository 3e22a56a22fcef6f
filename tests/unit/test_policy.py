"""The policy's answers, check by check, and what no combination of facts can bring about."""

import json
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.policy import Facts, Finding, Halt, Party, Policy, Ruling, ToolFacts, Verdict, replay, rule, rules
from approvals.policy.checks import ORDER
from approvals.policy.checks.risk import risk_of
from tools.kinds import Category, IdempotencyClass, Maturity, Risk, Tier
from traces.canonical import canonical, parse

HASH = "sha256:" + "a" * 64
OPERATOR = Party("u1", "operator", may_use=True, tier=Tier.WRITE)
PLANNER = Party("a1", "planner", may_use=True, tier=Tier.WRITE)


def a_tool(**changes: Any) -> ToolFacts:
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


def some_facts(tool: ToolFacts | None = None, **changes: Any) -> Facts:
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
    return [finding.text for finding in ruling.findings if finding.check == check]


def denials(ruling: Ruling) -> set[str]:
    return {finding.check for finding in ruling.findings if finding.verdict is Verdict.DENY}


def test_a_call_that_nothing_objects_to_runs_as_its_dial_says() -> None:
    assert rule(some_facts()).verdict is Verdict.ALLOW
    ruling = rule(some_facts(a_tool(maturity=Maturity.ON_THE_LOOP, veto_seconds=30)))
    assert (ruling.verdict, ruling.veto_seconds, ruling.quorum) == (Verdict.VETO_WINDOW, 30, 0)
    ruling = rule(some_facts(a_tool(maturity=Maturity.IN_THE_LOOP)))
    assert (ruling.verdict, ruling.veto_seconds, ruling.quorum) == (Verdict.REVIEW, 0, 1)


def test_findings_say_what_was_compared_with_what() -> None:
    ruling = rule(some_facts(agent=replace(PLANNER, tier=Tier.READ)))
    assert texts(ruling, "rbac") == ["Initiator operator may use send_message.", "Agent planner may use send_message."]
    assert texts(ruling, "level") == [
        "Initiator operator may go as far as write, and send_message goes as far as write.",
        "Agent planner may go only as far as read, but send_message goes as far as write.",
    ]


@pytest.mark.parametrize(
    ("changes", "check", "says"),
    [
        ({"halts": (Halt("tool", "send_message", "wrong text"),)}, "halted", "over tool send_message (wrong text)"),
        ({"halts": (Halt("everything", "", "drill"),)}, "halted", "over everything (drill)"),
        ({"tool_requested": "send_letter"}, "known", '"send_letter" was asked for'),
        ({"tool": a_tool(enabled=False)}, "known", "switched off"),
        ({"tool": a_tool(forbidden=True)}, "known", "forbidden in this organization"),
        ({"tool": a_tool(recommend_only=True)}, "known", "recommendations only"),
        (
            {"tool": a_tool(proposed_version_hash="sha256:" + "b" * 64)},
            "known",
            "bbbb, the catalogue holds aaaa",
        ),
        ({"tool": a_tool(version_hash="", proposed_version_hash="")}, "known", "(none)"),
        ({"problems": (("to", "is missing"),)}, "schema", "to: is missing"),
        ({"arguments": ["to"]}, "schema", "not an object"),
        ({"initiator": replace(OPERATOR, may_use=False)}, "rbac", "Initiator operator may not use send_message."),
        ({"agent": replace(PLANNER, may_use=False)}, "rbac", "Agent planner may not use send_message."),
        ({"agent": replace(PLANNER, active=False)}, "rbac", "Agent planner is switched off."),
        (
            {"initiator": replace(OPERATOR, tier=Tier.DRAFT)},
            "level",
            "only as far as draft, but send_message goes as far as write",
        ),
        ({"tool": a_tool(tier=Tier.ADMIN)}, "level", "only as far as write, but send_message goes as far as admin"),
        ({"tool": a_tool(tier="approve")}, "facts", "unknown tier of the tool 'approve'"),
        ({"tool": a_tool(maturity="trusted")}, "facts", "unknown maturity 'trusted'"),
        ({"tool": a_tool(idempotency="maybe")}, "facts", "unknown idempotency class 'maybe'"),
        ({"tool": a_tool(categories=frozenset({"fun"}))}, "facts", "unknown category 'fun'"),
        ({"tool": a_tool(veto_seconds=-1)}, "facts", "veto window of -1 seconds"),
        ({"tool": a_tool(veto_seconds=0.5)}, "facts", "veto window of 0.5 seconds"),
        ({"tool": a_tool(enabled="false")}, "facts", "enabled is 'false'"),
        ({"agent": replace(PLANNER, may_use=1)}, "facts", "agent.may_use is 1"),
        ({"confidence": float("nan")}, "facts", "confidence nan"),
        ({"confidence": 1.5}, "facts", "confidence 1.5"),
    ],
)
def test_each_objection_is_a_denial_by_its_own_check(changes: dict[str, Any], check: str, says: str) -> None:
    ruling = rule(some_facts(**changes))
    assert ruling.verdict is Verdict.DENY
    assert check in denials(ruling)
    assert any(says in text for text in texts(ruling, check)), texts(ruling, check)


def test_an_unknown_tool_is_denied_because_nothing_permits_it() -> None:
    facts = replace(some_facts(), tool=None, tool_requested="drop\u202etables")
    ruling = rule(facts)
    assert texts(ruling, "known") == ['No tool named "drop⟨U+202E⟩tables" is in this catalogue.']
    assert denials(ruling) == {"known", "default"}
    assert (ruling.risk, ruling.maturity, ruling.quorum) == (Risk.HIGH, Maturity.IN_THE_LOOP, 0)


def test_every_problem_of_the_arguments_is_listed_up_to_twenty() -> None:
    problems = tuple((f"items[{n}]", "is wrong") for n in range(30))
    found = texts(rule(some_facts(problems=problems)), "schema")
    assert found[0] == "items[0]: is wrong"
    assert len(found) == 21
    assert found[-1] == "… and 10 more problems."


@pytest.mark.parametrize("maturity", list(Maturity))
@pytest.mark.parametrize("tier", [tier for tier in Tier if tier is not Tier.READ])
def test_a_writing_tool_of_class_neither_stays_in_the_loop_whatever_the_dial_says(
    tier: Tier, maturity: Maturity
) -> None:
    tool = a_tool(tier=tier, maturity=maturity, idempotency=IdempotencyClass.NEITHER, veto_seconds=60)
    admin = {"initiator": replace(OPERATOR, tier=Tier.ADMIN), "agent": replace(PLANNER, tier=Tier.ADMIN)}
    ruling = rule(some_facts(tool, **admin))
    assert (ruling.verdict, ruling.maturity, ruling.quorum) == (Verdict.REVIEW, Maturity.IN_THE_LOOP, 1)


def test_a_reading_tool_of_class_neither_follows_its_dial() -> None:
    assert rule(some_facts(a_tool(tier=Tier.READ, idempotency=IdempotencyClass.NEITHER))).verdict is Verdict.ALLOW


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


def test_no_veto_window_at_all_is_for_reversible_tools_only() -> None:
    tool = a_tool(maturity=Maturity.ON_THE_LOOP, veto_seconds=0)
    assert rule(some_facts(tool)).verdict is Verdict.VETO_WINDOW
    assert rule(some_facts(replace(tool, reversible=False))).verdict is Verdict.REVIEW


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


def test_a_check_that_fails_is_a_no_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_facts: Facts, _policy: Policy) -> Iterator[Finding]:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(rules, "ORDER", (*ORDER, ("scope", broken)))
    ruling = rule(some_facts())
    assert ruling.verdict is Verdict.DENY
    assert texts(ruling, "scope") == ["The check scope failed (ZeroDivisionError), so the answer is no."]


@pytest.mark.parametrize(
    "answer", [None, "allow", Verdict.ALLOW, Finding("other", Verdict.ALLOW, ""), Finding("scope", "allow", "")]
)
def test_an_answer_that_is_not_a_finding_of_that_check_is_a_no(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    monkeypatch.setattr(rules, "ORDER", (*ORDER, ("scope", lambda _facts, _policy: [answer])))
    assert rule(some_facts()).verdict is Verdict.DENY


def test_without_a_check_that_permits_the_answer_is_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "ORDER", tuple(entry for entry in ORDER if entry[0] != "maturity"))
    assert denials(rule(some_facts())) == {"default"}
    monkeypatch.setattr(rules, "ORDER", ())
    assert denials(rule(some_facts())) == {"default"}


def test_a_review_that_names_nobody_still_needs_one_person(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = ("scope", lambda _facts, _policy: [Finding("scope", Verdict.REVIEW, "look", quorum=0)])
    monkeypatch.setattr(rules, "ORDER", (*ORDER, nobody))
    assert rule(some_facts()).quorum == 1


def test_what_is_not_facts_at_all_is_a_no() -> None:
    nothing: Any = None
    assert rule(nothing).verdict is Verdict.DENY


def test_stored_facts_with_a_word_of_another_version_are_denied_by_that_word() -> None:
    stored = some_facts().to_json()
    stored["tool"]["maturity"] = "fully_autonomous"
    ruling = replay(stored)
    assert ruling.verdict is Verdict.DENY
    assert "fully_autonomous" in texts(ruling, "facts")[0]


def test_every_fact_is_stored() -> None:
    """A fact that is judged but not stored would make a replay lie."""
    stored = some_facts().to_json()
    assert stored.keys() == {"format"} | {field.name for field in fields(Facts)}
    assert stored["tool"].keys() == {field.name for field in fields(ToolFacts)}
    assert type(stored["tool"]["tier"]) is str


def test_facts_of_another_format_are_refused() -> None:
    with pytest.raises(ValueError, match="format 9"):
        Facts.from_json({**some_facts().to_json(), "format": 9})


words = st.text("abcé ⟨\u202e", max_size=6)
parties = st.builds(
    Party, id=words, name=words, may_use=st.booleans(), tier=st.sampled_from(Tier), active=st.booleans()
)
hashes = st.sampled_from([HASH, "sha256:" + "b" * 64, ""])
categories = st.sampled_from(Category)
tools = st.builds(
    ToolFacts,
    name=st.sampled_from(["send_message", "other"]),
    version_hash=hashes,
    proposed_version_hash=hashes,
    tier=st.sampled_from([*Tier, "approve"]),
    maturity=st.sampled_from([*Maturity, "trusted"]),
    idempotency=st.sampled_from(IdempotencyClass),
    reversible=st.booleans(),
    enabled=st.booleans(),
    forbidden=st.booleans(),
    recommend_only=st.booleans(),
    veto_seconds=st.integers(-1, 100),
    categories=st.frozensets(categories, max_size=3),
    lifted=st.dictionaries(categories.map(str), st.sampled_from(["", "tested"]), max_size=3),
)
any_facts = st.builds(
    Facts,
    policy_version=st.integers(0, 10),
    tool_requested=st.just("send_message"),
    tool=st.none() | tools,
    arguments=st.sampled_from([{}, {"to": "x"}, [], None]),
    initiator=parties,
    agent=parties,
    problems=st.lists(st.tuples(words, words), max_size=2).map(tuple),
    halts=st.lists(st.builds(Halt, words, words, words), max_size=2).map(tuple),
    confidence=st.none() | st.floats(0, 1),
)
good_tools = tools.map(
    lambda tool: replace(
        tool, name="send_message", version_hash=HASH, proposed_version_hash=HASH,
        enabled=True, forbidden=False, recommend_only=False, veto_seconds=abs(tool.veto_seconds),
    )
)  # fmt: skip
likely_facts = st.builds(
    some_facts, good_tools, initiator=parties.map(lambda p: replace(p, may_use=True, active=True, tier=Tier.ADMIN))
)


@given(any_facts | likely_facts)
@settings(max_examples=400, deadline=None, database=None)
def test_no_combination_of_facts_is_allowed_when_any_check_denies(facts: Facts) -> None:
    ruling = rule(facts)
    alone = [finding.verdict for _, check in ORDER for finding in safely(check, facts)]
    assert ruling.verdict is max(finding.verdict for finding in ruling.findings)
    if Verdict.DENY in alone or facts.tool is None:
        assert ruling.verdict is Verdict.DENY
    elif Verdict.REVIEW in alone:
        assert ruling.verdict is Verdict.REVIEW
    assert (ruling.quorum >= 1) == (ruling.verdict is Verdict.REVIEW)
    assert ruling.veto_seconds == 0 or ruling.verdict is Verdict.VETO_WINDOW
    if ruling.verdict < Verdict.REVIEW:
        tool = facts.tool
        assert tool is not None
        assert all(tool.lifted.get(category) for category in tool.categories)
        assert tool.tier is Tier.READ or tool.idempotency is not IdempotencyClass.NEITHER
        assert tool.tier <= min(facts.initiator.tier, facts.agent.tier)
        assert facts.initiator.may_use
        assert facts.agent.may_use
        assert not facts.halts
        assert not facts.problems


def safely(check: Any, facts: Facts) -> list[Finding]:
    try:
        return list(check(facts, Policy()))
    except Exception:
        return [Finding("failed", Verdict.DENY, "")]


@given(any_facts | likely_facts)
@settings(max_examples=150, deadline=None, database=None)
def test_a_replay_of_stored_facts_gives_the_same_ruling(facts: Facts) -> None:
    stored = json.loads(json.dumps(facts.to_json()))
    assert Facts.from_json(stored) == facts
    assert replay(stored) == rule(facts)


@given(likely_facts)
@settings(max_examples=100, deadline=None, database=None)
def test_facts_and_rulings_survive_the_canonical_form(facts: Facts) -> None:
    assert replay(parse(canonical(facts.to_json()))) == rule(facts)
    assert Ruling.from_json(parse(canonical(rule(facts).to_json()))) == rule(facts)


def test_a_ruling_takes_under_a_millisecond() -> None:
    facts = some_facts(
        a_tool(categories=frozenset(Category), lifted={"money": "x"}),
        problems=tuple((f"items[{n}].name", "is longer than 80 characters") for n in range(30)),
        halts=tuple(Halt("tool", "send_message", "drill") for _ in range(5)),
    )
    rule(facts)
    took = []
    for _ in range(500):
        began = time.thread_time()
        rule(facts)
        took.append(time.thread_time() - began)
    assert sorted(took)[int(len(took) * 0.99)] < 0.001
