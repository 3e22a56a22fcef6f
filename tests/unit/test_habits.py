"""What tells a stamp from a reader, by stated thresholds; and that it tells nobody else apart."""

from __future__ import annotations

import random

import pytest

from approvals.habits import LEAST, NEVER, TOGETHER, Habit, Judgement, habit, hasty, more_than_half, reading_seconds

LENGTH = 400


def stamp(seconds: float | None = 1.0, **more: object) -> Judgement:
    """A yes after so many seconds, of a card of the usual length."""
    return Judgement(True, seconds, LENGTH, **more)  # type: ignore[arg-type]


def newest_first(said: list[Judgement]) -> Habit:
    """The habit in decisions that were made in this order."""
    return habit(reversed(said))


def honest(chance: random.Random) -> Judgement:
    """Somebody who reads for a while, says no to one in twenty, and finds nine of ten canaries."""
    canary = chance.random() < 0.02
    no = chance.random() < (0.9 if canary else 0.05)
    return Judgement(not no, reading_seconds(LENGTH) * chance.lognormvariate(0.9, 0.7), LENGTH, canary=canary)


def test_t52_a_person_who_approves_everything_in_a_second_is_flagged_within_fifty_decisions() -> None:
    said: list[Judgement] = []
    while not newest_first(said).flagged:
        said.append(stamp())
    assert len(said) == LEAST <= 50


def test_t52_nor_does_it_help_to_send_the_form_without_the_card() -> None:
    assert newest_first([stamp(None)] * LEAST).patterns == ("hasty",)


@pytest.mark.parametrize("seed", range(40))
def test_t52_an_honest_reviewer_is_flagged_at_no_moment_of_five_hundred_decisions(seed: int) -> None:
    chance = random.Random(seed)
    said: list[Judgement] = []
    for _ in range(500):
        said.append(honest(chance))
        assert newest_first(said[-500:]).patterns == ()


def test_some_fast_approvals_are_nobodys_pattern() -> None:
    assert newest_first([stamp(1.0)] * 25 + [stamp(60.0)] * 25).patterns == ()
    assert "hasty" in newest_first([stamp(1.0)] * 33 + [stamp(60.0)] * 17).patterns


def test_below_twenty_approvals_nothing_is_said_about_haste() -> None:
    assert not newest_first([stamp()] * (LEAST - 1)).flagged


def test_what_was_fast_long_ago_is_forgiven() -> None:
    assert not newest_first([stamp(1.0)] * 200 + [stamp(60.0)] * 50).flagged


def test_a_slow_stamp_is_found_by_four_canaries_and_not_by_three() -> None:
    slow = [stamp(90.0)] * 40
    assert newest_first(slow + [stamp(90.0, canary=True)] * 3).patterns == ()
    assert newest_first(slow + [stamp(90.0, canary=True)] * 4).patterns == ("canaries",)


def test_one_canary_says_enough_where_half_of_the_approvals_are_faster_than_reading() -> None:
    half = [stamp(1.0), stamp(60.0)] * 6
    assert newest_first(half).patterns == ()
    assert newest_first([*half, stamp(1.0, canary=True)]).patterns == ("never_no",)


def test_never_a_no_is_remarkable_only_where_a_canary_was_let_through() -> None:
    reads = [stamp(60.0)] * NEVER
    assert newest_first(reads).patterns == ()
    assert newest_first([*reads, stamp(60.0, canary=True)]).patterns == ("never_no",)
    a_no = Judgement(False, 60.0, LENGTH)
    assert newest_first([*reads, a_no, stamp(60.0, canary=True)]).patterns == ()


def test_opening_none_of_twenty_folded_values_is_told_and_opening_one_is_enough() -> None:
    closed = stamp(60.0, folds=2)
    assert newest_first([closed] * LEAST).patterns == ("unopened",)
    assert newest_first([*[closed] * LEAST, stamp(60.0, folds=2, opened=1)]).patterns == ()


def test_what_was_decided_in_a_table_has_no_time_of_its_own_and_its_canaries_count() -> None:
    table = [stamp(None, among=10)] * 60
    assert newest_first(table).patterns == ()
    assert newest_first([*table, *[stamp(None, among=10, canary=True)] * 4]).patterns == ("canaries",)
    assert newest_first(table).together == 60


def press(rows: int, seconds: float, among: int = 0) -> list[Judgement]:
    """One press in a table, on so many rows."""
    return [stamp(seconds, among=among or rows)] * rows


@pytest.mark.parametrize(("rows", "found"), [(1, 20), (2, 20), (3, 21), (5, 20), (10, 40)])
def test_t52_whoever_stamps_in_tables_is_flagged_within_fifty_decisions(rows: int, found: int) -> None:
    said: list[Judgement] = []
    while not newest_first(said).flagged:
        said += press(rows, 0.5 + len(said) / 1000)
    assert len(said) == found <= 50
    assert newest_first(said).patterns == ("hasty",)


@pytest.mark.parametrize("seed", range(20))
def test_t52_an_honest_reviewer_of_tables_is_flagged_at_no_moment(seed: int) -> None:
    chance = random.Random(seed)
    said: list[Judgement] = []
    for _ in range(100):
        said += press(chance.randint(1, 50), reading_seconds(LENGTH) * chance.lognormvariate(0.9, 0.7))
        assert newest_first(said[-500:]).patterns == ()


def test_one_press_on_a_whole_table_says_nothing_however_fast() -> None:
    assert newest_first(press(50, 0.5)).patterns == ()
    assert newest_first(press(50, 0.5)).approvals == TOGETHER


def test_folds_are_nothing_that_a_table_has() -> None:
    assert newest_first([stamp(60.0, folds=2, among=1)] * LEAST).patterns == ()


def test_a_no_is_never_hasty_and_a_long_card_takes_longer_to_read() -> None:
    assert not hasty(Judgement(False, 0.1, LENGTH))
    assert hasty(stamp(7.0))
    assert not hasty(Judgement(True, 7.0, 100))
    assert reading_seconds(10**6) == 20.0


@pytest.mark.parametrize(("part", "whole", "says"), [(4, 4, True), (3, 3, False), (15, 20, True), (14, 20, False)])
def test_more_than_half_means_beyond_chance(part: int, whole: int, says: bool) -> None:
    assert more_than_half(part, whole) is says


def test_somebody_who_decided_nothing_has_no_habit() -> None:
    assert habit([]) == Habit(0, 0, 0, 0, 0, 0, 0, None, 0, 0, ())
