"""Every argument has a row of its own, however its name is written."""

from approvals.reading.differences import changed
from approvals.reading.shown import arguments

LONG = "All is well." + "\n" * 2000 + "rm"
TWICE = {"body": {"a": {"b": f"1{LONG}"}, "a.b": f"2{LONG}", "a.b (2)": f"3{LONG}"}}


def test_t43_no_folded_value_hides_behind_another_one_that_is_written_alike() -> None:
    rows = arguments(TWICE, None)
    assert all(row.folded for row in rows)
    assert [(row.path, row.text[0]) for row in rows] == [
        ("body.a.b", "1"),
        ("body.a.b (3)", "2"),
        ("body.a.b (2)", "3"),
    ]


def test_a_change_of_either_of_two_that_are_written_alike_is_told() -> None:
    after = {"body": {**TWICE["body"], "a": {"b": "short"}}}
    assert [(one.was[:1], one.now) for one in changed(TWICE, after, None)] == [("1", "short")]
