"""When a tool asks to be called again: read in both spellings, never for longer than we are ready to wait."""

from __future__ import annotations

import pytest

from tools.connectors.http_table import LONGEST_WAIT, classify, retry_after
from tools.contract import OutcomeStatus
from tools.wire import Answer

NOON = {"date": "Fri, 20 Nov 2026 12:00:00 GMT"}


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("3", 3.0),
        (" 3 ", 3.0),
        ("0", 1.0),
        ("99999", LONGEST_WAIT),
        ("9" * 5000, LONGEST_WAIT),
        ("Fri, 20 Nov 2026 12:00:30 GMT", 30.0),
        ("Friday, 20-Nov-26 12:00:30 GMT", 30.0),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 1.0),
        ("Sat, 20 Nov 2027 12:00:00 GMT", LONGEST_WAIT),
        ("", None),
        ("-3", None),
        ("3.5", None),
        ("soon", None),
        ("٣", None),
        ("Fri, 99 Nov 2026 12:00:30 GMT", None),
        ("Fri, 20 Nov 99999999999 12:00:30 GMT", None),
    ],
)
def test_seconds_and_dates_are_read_and_capped(said: str, seconds: float | None) -> None:
    assert retry_after({**NOON, "retry-after": said}) == seconds


def test_without_a_date_of_its_own_the_answer_counts_from_now() -> None:
    assert retry_after({"retry-after": "Fri, 20 Nov 2020 12:00:00 GMT"}) == 1.0
    assert retry_after({"retry-after": "Fri, 20 Nov 2099 12:00:00 GMT", "date": "never"}) == LONGEST_WAIT


@pytest.mark.parametrize(
    ("status", "how", "outcome"),
    [
        (429, {}, OutcomeStatus.FAILED),
        (429, {"keyed": True, "attempt": 2}, OutcomeStatus.UNCERTAIN),
        (429, {"keyed": True, "attempt": 2, "clean": True}, OutcomeStatus.FAILED),
        (503, {}, OutcomeStatus.UNCERTAIN),
        (503, {"keyed": True, "attempt": 2, "clean": True}, OutcomeStatus.UNCERTAIN),
        (503, {"read": True}, OutcomeStatus.FAILED),
        (409, {"keyed": True, "attempt": 2}, OutcomeStatus.UNCERTAIN),
    ],
)
def test_what_is_known_does_not_depend_on_the_time_that_was_asked_for(
    status: int, how: dict[str, bool], outcome: OutcomeStatus
) -> None:
    found = classify(Answer(status, {"retry-after": "7"}, b""), **how)  # type: ignore[arg-type]
    assert found.status is outcome
    assert found.retry_after == (None if status == 409 else 7.0)
