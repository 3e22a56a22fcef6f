"""Tools that say beforehand what they would do: a shelf of things with a state, which a call changes.

Loaded through LAM_TOOLS. ``SHELF`` is the world; a test changes it between two looks. ``ORDERS`` are for previews:
``refuse``, ``break``, ``write`` (which no preview may), ``hostile``, ``nonsense``. ``LOOKS`` and ``CALLS`` keep what
arrived.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from pydantic import BaseModel, Field

from tools.connecting import Call, ToolFailed
from tools.connectors.python import tool
from tools.contract import Idempotency, Tier
from tools.models import Note
from tools.previews import Look, Preview, change
from traces.canonical import JSON

SHELF: dict[str, dict[str, JSON]] = {}
ORDERS: deque[str] = deque()
LOOKS: list[str] = []
CALLS: list[str] = []


def reset() -> None:
    """One thing on the shelf, and nothing asked or called yet."""
    SHELF.clear()
    SHELF["T-1"] = {"title": "Blue kettle", "state": "open", "version": 1}
    ORDERS.clear()
    LOOKS.clear()
    CALLS.clear()


class Thing(BaseModel):
    """Which thing."""

    thing: str = Field(title="Thing", min_length=1, max_length=50, description="Zyzzyva number")


HOSTILE = "<script>alert(1)</script>\u202e\u200b" + "x" * 5_000


@tool(
    title="Shut thing",
    tier=Tier.WRITE,
    idempotency=Idempotency.keyed(600),
    summary="Shut {thing}",
    consent="Shut it",
    reversible=True,
)
def shut_thing(arguments: Thing, call: Call) -> dict[str, JSON]:
    """Zyzzyva shutting."""
    CALLS.append(arguments.thing)
    SHELF[arguments.thing]["state"] = "shut"
    return {"shut": True}


@shut_thing.previewing
def what_shutting_does(arguments: Thing, asked: Look) -> Any:
    """The thing's state now."""
    LOOKS.append(arguments.thing)
    order = ORDERS.popleft() if ORDERS else ""
    if order == "refuse":
        raise ToolFailed("It is nailed shut.")
    if order == "break":
        raise ConnectionResetError
    if order == "write":
        Note.objects.create(organization=asked.organization, text="a preview wrote this")
    if order == "hostile":
        rows = [change(f"{i}{HOSTILE[:200]}", HOSTILE[:400], HOSTILE[:400]) for i in range(100)]
        return Preview.done(HOSTILE, *rows, preconditions={f"{i}{HOSTILE}": HOSTILE for i in range(3)})
    if order == "nonsense":
        return {"text": "no preview at all"}
    found = SHELF[arguments.thing]
    return Preview.done(
        f"Shuts {found['title']}",
        change("State", found["state"], "shut"),
        affected=1,
        preconditions={"version": found["version"]},
    )


@shut_thing.lookup("thing", "thing")
def title_of(identifier: str, asked: Look) -> str | None:
    """What the thing is called."""
    found = SHELF.get(identifier)
    return None if found is None else str(found["title"])


@tool(
    title="Dust thing",
    tier=Tier.WRITE,
    idempotency=Idempotency.keyed(600),
    summary="Dust {thing}",
    consent="Dust it",
    reversible=True,
)
def dust_thing(arguments: Thing, call: Call) -> dict[str, JSON]:
    """Zyzzyva dusting."""
    CALLS.append(arguments.thing)
    return {"dusted": True}


@dust_thing.lookup("thing", "thing")
def name_of(identifier: str, asked: Look) -> str | None:
    """What the thing is called, where anybody can be asked."""
    LOOKS.append(identifier)
    if ORDERS and ORDERS.popleft() == "break":
        raise ConnectionResetError
    return title_of(identifier, asked)
