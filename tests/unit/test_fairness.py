"""A page of the inbox is shared out, and nothing is lost by it."""

from __future__ import annotations

import uuid

from approvals.models import Action
from approvals.reading.fairness import SHARE, shared_out

FLOOD, OTHER = uuid.uuid4(), uuid.uuid4()


def row(whose: uuid.UUID) -> Action:
    """A row of this initiator."""
    return Action(id=uuid.uuid4(), initiator_id=whose)


def test_a_flood_has_its_share_and_the_others_stand_on_the_first_page() -> None:
    rows = [row(FLOOD) for _ in range(100)] + [row(OTHER) for _ in range(5)]
    shown, passed = shared_out(rows, 51)
    assert [one.initiator_id for one in shown] == [FLOOD] * SHARE + [OTHER] * 5
    assert passed == {rows[SHARE - 1].pk: 100 - SHARE}


def test_the_order_stays_what_it_is() -> None:
    rows = [row(OTHER), *(row(FLOOD) for _ in range(80)), row(OTHER)]
    shown, _ = shared_out(rows, 51)
    assert shown == [rows[0], *rows[1 : SHARE + 1], rows[-1]]


def test_whoever_is_alone_has_the_whole_page() -> None:
    rows = [row(FLOOD) for _ in range(100)]
    assert shared_out(rows, 51) == (rows[:51], {})


def test_a_page_without_a_flood_is_left_alone() -> None:
    rows = [row(uuid.uuid4()) for _ in range(100)]
    assert shared_out(rows, 51) == (rows[:51], {})
