"""That one person's flood leaves room for the others on the first page of the inbox. Pure.

The order stays what it is. Where most of a page is of one initiator, and others wait behind, so many of that one's rows
are shown as are a fair share, and the rest of them stand behind one line that leads to them. Nothing is left out of the
inbox, its counts or its later pages.
"""

import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Final

from approvals.models import Action

SHARE: Final = 12
"""Rows of one initiator on the first page, where others wait behind them."""
WINDOW: Final = 200
"""Rows among which others are looked for."""


def crowding(rows: Sequence[Action]) -> set[uuid.UUID]:
    """The initiators with more than their share of these rows."""
    return {one for one, number in Counter(row.initiator_id for row in rows).items() if number > SHARE}


def shared_out(rows: Sequence[Action], number: int) -> tuple[list[Action], dict[uuid.UUID, int]]:
    """The first so many rows of which no initiator has more than a share, in their order; and for the last shown row of
    each whose rows were passed over, how many that were.

    Where nobody else is among them, nothing is passed over.
    """
    crowd = crowding(rows[:number])
    if not crowd or all(row.initiator_id in crowd for row in rows[number:]):
        return list(rows[:number]), {}
    shown: list[Action] = []
    had: Counter[uuid.UUID] = Counter()
    passed: Counter[uuid.UUID] = Counter()
    last: dict[uuid.UUID, uuid.UUID] = {}
    for row in rows:
        if len(shown) == number:
            break
        if row.initiator_id in crowd and had[row.initiator_id] >= SHARE:
            passed[row.initiator_id] += 1
            continue
        had[row.initiator_id] += 1
        last[row.initiator_id] = row.pk
        shown.append(row)
    return shown, {last[who]: number_of for who, number_of in passed.items()}
