"""What a tool says beforehand is bounded and spelled out before it is kept, and its digest is over all that it said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tools.previews import (
    ELSE,
    LARGEST,
    LONGEST_NAME,
    LONGEST_VALUE,
    MOST_RECORDS,
    MOST_RESTS,
    Preview,
    PreviewState,
    change,
    differences,
    identifiers,
    told,
)

SAID = Preview.done("Cancels it", change("Status", "open", "cancelled"), affected=1, preconditions={"a": {"b": [1, 2]}})


def test_a_preview_is_kept_as_rows_and_its_digest() -> None:
    kept = told(replace(SAID, records={"order": "Desk", "other": None}))
    assert kept.state is PreviewState.DONE
    assert kept.content == {
        "text": "Cancels it",
        "affected": 1,
        "changes": [{"label": "Status", "before": "open", "after": "cancelled"}],
        "more": 0,
        "records": [{"path": "order", "name": "Desk"}, {"path": "other", "name": None}],
        "rests": [["a.b[0]", "1"], ["a.b[1]", "2"]],
    }
    assert kept.digest.startswith("sha256:")


@pytest.mark.parametrize(
    "other",
    [
        replace(SAID, affected=2),
        replace(SAID, preconditions={"a": {"b": [1, 3]}}),
        replace(SAID, effect=(change("Status", "shut", "cancelled"),)),
        replace(SAID, effect=(change("Status", "open", "held"),)),
        replace(SAID, records={"order": "Desk"}),
        replace(SAID, effect=(*SAID.effect, change("More", 1, 2))),
    ],
)
def test_whatever_is_told_otherwise_is_another_preview_and_the_difference_has_a_name(other: Preview) -> None:
    assert told(other).digest != told(SAID).digest
    assert differences(told(SAID).content, told(other).content)[0]["label"] != ELSE


def test_another_sentence_is_no_other_preview() -> None:
    assert told(replace(SAID, text="As of 12:00 this cancels it")).digest == told(SAID).digest


def test_a_difference_beyond_what_is_kept_is_found_as_well() -> None:
    long = "x" * 2 * LONGEST_VALUE
    one, other = (told(replace(SAID, preconditions={"note": f"{long}{end}"})) for end in "ab")
    assert one.content == other.content
    assert one.digest != other.digest
    assert differences(one.content, other.content)[0]["label"] == ELSE


@pytest.mark.parametrize(
    "said",
    [
        replace(SAID, preconditions={"a": float("nan")}),
        replace(SAID, preconditions={"a": "\ud800"}),
        replace(SAID, preconditions={"a": object()}),
        replace(SAID, preconditions={"a": "x" * LARGEST}),
        replace(SAID, preconditions=2**60),
        replace(SAID, effect=({"label": "no before"},)),
        replace(SAID, affected=-1),
        replace(SAID, affected=True),
        replace(SAID, effect="nothing of the kind"),
        {"text": "not even a preview"},
        None,
    ],
)
def test_what_cannot_be_kept_is_a_preview_that_failed(said: Any) -> None:
    kept = told(said)
    assert (kept.state, kept.digest, bool(kept.content["text"])) == (PreviewState.FAILED, "", True)


def test_a_tower_of_lists_is_no_preview() -> None:
    tower: Any = []
    for _ in range(100_000):
        tower = [tower]
    assert told(replace(SAID, preconditions=tower)).state is PreviewState.FAILED


def test_names_and_values_are_bounded_and_odd_characters_are_spelled_out() -> None:
    kept = told(
        replace(
            SAID,
            records={f"r{index}": "n\u202e" * 500 for index in range(50)},
            preconditions={f"p{index}": "v" * 999 for index in range(80)},
        )
    ).content
    records: Any = kept["records"]
    rests: Any = kept["rests"]
    assert (len(records), len(rests)) == (MOST_RECORDS, MOST_RESTS)
    assert all("⟨U+202E⟩" in one["name"] and len(one["name"]) < LONGEST_NAME + 30 for one in records)
    assert all(len(value) < LONGEST_VALUE + 30 for _, value in rests)


def test_identifiers_are_found_in_lists_and_objects_and_nothing_else_is_one() -> None:
    arguments: Any = {
        "order": "A-1", "flag": True, "parts": [{"sku": 7}, {"sku": "b"}, {"other": 1}], "none": None,
        "many": [str(number) for number in range(90)],
    }  # fmt: skip
    found = list(identifiers(arguments, ["order", "flag", "parts.sku", "none", "missing"]))
    assert found == [("order", "order", "A-1"), ("parts.sku", "parts[0].sku", "7"), ("parts.sku", "parts[1].sku", "b")]
    assert len(list(identifiers(arguments, ["many"]))) == MOST_RECORDS
