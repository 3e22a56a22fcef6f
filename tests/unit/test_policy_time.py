"""Rules say how long people have and who is asked too where nobody takes it: read strictly, merged, told in words."""

from __future__ import annotations

from typing import Any

import pytest

from approvals.policy import Ruling, read_policy
from approvals.policy.reading import PolicyRefused
from approvals.policy.rules import rule
from approvals.reading.entries import entry_of, filled, told, written
from approvals.reading.policies import asks
from tests.support.judging import some_facts as facts

CHAIN = [{"after": 600, "team": "managers"}, {"after": 1800, "team": "directors"}]


def policy(*rules: dict[str, Any]) -> Any:
    """A policy of these rules."""
    return read_policy({"rules": [{"id": f"r{n}", **one} for n, one in enumerate(rules)]})


def problems(**one: Any) -> dict[str, str]:
    """What is wrong with a rule that says this."""
    with pytest.raises(PolicyRefused) as refused:
        policy(one)
    return dict(refused.value.problems)


def test_the_shortest_time_of_all_rules_that_hold_counts() -> None:
    ruling = rule(facts(), policy({"expires_seconds": 900}, {"expires_seconds": 300}, {}))
    assert ruling.expires_seconds == 300


def test_steps_of_several_rules_stand_in_one_chain_each_team_once_at_its_first_time() -> None:
    ruling = rule(
        facts(), policy({"escalation": CHAIN}, {"escalation": [{"after": 60, "team": "directors"}]}, {"quorum": 2})
    )
    assert ruling.escalation == ((60, "directors"), (600, "managers"))
    assert ruling.quorum == 2  # asking more people needs no fewer


def test_a_ruling_without_either_reads_as_it_always_did() -> None:
    ruling = rule(facts(), policy({}))
    assert (ruling.expires_seconds, ruling.escalation) == (0, ())
    assert "expires_seconds" not in ruling.to_json()
    assert "escalation" not in ruling.to_json()
    with_both = rule(facts(), policy({"expires_seconds": 3600, "escalation": CHAIN}))
    assert Ruling.from_json(with_both.to_json()) == with_both


def test_a_document_says_again_what_it_was_read_from() -> None:
    document = policy({"expires_seconds": 3600, "escalation": CHAIN})
    assert read_policy(document.to_json()) == document


@pytest.mark.parametrize(
    ("one", "path"),
    [
        ({"expires_seconds": 5}, "rules[0].expires_seconds"),
        ({"expires_seconds": 31 * 86_400}, "rules[0].expires_seconds"),
        ({"expires_seconds": True}, "rules[0].expires_seconds"),
        ({"escalation": [{"after": 0, "team": "managers"}]}, "rules[0].escalation[0].after"),
        ({"escalation": [{"after": 60, "team": ""}]}, "rules[0].escalation[0].team"),
        ({"escalation": [{"after": 60, "team": "a", "quorum": 0}]}, "rules[0].escalation[0].quorum"),
        ({"escalation": [*CHAIN, {"after": 1800, "team": "board"}]}, "rules[0].escalation[2].after"),
        ({"escalation": [*CHAIN, {"after": 3000, "team": "managers"}]}, "rules[0].escalation[2].team"),
        ({"escalation": CHAIN, "expires_seconds": 1800}, "rules[0].escalation"),
        ({"answer": "deny", "expires_seconds": 60}, "rules[0].answer"),
        ({"answer": "deny", "escalation": CHAIN}, "rules[0].answer"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_path(one: dict[str, Any], path: str) -> None:
    assert path in problems(**one)


def test_a_form_says_minutes_and_what_it_is_read_into_says_seconds() -> None:
    entry = {"id": "r", "about": {}, "expires_seconds": 90, "escalation": CHAIN, "quorum": 1, "answer": "review"}
    form = filled("rules", entry, 1)
    said = {field.key: field.written for field in form.fields()}
    assert (said["expiry"], said["chain"]) == ("90s", "10 managers, 30 directors")
    again = entry_of(form)
    assert (again["expires_seconds"], again["escalation"]) == (90, CHAIN)


def test_what_is_no_number_of_minutes_is_told_at_its_field() -> None:
    form = written("rules", {"id": "r", "answer": "review", "quorum": "1", "expiry": "soon", "chain": "managers"})
    with pytest.raises(PolicyRefused) as refused:
        read_policy({"rules": [entry_of(form)]})
    marked = {field.key: field.error for field in told(form, refused.value.problems, 0).asks}
    assert marked["expiry"]
    assert marked["chain"]


def test_it_is_told_in_words() -> None:
    (one,) = policy({"expires_seconds": 3600, "escalation": CHAIN}).rules
    assert asks(one) == (
        "need one person, within 1 hour; where nobody takes it, managers are asked too after 10 minutes and directors"
        " are asked too after 30 minutes"
    )
