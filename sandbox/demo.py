"""What the people of the shop ask for on the demo's day: goals in their own words, none of them naming an operation."""

from __future__ import annotations

from typing import Final

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
)
"""The first is the journey that the demo opens with. The seventh fails at its second half: Lisbon has no rooms."""

SAGA: Final = GOALS[6]
"""A flight is booked, the hotel is full, the flight is cancelled."""
