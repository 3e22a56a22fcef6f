"""The three machines as DESIGN §2 states them, read from its own words."""

import pytest

from approvals.states import ACTION, SETTLED, ActionStatus
from lam_app.states import FINISHED, RUN, RunStatus
from tools.states import EXECUTION, ExecutionStatus
from traces.states import Machine

DESIGN = {
    "action": """
        PROPOSED → DENIED | IN_REVIEW | SCHEDULED | PERMITTED | WITHDRAWN | HALTED;
        IN_REVIEW → SCHEDULED | PERMITTED | REJECTED | EXPIRED | WITHDRAWN | DENIED;
        SCHEDULED → PERMITTED | IN_REVIEW | REJECTED | WITHDRAWN | HALTED;
        PERMITTED → EXECUTING | IN_REVIEW | EXPIRED | WITHDRAWN | HALTED;
        EXECUTING → DONE | FAILED | UNCERTAIN; UNCERTAIN → DONE | FAILED; DONE → UNDONE""",
    "run": """
        SUBMITTED → PLANNING | CANCELLED; PLANNING → WAITING | NEEDS_INPUT | SUCCEEDED | FAILED | NEEDS_HUMAN;
        WAITING → PLANNING | NEEDS_HUMAN; NEEDS_INPUT → PLANNING; NEEDS_HUMAN → PLANNING | FAILED;
        SUCCEEDED | FAILED | CANCELLED | NEEDS_HUMAN → UNDOING; UNDOING → UNDONE | NEEDS_HUMAN;
        PLANNING | WAITING | NEEDS_INPUT | NEEDS_HUMAN → CANCELLED;
        SUBMITTED | PLANNING | WAITING | NEEDS_INPUT | NEEDS_HUMAN | UNDOING → HALTED;
        HALTED → PLANNING | CANCELLED""",
    "execution": "CLAIMED → DONE | FAILED | UNCERTAIN; UNCERTAIN → DONE | FAILED; DONE → UNDONE",
}
MACHINES = {machine.name: machine for machine in (ACTION, RUN, EXECUTION)}


def pairs_of(text: str) -> set[tuple[str, str]]:
    pairs = set()
    for rule in text.split(";"):
        sources, targets = rule.split("→")
        pairs |= {
            (source.strip().lower(), target.strip().lower())
            for source in sources.split("|")
            for target in targets.split("|")
        }
    return pairs


@pytest.mark.parametrize("name", DESIGN)
def test_the_edges_are_those_of_the_design_and_no_others(name: str) -> None:
    assert set(MACHINES[name].pairs()) == pairs_of(DESIGN[name])


@pytest.mark.parametrize(
    ("machine", "statuses"), [(ACTION, ActionStatus), (RUN, RunStatus), (EXECUTION, ExecutionStatus)]
)
def test_every_status_is_a_word_of_the_machine_and_can_be_reached(machine: Machine, statuses: type) -> None:
    assert set(machine.statuses) == set(statuses.values)
    reached, ahead = set(), [machine.initial]
    while ahead:
        status = ahead.pop()
        if status not in reached:
            reached.add(status)
            ahead += machine.edges.get(status, frozenset())
    assert reached == set(statuses.values)


def test_nothing_leads_out_of_a_no() -> None:
    assert {"denied", "rejected", "expired", "withdrawn", "halted", "failed", "undone"} == set(ACTION.terminal)


def test_only_review_and_a_scheduled_leave_or_an_allow_lead_to_a_permit() -> None:
    assert {source for source, target in ACTION.pairs() if target == "permitted"} == {
        "proposed",
        "in_review",
        "scheduled",
    }
    assert {source for source, target in ACTION.pairs() if target == "executing"} == {"permitted"}


def test_a_run_goes_on_from_every_end_of_its_action_and_never_from_a_doubt() -> None:
    assert set(ACTION.terminal) | {"done"} == set(SETTLED)
    assert "uncertain" not in SETTLED


def test_a_run_that_is_over_can_only_be_undone() -> None:
    for status in FINISHED:
        assert RUN.edges.get(status, frozenset()) <= {"undoing"}


def test_an_edge_that_is_not_listed_does_not_exist() -> None:
    assert ACTION.allows("in_review", "permitted")
    assert not ACTION.allows("in_review", "executing")
    assert not ACTION.allows("no such status", "done")
    assert not ACTION.allows("done", "done")


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_the_chart_draws_every_edge_once(machine: Machine) -> None:
    lines = machine.mermaid().splitlines()
    assert lines[:2] == ["stateDiagram-v2", f"    [*] --> {machine.initial}"]
    assert [tuple(line.strip().split(" --> ")) for line in lines[2:]] == machine.pairs()
