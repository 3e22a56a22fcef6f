"""Three tools, one of each idempotency class, whose effects lie outside of the product: lines of a file.

The file stands for the world. Each line is one effect that was applied: the key, and the process that called. A test
leaves an *order* beside it, which the next call takes and obeys: to die or to wait, before or after its effect.
Loaded through LAM_TOOLS.
"""

import os
from pathlib import Path
from typing import Any

from celery.signals import task_postrun
from pydantic import BaseModel, Field

from tests.support.outside import World
from tools.connecting import Call
from tools.connectors.python import tool
from tools.contract import Idempotency, Tier
from traces.canonical import JSON

NAMES = ("chaos_keyed", "chaos_queryable", "chaos_neither")


class Thing(BaseModel):
    """What is done."""

    text: str = Field(title="Text", min_length=1, max_length=200, description="Anything")


def _world() -> World:
    return World(Path(os.environ["CHAOS_WORLD"]))


@task_postrun.connect(weak=False)
def hear_nothing_more(**_: Any) -> None:
    """Where it was ordered, the process stands still between two tasks: it waits, and no message reaches it."""
    if "CHAOS_WORLD" in os.environ:
        _world().stand_still()


@tool(title="Keyed", tier=Tier.WRITE, idempotency=Idempotency.keyed(3600), summary="Do {text}", consent="Do it")
def chaos_keyed(arguments: Thing, call: Call) -> dict[str, JSON]:
    """Leave a line outside, once for each key."""
    _world().called(call.key, remembers=True)
    return {"left": True}


@tool(
    title="Queryable",
    tier=Tier.WRITE,
    idempotency=Idempotency.queryable(),
    summary="Do {text}",
    consent="Do it",
    timeout=1.0,  # that long "absent" is not believed
)
def chaos_queryable(arguments: Thing, call: Call) -> dict[str, JSON]:
    """Leave a line outside; what became of a key can be asked."""
    _world().called(call.key, remembers=False)
    return {"left": True}


@chaos_queryable.probing
def what_became_of(call: Call) -> dict[str, JSON] | None:
    """Look for the key's line."""
    return {"found": True} if _world().effects(call.key) else None


@tool(title="Neither", tier=Tier.WRITE, idempotency=Idempotency.neither(), summary="Do {text}", consent="Do it")
def chaos_neither(arguments: Thing, call: Call) -> dict[str, JSON]:
    """Leave a line outside with every call."""
    _world().called(call.key, remembers=False)
    return {"left": True}
