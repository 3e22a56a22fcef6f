"""What is named, what went before, where words come from, what the tool says: each check on what was gathered."""

from dataclasses import replace
from typing import Any

import pytest

from approvals.policy import (
    DryRun,
    DryRunState,
    History,
    Origin,
    Owner,
    PlanState,
    Policy,
    Resource,
    Source,
    Usage,
    Verdict,
    rule,
)
from tests.support.judging import a_tool, denials, found, some_facts
from tools.kinds import Tier

READS = a_tool(tier=Tier.READ)


def only(check: str, **changes: Any) -> tuple[Verdict, str, bool]:
    (finding,) = found(check, some_facts(**changes))
    return finding.verdict, finding.text, finding.warning


def test_what_belongs_to_the_organization_may_be_named() -> None:
    verdict, text, _ = only("scope", resources=(Resource("order", "order", "1009", Owner.OWN),))
    assert (verdict, text) == (Verdict.ALLOW, 'order names the order "1009", which belongs to this organization.')


def test_t95_what_belongs_elsewhere_is_denied_in_the_same_words_as_what_is_nowhere() -> None:
    said = set()
    for owner in (Owner.FOREIGN, Owner.UNKNOWN, "stolen"):
        resources = (Resource("from", "mailbox", "sales\u202e", owner), Resource("to", "mailbox", "own", Owner.OWN))
        ruling = rule(some_facts(resources=resources))
        assert "scope" in denials(ruling)
        said.add(next(finding.text for finding in ruling.findings if finding.check == "scope"))
    assert said == {'from names the mailbox "sales⟨U+202E⟩", and this organization has none of that name.'}


@pytest.mark.parametrize(
    ("history", "says"),
    [
        (History(failed=1), "already failed once in this run"),
        (History(failed=3), "already failed 3 times in this run"),
        (History(rejected=1), "A person already rejected this very call in this run: do not ask again."),
        (History(repeated=2), "already succeeded 2 times in this run, and a run may make the same call 2 times."),
        (History(steps=30), "has made 30 steps; a run may make 30."),
        (History(tokens=1_000_001), "has used 1000001 tokens; a run may use 1000000."),
        (History(cost="20.01"), "has cost 20.01; a run may cost 20."),
    ],
)
def test_a_run_in_circles_or_beyond_its_means_is_told_to_do_something_else(history: History, says: str) -> None:
    ruling = rule(some_facts(history=history))
    assert denials(ruling) == {"loop"}
    assert says in only("loop", history=history)[1]


def test_a_run_within_its_means_goes_on() -> None:
    history = History(repeated=1, steps=29, tokens=1_000_000, cost="20.00")
    assert only("loop", history=history)[0] is Verdict.ALLOW
    assert "29 of 30 steps" in only("loop", history=history)[1]


@pytest.mark.parametrize(
    ("plan", "verdict", "says"),
    [
        (PlanState.NONE, Verdict.ALLOW, "No plan was approved"),
        (PlanState.AS_APPROVED, Verdict.ALLOW, "exactly as it was shown"),
        (PlanState.DEPARTS, Verdict.REVIEW, "departs from the plan"),
    ],
)
def test_what_departs_from_an_approved_plan_comes_back_to_a_person(
    plan: PlanState, verdict: Verdict, says: str
) -> None:
    assert only("plan", plan=plan)[0] is rule(some_facts(plan=plan)).verdict is verdict
    assert says in only("plan", plan=plan)[1]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (Source.OUTSIDE, "to comes from text that came from outside (step 2, read_mail)."),
        (Source.UNKNOWN, "Nobody knows where to comes from (step 2, read_mail)."),
    ],
)
def test_t103_an_argument_from_outside_holds_a_writing_tool_but_not_one_that_reads(source: Source, says: str) -> None:
    told = (Origin("body", Source.GOAL), Origin("to", source, "step 2, read_mail"))
    assert only("provenance", provenance=told) == (Verdict.REVIEW, says, True)
    verdict, text, warning = only("provenance", tool=READS, provenance=told)
    assert (verdict, warning) == (Verdict.ALLOW, False)
    assert text.endswith("and send_message only reads.")


def test_trusted_sources_hold_nothing_and_are_told() -> None:
    told = (
        Origin("to", Source.RECORD),
        Origin("body", Source.GOAL),
        Origin("cc", Source.RECORD),
        Origin("tone", Source.MEMORY),
        Origin("subject", Source.PERSON),
    )
    verdict, text, _ = only("provenance", provenance=told)
    assert verdict is Verdict.ALLOW
    assert "body from the goal; to, cc from a trusted record; tone from a fact" in text


@pytest.mark.parametrize("tool", [READS, a_tool()])
def test_a_call_whose_sources_nobody_reported_is_left_to_the_other_checks(tool: Any) -> None:
    assert only("provenance", tool=tool) == (Verdict.ALLOW, "Where the arguments come from was not reported.", False)
    assert rule(some_facts(tool)).verdict is Verdict.ALLOW


