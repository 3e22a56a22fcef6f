"""What the office does, one module an area: its records, its operations, and what is there on the first day."""

from sandbox.office import (
    balances,
    calendar,
    campaigns,
    effects,
    inventory,
    invoices,
    orders,
    people,
    records,
    tickets,
    travel,
)
from sandbox.operations import OPERATIONS
from sandbox.store import Store

__all__ = ["OPERATIONS", "furnish"]

AREAS = (people, orders, inventory, invoices, balances, effects, travel, tickets, calendar, campaigns, records)
"""Importing them declares their operations: whoever needs OPERATIONS takes it from here."""


def furnish(store: Store) -> None:
    """Put the first day's records there. Inside a transaction."""
    for area in (people, orders, inventory, invoices, travel, tickets, calendar, records):
        area.furnish(store)
