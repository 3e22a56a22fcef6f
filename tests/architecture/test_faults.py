"""The table of faults names tests that exist, and every numbered test of a fault stands in its row."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ROWS = re.findall(r"(?m)^\| (F\d\d[^|]*) \|(.*)$", (PROJECT / "docs" / "faults.md").read_text(encoding="utf-8"))
NAMED = re.compile(r"`(test_\w+)`")
NUMBERED = re.compile(r"def (test_(?:f\d\d_)+\w+)\(")
SHOWN_BY_NO_TEST = {"F36", "F37", "F42"}
"""Their rows, and the last section, say why."""


def _every_test() -> set[str]:
    """The name of every test."""
    files = (PROJECT / "tests").rglob("test_*.py")
    return {name for file in files for name in re.findall(r"def (test_\w+)\(", file.read_text(encoding="utf-8"))}


def numbers(text: str) -> set[str]:
    """The faults that a row's first cell, or a test's name, is about."""
    return {number.upper() for number in re.findall(r"[Ff]\d\d", text)}


def test_every_fault_has_its_row() -> None:
    found = [number for head, _ in ROWS for number in sorted(numbers(head))]
    assert found == [f"F{number:02}" for number in range(1, 43)]


def test_every_test_that_the_table_names_exists() -> None:
    named = {name for _, row in ROWS for name in NAMED.findall(row)}
    assert named - _every_test() == set()


def test_every_row_names_a_test_of_its_number_or_says_that_there_is_none() -> None:
    by_number = {number for head, row in ROWS for name in NAMED.findall(row) for number in numbers(name)}
    every = {f"F{number:02}" for number in range(1, 43)}
    without = every - by_number - SHOWN_BY_NO_TEST
    assert without == {"F35"}  # shown in part, by the test of a mark that cannot be written


def test_a_numbered_test_is_about_faults_that_there_are() -> None:
    every = {f"F{number:02}" for number in range(1, 43)}
    for file in (PROJECT / "tests").rglob("test_*.py"):
        for name in NUMBERED.findall(file.read_text(encoding="utf-8")):
            head = re.match(r"test_((?:f\d\d_)+)", name)
            assert head is not None
            assert numbers(head[1]) <= every, name
