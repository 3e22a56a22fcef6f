"""Exceptions narrow the dial, and nothing widens it: the table of every dial with every exception."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from approvals.policy import DialException, Facts, Policy, PolicyRefused, Verdict, read_policy, replay, rule
from approvals.policy.document import Compares, Condition, Selector
from tests.support.any_facts import any_facts, likely_facts, policies
from tests.support.judging import OPERATOR, PLANNER, a_tool, found, some_facts
from tools.kinds import IdempotencyClass, Maturity

IN, ON, AUDIT = Maturity.IN_THE_LOOP, Maturity.ON_THE_LOOP, Maturity.AUDIT_ONLY
NIGHT = frozenset({"night shift"})


def narrowed(maturity: Maturity, seconds: int = 0, about: Selector | None = None, **more: Any) -> Policy:
    exception = DialException(id="odd-one", about=about or Selector(), maturity=maturity, veto_seconds=seconds, **more)
    return Policy(exceptions=(exception,))


def by(teams: tuple[str, ...] | None = (), **changes: Any) -> Facts:
    """A call for somebody in these teams."""
    return some_facts(a_tool(**changes), initiator=replace(OPERATOR, teams=teams))


@pytest.mark.parametrize(
    ("dial", "own", "exception", "theirs", "verdict", "seconds", "maturity", "names_it"),
    [
        (IN, 0, IN, 0, Verdict.REVIEW, 0, IN, False),
        (IN, 0, ON, 60, Verdict.REVIEW, 0, IN, False),
        (ON, 30, IN, 0, Verdict.REVIEW, 0, IN, True),
        (ON, 30, ON, 10, Verdict.VETO_WINDOW, 30, ON, False),
        (ON, 30, ON, 30, Verdict.VETO_WINDOW, 30, ON, False),
        (ON, 30, ON, 60, Verdict.VETO_WINDOW, 60, ON, True),
        (AUDIT, 0, IN, 0, Verdict.REVIEW, 0, IN, True),
        (AUDIT, 0, ON, 0, Verdict.VETO_WINDOW, 0, ON, True),
        (AUDIT, 0, ON, 60, Verdict.VETO_WINDOW, 60, ON, True),
    ],
)
def test_of_the_dial_and_an_exception_the_stricter_one_holds(
    dial: Maturity,
    own: int,
    exception: Maturity,
    theirs: int,
    verdict: Verdict,
    seconds: int,
    maturity: Maturity,
    names_it: bool,
) -> None:
    ruling = rule(by(maturity=dial, veto_seconds=own), narrowed(exception, theirs))
    assert (ruling.verdict, ruling.veto_seconds, ruling.maturity) == (verdict, seconds, maturity)
    assert any(finding.rule == "odd-one" for finding in ruling.findings) is names_it


@pytest.mark.parametrize(
    ("about", "facts", "meets"),
    [
        (Selector(agents=frozenset({"planner"})), by(), True),
        (Selector(agents=frozenset({PLANNER.id})), by(), True),
        (Selector(agents=frozenset({"crawler"})), by(), False),
        (Selector(initiators=frozenset({"operator"})), by(), True),
        (Selector(initiators=frozenset({"somebody"})), by(), False),
        (Selector(teams=NIGHT), by(("day shift", "night shift")), True),
        (Selector(teams=NIGHT), by(("day shift",)), False),
        (Selector(teams=NIGHT), by(()), False),
        (Selector(teams=NIGHT), by(None), True),
        (Selector(tools=frozenset({"send_message"}), teams=NIGHT), by(("night shift",)), True),
        (Selector(tools=frozenset({"other"}), teams=NIGHT), by(("night shift",)), False),
    ],
)
def test_an_exception_is_about_an_agent_an_initiator_or_a_team(about: Selector, facts: Facts, meets: bool) -> None:
    """Where nobody looked which teams somebody is in, an exception about a team holds."""
    assert rule(facts, narrowed(IN, about=about)).verdict is (Verdict.REVIEW if meets else Verdict.ALLOW)


@pytest.mark.parametrize(("to", "held"), [("ann@example.org", False), ("eve@example.com", True)])
def test_an_exception_may_hold_for_some_arguments_only(to: str, held: bool) -> None:
    outside = Condition("to", Compares.NOT_EQUAL, "ann@example.org")
    facts = replace(by(), arguments={"to": to})
    policy = narrowed(IN, when=(outside,), reason="strangers")
    findings = [finding for finding in found("maturity", facts, policy) if finding.rule]
    assert bool(findings) is held
    if held:
        assert findings[0].text == (
            "Exception odd-one holds: to eve@example.com != ann@example.org (strangers); "
            "in the loop: a person approves each such call of send_message."
        )


def test_of_several_exceptions_the_strictest_holds() -> None:
    windows = tuple(DialException(id=f"e{n}", maturity=ON, veto_seconds=n) for n in (10, 90, 20))
    ruling = rule(by(), Policy(exceptions=windows))
    assert (ruling.verdict, ruling.veto_seconds) == (Verdict.VETO_WINDOW, 90)
    ruling = rule(by(), Policy(exceptions=(*windows, DialException(id="last"))))
    assert (ruling.verdict, ruling.maturity) == (Verdict.REVIEW, IN)


def test_a_window_of_no_seconds_asks_a_person_for_what_cannot_be_undone() -> None:
    facts = replace(by(reversible=False), confidence=1.0)
    assert rule(facts).verdict is Verdict.ALLOW
    assert rule(facts, narrowed(ON, 0)).verdict is Verdict.REVIEW


def test_no_exception_frees_what_can_be_neither_repeated_nor_asked_about() -> None:
    facts = by(idempotency=IdempotencyClass.NEITHER)
    ruling = rule(facts, narrowed(ON, 60))
    assert (ruling.verdict, ruling.maturity) == (Verdict.REVIEW, IN)


def test_no_exception_says_yes_in_the_place_of_an_unknown_dial() -> None:
    assert found("maturity", by(maturity="trusted"), narrowed(ON, 60)) == []
    assert rule(by(maturity="trusted"), narrowed(ON, 60)).verdict is Verdict.DENY


@given(any_facts | likely_facts, policies)
@settings(max_examples=300, deadline=None, database=None)
def test_no_exception_ever_makes_a_ruling_milder(facts: Facts, policy: Policy) -> None:
    before, after = rule(facts, replace(policy, exceptions=())), rule(facts, policy)
    assert after.verdict >= before.verdict
    assert after.verdict is not before.verdict or after.veto_seconds >= before.veto_seconds


WHOLE = {
    "id": "night",
    "about": {"teams": ["night shift"], "agents": ["planner"]},
    "when": [{"argument": "amount", "compares": ">", "value": "50"}],
    "maturity": "on_the_loop",
    "veto_seconds": 120,
    "reason": "Fewer eyes.",
}


def test_an_exception_is_read_as_it_was_written() -> None:
    policy = read_policy({"exceptions": [WHOLE, {"id": "plain"}]})
    first, second = policy.exceptions
    assert first == DialException(
        id="night",
        about=Selector(teams=NIGHT, agents=frozenset({"planner"})),
        when=(Condition("amount", Compares.MORE, "50"),),
        maturity=ON,
        veto_seconds=120,
        reason="Fewer eyes.",
    )
    assert (second.maturity, second.veto_seconds) == (IN, 0)
    assert read_policy(policy.to_json()) == policy


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"maturity": "audit_only"}, "exceptions[0].maturity"),
        ({"maturity": "free"}, "exceptions[0].maturity"),
        ({"maturity": "in_the_loop"}, "exceptions[0].veto_seconds"),
        ({"veto_seconds": -1}, "exceptions[0].veto_seconds"),
        ({"veto_seconds": 86_401}, "exceptions[0].veto_seconds"),
        ({"about": {"teams": []}}, "exceptions[0].about.teams"),
        ({"id": "Night"}, "exceptions[0].id"),
        ({"quorum": 2}, "exceptions[0].quorum"),
    ],
)
def test_what_does_not_narrow_is_refused_with_its_path(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(PolicyRefused) as refused:
        read_policy({"exceptions": [{**WHOLE, **changes}]})
    assert path in [at for at, _ in refused.value.problems]


def test_an_exception_shares_no_id_with_a_rule() -> None:
    with pytest.raises(PolicyRefused, match="is there twice"):
        read_policy({"rules": [{"id": "x"}], "exceptions": [{"id": "x"}]})


def test_facts_of_an_older_format_do_not_know_teams() -> None:
    stored = by(("night shift",)).to_json()
    assert replay(stored, narrowed(IN, about=Selector(teams=frozenset({"day shift"})))).verdict is Verdict.ALLOW
    older = {**stored, "format": 2, "initiator": {k: v for k, v in stored["initiator"].items() if k != "teams"}}
    assert Facts.from_json(older).initiator.teams is None
    assert replay(older, narrowed(IN, about=Selector(teams=frozenset({"day shift"})))).verdict is Verdict.REVIEW
