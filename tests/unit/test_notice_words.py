"""What notices say: one line, from closed templates, whatever tools and people are called."""

import string

import pytest

from approvals.notices.words import KINDS, LONGEST_NAME, headline, reaches, title
from approvals.states import ActionStatus

MAY_NAME = {"tool", "who", "why"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_names_a_tool_a_person_and_our_own_words_alone(kind: str) -> None:
    assert {name for _, name, _, _ in string.Formatter().parse(KINDS[kind].says) if name} <= MAY_NAME


@pytest.mark.parametrize("kind", KINDS)
def test_what_lasts_a_while_lasts_for_statuses_that_there_are(kind: str) -> None:
    assert KINDS[kind].lasts <= {status.value for status in ActionStatus}


@pytest.mark.parametrize("odd", ["a\r\nBcc: everybody@example.org", "a\nb", "a\0b", "a\u202eb", "a\u2028b", "\x1b[2Ja"])
def test_a_name_that_breaks_lines_stays_on_its_line(odd: str) -> None:
    said = title("waits", tool=odd, who=odd)
    assert said.isprintable()
    assert not {"\r", "\n", "\0", "\u202e", "\u2028", "\x1b"} & set(said)


def test_a_name_that_says_a_template_is_not_read_as_one() -> None:
    assert "{who.password}" in title("waits", tool="{who.password}", who="operator")


def test_a_long_name_is_cut_and_counted() -> None:
    said = title("waits", tool="x" * 5000, who="operator")
    assert len(said) < 3 * LONGEST_NAME
    assert "5000 characters" in said


def test_a_sentence_begins_with_a_capital() -> None:
    assert title("waits", tool="send_message", who="operator").startswith("Send_message waits")


def test_several_are_counted_and_the_first_is_named() -> None:
    assert headline(["A waits", "B waits"], "low", 7) == "7 notices, the first: A waits"
    assert headline(["A waits"], "high", 1) == "A waits (high risk)"
    assert headline(["Your run has succeeded"], "", 1) == "Your run has succeeded"


@pytest.mark.parametrize(
    ("least", "risk", "fits"),
    [
        ("low", "low", True), ("low", "high", True), ("medium", "low", False), ("medium", "medium", True),
        ("high", "medium", False), ("high", "high", True), ("low", "", True), ("medium", "", False),
    ],
)  # fmt: skip
def test_a_route_takes_what_is_as_risky_as_it_says_or_more(least: str, risk: str, fits: bool) -> None:
    assert reaches(least, risk) is fits
