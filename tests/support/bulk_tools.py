"""A tool of which many calls are alike, for the tests of deciding on several at once; `take_odd` takes it back.

Loaded through LAM_TOOLS. The world is the notes, as for the other tools of the tests. ``tests.support.tools.ORDERS``
make a call ``wait``, ``refuse`` or ``break``.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from tests.support.tools import ORDERS
from tools.connecting import Call, ToolFailed
from tools.connectors.python import tool
from tools.contract import Idempotency, Tier
from tools.models import Note
from traces.canonical import JSON

if TYPE_CHECKING:
    from approvals.models import Action
    from tests.support.world import World

INSIDE, GO_ON = threading.Event(), threading.Event()
"""A call that is told to ``wait`` says that it has begun, and goes on when it is let."""
SECONDS = 60
NAMES = ("ana", "ben", "caro", "dee", "eli", "fay", "gus", "hana", "ivo", "jo", "kim", "leo")


class Reserved(BaseModel):
    """What is put aside, how much of it, and for whom."""

    article: str = Field(title="Article", min_length=1, max_length=40, description="As on the shelf")
    units: int = Field(title="Units", ge=1, le=100_000, description="Whole pieces")
    mail: str = Field(title="For whom", min_length=1, max_length=100, description="A mailbox")
    note: str = Field(default="Until Friday", title="Remark", max_length=2000, description="Kept beside it")


@tool(
    title="Reserve stock",
    tier=Tier.WRITE,
    idempotency=Idempotency.keyed(600),
    summary="Reserve {units} of {article} for {mail}",
    consent="Reserve {units} of {article}",
    reversible=True,
    inverse="take_odd",
    inverse_arguments={"receipt": "receipt"},
)
def reserve_odd(arguments: Reserved, call: Call) -> dict[str, JSON]:
    """Xylograph reserve."""
    order = ORDERS.popleft() if ORDERS else ""
    if order == "wait":
        INSIDE.set()
        GO_ON.wait(SECONDS)
    if order == "refuse":
        raise ToolFailed("There is nothing left of it on the shelf.")
    if order == "break":
        raise ConnectionResetError
    if not Note.objects.filter(about=call.key).exists():
        Note.objects.create(organization=call.organization, about=call.key, text=f"reserved {arguments.article}")
    return {"receipt": call.key}


def reserving(world: World, name: str = "ana", units: int = 3, **more: Any) -> Action:
    """A call that waits: so many kettles for a customer of this name."""
    arguments = {"article": "KTL-1", "units": units, "mail": f"{name}@shop.example", **more}
    return world.staged("reserve_odd", arguments)


def several(world: World, number: int = 4) -> list[Action]:
    """So many calls that are alike, none of which stands out."""
    return [reserving(world, NAMES[n % 12] + "x" * (n // 12), 2 + n % 3) for n in range(number)]
