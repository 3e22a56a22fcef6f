"""Where a value stands in the arguments, and what of it is an exact number."""

from decimal import Decimal
from typing import Any

import pytest

from approvals.policy.values import EXACT, MISSING, amount_in, amount_problem, currency_in, number, values_at


@pytest.mark.parametrize(
    ("arguments", "path", "values"),
    [
        ({"a": 1}, "a", [1]),
        ({"a": {"b": 1}}, "a.b", [1]),
        ({"a": [{"b": 1}, {"b": [2, 3]}]}, "a.b", [1, 2, 3]),
        ({"a": [1, [2]]}, "a", [1, 2]),
        ({"a": None}, "a", [MISSING]),
        ({"a": []}, "a", [MISSING]),
        ({"a": [None, 1]}, "a", [MISSING, 1]),
        ({"a": 1}, "a.b", [MISSING]),
        ({}, "a", [MISSING]),
        (None, "a", [MISSING]),
    ],
)
def test_a_path_finds_every_value_and_what_is_missing(arguments: Any, path: str, values: list[Any]) -> None:
    assert list(values_at(arguments, path)) == values


@pytest.mark.parametrize(
    ("value", "exact"),
    [
        (5, "5"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        ("0.10", "0.10"),
        ("+5", "5"),
        ("-5e2", "-500"),
        (True, None),
        ("five", None),
        ("1_0", None),
        ("٣", None),
        ("1,5", None),
        (" 1", None),
        ("1\n", None),
        ("NaN", None),
        ("1e99999", None),
        ("1" * 81, None),
        (None, None),
        ([1], None),
    ],
)
def test_only_what_is_plainly_a_number_is_one(value: Any, exact: str | None) -> None:
    assert number(value) == (None if exact is None else Decimal(exact))


@pytest.mark.parametrize(
    ("arguments", "amount"),
    [
        ({"amount": "99.50"}, "99.50"),
        ({"amount": 99.5}, "99.5"),
        ({"amount": "1e2"}, "100"),
        ({"amount": None}, None),
        ({}, None),
        ({"amount": ["1", "2"]}, "2 values"),
        ({"amount": "ten"}, "ten"),
        ({"amount": {"value": 1}}, '{"value":1}'),
        ({"amount": True}, "true"),
    ],
)
def test_an_amount_is_read_from_the_argument_that_the_tool_names(arguments: Any, amount: str | None) -> None:
    assert amount_in(arguments, "amount") == amount
    assert amount_in(arguments, "") is None


@pytest.mark.parametrize(
    ("arguments", "currency"),
    [({"in": "eur"}, "EUR"), ({"in": "Euro"}, ""), ({"in": 7}, ""), ({}, ""), ({"in": ["EUR", "USD"]}, "")],
)
def test_a_currency_is_the_tools_own_or_an_argument(arguments: Any, currency: str) -> None:
    assert currency_in(arguments, "", "in") == currency
    assert currency_in(arguments, "CHF", "") == "CHF"
    assert currency_in(arguments, "CHF", "in") == currency, "where an argument names it, nothing else does"


def test_no_sum_of_amounts_is_rounded() -> None:
    largest, smallest = "99999999999999999999", "0.000000000000000001"
    assert (amount_problem(largest), amount_problem(smallest)) == ("", "")
    assert f"{EXACT.add(Decimal(largest), Decimal(smallest)):f}" == f"{largest}.000000000000000001"
    assert amount_problem(largest + "0")
    assert amount_problem("0.0000000000000000001")
