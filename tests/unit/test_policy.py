"""The policy's answers: who objects and how, and what the rule makes of an answer that is none."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest

from approvals.policy import Facts, Finding, Halt, Policy, ToolFacts, Verdict, replay, rule, rules
from approvals.policy.checks import ORDER
from tests.support.judging import OPERATOR, PLANNER, a_tool, denials, some_facts, texts
from tools.kinds import IdempotencyClass, Maturity, Risk, Tier


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
        ({"problems": (("to", "is missing"),)}, "schema", "to: is missing."),
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
    assert found[0] == "items[0]: is wrong."
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


def test_no_veto_window_at_all_is_for_reversible_tools_only() -> None:
    tool = a_tool(maturity=Maturity.ON_THE_LOOP, veto_seconds=0)
    assert rule(some_facts(tool)).verdict is Verdict.VETO_WINDOW
    assert rule(some_facts(replace(tool, reversible=False))).verdict is Verdict.REVIEW


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
