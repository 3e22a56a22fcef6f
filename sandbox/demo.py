"""What the people of the shop ask for on the demo's day: goals in their own words, none of them naming an operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

GOALS: Final = (
    "Refund order 1009, the kettle arrived broken, and tell the customer",
    "Tell the customer of order 1009 that it is delayed until Friday",
    "Reserve 3 units of sku KTL-1",
    "Pay invoice INV-203",
    "Show me order 1009",
    "Refund order 1013, the gift wrapping was forgotten",
    "Book a flight for Priya Raman to Lisbon on 3 December, then book a hotel in Lisbon for 2 nights from 3 December",
    "Book a hotel in Lyon for 2 nights from 3 December",
    "Create a user for bob@example.com as editor",
    "Open a ticket: Spare lids for the kettle are asked for again",
    "Reply to ticket T-301: we have asked the carrier and will write again on Friday",
    "Close ticket T-302",
    "Find contact Ines Duarte",
    "Cancel refund RF-4001",
    "Release reservation RS-4001",
    "Cancel event E-401",
    "Delete user U-12",
    "Tell the customer of order 1008 that it leaves the warehouse today",
)
"""The first is the journey that the demo opens with. The seventh fails at its second half: Lisbon has no rooms."""

SAGA_AT: Final = 6
SAGA: Final = GOALS[SAGA_AT]
"""A flight is booked, the hotel is full, the flight is cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One goal of the day that has been before the first visitor comes, and what a reviewer said to it."""

    goal: str
    said: Literal["approve", "reject", ""] = ""
    """Empty: nobody has said anything yet, or nobody was asked."""
    why: str = ""
    answer_lost: bool = False
    """The office does what was approved, and its answer never arrives."""
    taken_back: str = ""
    """Why whoever asked for it wants it taken back once the run has ended; empty where they do not."""


DAY: Final = (
    Errand(goal=GOALS[1], said="approve", why="The carrier's notice says Friday."),
    Errand(goal=GOALS[2], said="approve", why="There are enough in the warehouse."),
    Errand(goal=GOALS[4]),
    Errand(
        goal=SAGA,
        said="approve",
        why="The trip is in the budget.",
        taken_back="Without a room the flight is of no use.",
    ),
    Errand(goal=GOALS[9], said="approve", why="The third customer who asks."),
    Errand(goal=GOALS[10], said="approve", why="This is what the carrier told us.", answer_lost=True),
    Errand(goal=GOALS[11], said="approve", why="The tray was replaced."),
    Errand(goal=GOALS[12]),
    Errand(goal=GOALS[13], said="reject", why="The scratch was ours: the customer keeps the money."),
    Errand(goal=GOALS[14], said="approve", why="The order was cancelled."),
    Errand(goal=GOALS[16]),
    Errand(goal=GOALS[15]),
    Errand(goal=GOALS[8]),
    Errand(goal=GOALS[7]),
    Errand(goal=GOALS[17]),
    Errand(goal=GOALS[3]),
    Errand(goal=GOALS[5]),
)
"""Done, failed and taken back, rejected, unknown; the reading ones ask nobody; the last seven wait. The first goal is
left for whoever tries the demo."""
