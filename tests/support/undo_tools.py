"""Tools that can be taken back, for the tests of undoing: `put_odd` by `take_odd`, `lend_odd` by nothing.

Loaded through LAM_TOOLS. The world is the notes: a thing that is put is a note, and taking it writes "taken" beside it.
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from tests.support.tools import ORDERS
from tools.connecting import Call, ToolFailed
from tools.connectors.python import tool
from tools.contract import Idempotency, Tier
from tools.models import Note
from traces.canonical import JSON


class Thing(BaseModel):
    """What is put somewhere."""

    thing: str = Field(title="Thing", min_length=1, max_length=100, description="Zyzzyva")


class Taken(BaseModel):
    """What is taken away again."""

    receipt: str = Field(title="Receipt", min_length=1, max_length=100, description="Zyzzyva")


def _note(call: Call, text: str) -> str:
    """Write once a key; the key."""
    if ORDERS and ORDERS[0] == "refuse":
        ORDERS.popleft()
        raise ToolFailed("It is closed today.")
    if not Note.objects.filter(about=call.key).exists():
        Note.objects.create(organization=call.organization, about=call.key, text=text)
    return call.key


@tool(
    title="Put",
    tier=Tier.WRITE,
    idempotency=Idempotency.keyed(600),
    summary="Put {thing}",
    consent="Put it",
    reversible=True,
    inverse="take_odd",
    inverse_arguments={"receipt": "receipt"},
)
def put_odd(arguments: Thing, call: Call) -> dict[str, JSON]:
    """Xylograph put."""
    return {"receipt": _note(call, f"put {arguments.thing}")}


@tool(title="Take", tier=Tier.WRITE, idempotency=Idempotency.keyed(600), summary="Take {receipt}", consent="Take it")
def take_odd(arguments: Taken, call: Call) -> dict[str, JSON]:
    """Xylograph take."""
    _note(call, f"taken {arguments.receipt}")
    return {"taken": True}


@tool(title="Lend", tier=Tier.WRITE, idempotency=Idempotency.keyed(600), summary="Lend {thing}", consent="Lend it")
def lend_odd(arguments: Thing, call: Call) -> dict[str, JSON]:
    """Xylograph lend."""
    return {"receipt": _note(call, f"lent {arguments.thing}")}