def test_many_doubtful_arguments_are_counted() -> None:
    findings = found("provenance", some_facts(provenance=tuple(Origin(f"a{n}", Source.OUTSIDE) for n in range(15))))
    assert len(findings) == 11
    assert findings[-1].text.startswith("… and 5 more arguments")
    assert {finding.verdict for finding in findings} == {Verdict.REVIEW}


@pytest.mark.parametrize(
    ("confidence", "verdict", "says"),
    [
        (None, Verdict.REVIEW, "how sure the model was is not known"),
        (0.799, Verdict.REVIEW, "only 0.799 sure; 0.8 is asked for"),
        (0.8, Verdict.ALLOW, "was 0.8 sure, and 0.8 is asked for"),
        (1.0, Verdict.ALLOW, "was 1 sure"),
    ],
)
def test_what_cannot_be_undone_needs_a_model_that_was_sure(confidence: Any, verdict: Verdict, says: str) -> None:
    facts = some_facts(a_tool(reversible=False), confidence=confidence)
    assert rule(facts).verdict is verdict
    assert says in found("reversibility", facts)[0].text


def test_what_can_be_undone_or_only_reads_does_not() -> None:
    assert rule(some_facts(confidence=0.1)).verdict is Verdict.ALLOW
    reads = a_tool(tier=Tier.READ, reversible=False)
    assert rule(some_facts(reads)).verdict is Verdict.ALLOW
    strict = some_facts(a_tool(reversible=False), confidence=0.9)
    assert rule(strict, Policy(confidence=0.95)).verdict is Verdict.REVIEW


@pytest.mark.parametrize(
    ("dry_run", "verdict", "says"),
    [
        (DryRun(), Verdict.ALLOW, "has no dry run"),
        (DryRun(DryRunState.AWAITED), Verdict.REVIEW, "has not answered; until then nothing is permitted"),
        (DryRun(DryRunState.DONE), Verdict.ALLOW, "The dry run succeeds."),
        (DryRun(DryRunState.DONE, affected=100), Verdict.ALLOW, "touches 100 records, of 100 at most"),
        (DryRun(DryRunState.DONE, "closes", affected=1), Verdict.ALLOW, "touches 1 record, of 100 at most: closes."),
        (DryRun(DryRunState.DONE, affected=101), Verdict.REVIEW, "touches 101 records, more than the 100"),
        (DryRun(DryRunState.REFUSED, "no such order"), Verdict.DENY, "this call would fail: no such order."),
        (DryRun(DryRunState.FAILED), Verdict.REVIEW, "could not be asked what it would do."),
    ],
)
def test_what_the_tool_says_beforehand_is_compared_with_the_bounds(
    dry_run: DryRun, verdict: Verdict, says: str
) -> None:
    assert rule(some_facts(dry_run=dry_run)).verdict is verdict
    assert says in only("dry_run", dry_run=dry_run)[1]


def test_a_world_that_has_moved_since_the_dry_run_is_looked_at() -> None:
    drifted = DryRun(DryRunState.DONE, affected=1, drifted=True)
    (succeeds, moved) = found("dry_run", some_facts(dry_run=drifted))
    assert (succeeds.verdict, moved.verdict, moved.warning) == (Verdict.ALLOW, Verdict.REVIEW, True)
    assert rule(some_facts(dry_run=drifted)).verdict is Verdict.REVIEW


@pytest.mark.parametrize(
    "changes",
    [
        {"plan": "roughly"},
        {"resources": (Resource("x", "order", "1", "mine"),)},
        {"provenance": (Origin("x", "trust_me"),)},
        {"dry_run": DryRun("fine")},
        {"dry_run": DryRun(DryRunState.DONE, affected=-1)},
        {"dry_run": DryRun(drifted="no")},
        {"history": History(steps=-1)},
        {"history": History(tokens=1.5)},
        {"history": History(cost="free")},
        {"usage": (Usage("x", "", "1", "-1"),)},
    ],
)
def test_evidence_that_nobody_can_read_is_denied(changes: dict[str, Any]) -> None:
    assert "facts" in denials(rule(some_facts(**changes)))


def test_facts_of_the_first_format_are_read_as_knowing_nothing_more() -> None:
    new = {"usage", "resources", "history", "plan", "provenance", "dry_run", "approvers"}
    newer = {"lifted_up_to", "amount", "currency", "secret_fields"}
    stored = {key: value for key, value in some_facts().to_json().items() if key not in new} | {"format": 1}
    stored["tool"] = {key: value for key, value in stored["tool"].items() if key not in newer}
    assert type(some_facts()).from_json(stored) == replace(some_facts())
