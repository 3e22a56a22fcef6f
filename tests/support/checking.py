"""A tool whose effect can be looked for after the call: a drawer that sometimes does not keep what is laid into it.

``ORDERS`` are taken one a call or check: ``lose`` (the call says done and keeps nothing), ``break`` (the check cannot
be asked), ``write`` (a check that tries to change something).
"""

from __future__ import annotations

from collections import deque

from pydantic import BaseModel, Field

from tools.connecting import Call
from tools.connectors.python import Result, tool
from tools.contract import Idempotency, Tier
from tools.models import Note
from tools.verifying import Verified

DRAWER: set[str] = set()
ORDERS: deque[str] = deque()
CALLS: list[str] = []
CHECKS: list[str] = []


def reset() -> None:
    """An empty drawer, and nothing called or checked yet."""
    for kept in (DRAWER, ORDERS, CALLS, CHECKS):
        kept.clear()


class Thing(BaseModel):
    """What is laid in."""

    thing: str = Field(title="Thing", min_length=1, max_length=50, description="Zyzzyva number")


@tool(title="Keep thing", tier=Tier.WRITE, idempotency=Idempotency.keyed(600), summary="Keep {thing}", consent="Keep")
def keep_thing(arguments: Thing, call: Call) -> Result:
    """Zyzzyva keeping."""
    CALLS.append(call.key)
    if ORDERS and ORDERS[0] == "lose":
        ORDERS.popleft()
    else:
        DRAWER.add(arguments.thing)
    return {"kept": arguments.thing}


@keep_thing.verifying
def is_it_there(arguments: Thing, call: Call, answer: Result) -> Verified:
    """Look into the drawer."""
    CHECKS.append(str(answer["kept"]))
    order = ORDERS.popleft() if ORDERS else ""
    if order == "break":
        raise ConnectionResetError
    if order == "write":
        Note.objects.create(organization=call.organization, about="check", text="written by a check")
    if arguments.thing in DRAWER:
        return Verified.held("It lies on top.")
    return Verified.missing("The drawer is empty.\u202e<b>")
