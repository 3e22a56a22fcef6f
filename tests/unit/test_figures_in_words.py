"""Figures as people read them: digits in threes, one call and two, labels that say what a yes does."""

import pytest

from approvals.reading.card import consenting
from tools.summaries import summarise
from tools.wording import APART, counted, grouped


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        ("1000000", "1 000 000"),
        ("1000000.00 EUR", "1 000 000.00 EUR"),
        ("-12345.5", "-12 345.5"),
        ("123456", "123 456"),
        ("9999", "9999"),
        ("order 1000000", "order 1000000"),
        ("1000000 of 2000000", "1000000 of 2000000"),
        ("1e9", "1e9"),
    ],
)
def test_t48_a_figure_has_its_digits_in_threes_and_nothing_else_has(figure: str, said: str) -> None:
    assert grouped(figure) == said.replace(" ", APART, said.count(" ") - figure.count(" "))


def test_only_what_says_how_much_money_moves_is_grouped_in_a_sentence() -> None:
    values = {"amount": "1000000.00", "order": "1000000"}
    said = summarise("Pay {amount} for order {order}", values, amounts=("amount",))
    assert said == f"Pay 1{APART}000{APART}000.00 for order 1000000"
    assert summarise("Pay {amount}", values, secret=("amount",), amounts=("amount",)) == "Pay (secret)"


def test_one_call_is_one() -> None:
    assert [counted(number) for number in (1, 2, 20)] == ["1 call", "2 calls", "20 calls"]


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("Approve refund of 480.00 EUR", "Approve refund of 480.00 EUR"),
        ("Delete user bob@example.com", "Approve: delete user bob@example.com"),
        ("PUT it there", "Approve: PUT it there"),
        ("Approved by security", "Approve: approved by security"),
    ],
)
def test_the_label_of_a_yes_reads_as_one_and_names_its_effect(words: str, label: str) -> None:
    assert consenting(words) == label
