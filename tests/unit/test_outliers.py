"""What stands out among like values, and what does not."""

import pytest

from approvals.reading.outliers import far_numbers, long_texts, rare_hosts, rare_values, repeated


def test_a_number_far_from_the_middle_stands_out_with_how_far() -> None:
    found = far_numbers(["8.00", "9.00", "7.50", "8.20", "48.00"], "EUR")
    assert found == {4: "5.9 times the middle of these, 8.20 EUR"}


def test_a_number_far_below_stands_out_too() -> None:
    assert far_numbers(["100", "104", "98", "101", "3"]) == {4: "Far below the middle of these, 100"}


@pytest.mark.parametrize(
    "values",
    [
        ["3", "4", "2", "5", "3"],
        ["1", "2"],
        ["1", "2", "900", None],
        ["1", "2", "x"],
        ["0", "0", "9"],
        ["-5", "-4", "100"],
        ["1e400", "NaN", "3"],
    ],
)
def test_numbers_that_are_near_too_few_or_none_stand_out_nowhere(values: list[str | None]) -> None:
    assert far_numbers(values) == {}


def test_among_equal_numbers_only_three_times_as_much_stands_out() -> None:
    assert far_numbers(["8", "8", "8", "20"]) == {}
    assert far_numbers(["8", "8", "8", "24"]) == {3: "3 times the middle of these, 8"}


def test_the_one_value_that_is_not_the_common_one_stands_out() -> None:
    assert rare_values(["editor"] * 5 + ["admin"]) == {5: "The only one with “admin”; 5 have “editor”"}


@pytest.mark.parametrize("values", [["a", "b", "c", "d"], ["a", "a", "b"], ["a", "a", "b", "b"], []])
def test_where_no_value_is_common_or_few_are_there_none_is_rare(values: list[str]) -> None:
    assert rare_values(values) == {}


def test_the_one_address_elsewhere_stands_out_whatever_its_case() -> None:
    values = ["a@shop.example", "b@Shop.Example", "c@shop.example", "d@shop.exarnple.net"]
    assert rare_hosts(values) == {3: "The only one at shop.exarnple.net; 3 are at shop.example"}
    assert rare_hosts(["a@shop.example", "@shop.example", "plain", "b@c d.example"]) == {}


def test_a_text_far_longer_than_the_others_stands_out_and_a_short_one_never() -> None:
    assert long_texts(["short", "short too", "x" * 130]) == {2: "Far longer than the others: 130 characters"}
    assert long_texts(["a", "b", "x" * 100]) == {}
    assert long_texts(["x" * 200, "x" * 210, "x" * 220]) == {}


def test_the_same_row_again_names_the_first() -> None:
    assert repeated(["a", "b", "a", "a"]) == {2: 0, 3: 0}
