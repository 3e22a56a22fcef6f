"""The tools that are stopped. Their calls take a while, some lose their first answer, and effects are the recorder's.

Loaded through LAM_TOOLS. A text that begins with ``lost`` makes the first call end without effect and in doubt, so
that its row waits for another attempt while stops come and go.
"""

from __future__ import annotations

import random
import time
from typing import Any

from pydantic import BaseModel, Field

from tests.chaos.stops import recorder
from tools.connecting import Call
from tools.connectors.python import tool
from tools.contract import Idempotency, Tier
from tools.previews import Look, Preview
from traces.canonical import JSON

FREE = ("stops_keyed", "stops_queryable", "stops_foreseen")
"""Those that need no person."""
NAMES = (*FREE, "stops_neither")
ON_ITS_WAY = 0.03
"""Seconds that a call takes at most before it has its effect."""


class Thing(BaseModel):
    """What is done."""

    text: str = Field(title="Text", min_length=1, max_length=200, description="Anything")


def _done(call: Call) -> dict[str, JSON]:
    time.sleep(random.random() * ON_ITS_WAY)
    recorder.effect(call.key)
    return {"left": True}


@tool(
    title="Stops keyed",
    tier=Tier.WRITE,
    idempotency=Idempotency.keyed(3600),
    summary="Do {text}",
    consent="Do it",
    reversible=True,
)
def stops_keyed(arguments: Thing, call: Call) -> dict[str, JSON]:
    """Quagmire keyed."""
    return _done(call)


@tool(
    title="Stops queryable",
    tier=Tier.WRITE,
    idempotency=Idempotency.queryable(),
    summary="Do {text}",
    consent="Do it",
    reversible=True,
    timeout=0.1,  # that long a row waits whose tool knows nothing of its key
)
def stops_queryable(arguments: Thing, call: Call) -> dict[str, JSON]:
    """Quagmire queryable."""
    if arguments.text.startswith("lost") and call.attempt == 1:
        raise ConnectionResetError
    return _done(call)


@stops_queryable.probing
def what_became_of(call: Call) -> dict[str, JSON] | None:
    """Ask the recorder."""
    return {"found": True} if recorder.known(call.key) else None


@tool(
    title="Stops foreseen",
    tier=Tier.WRITE,
    idempotency=Idempotency.keyed(3600),
    summary="Do {text}",
    consent="Do it",
    reversible=True,
)
def stops_foreseen(arguments: Thing, call: Call) -> dict[str, JSON]:
    """Quagmire foreseen."""
    return _done(call)


@stops_foreseen.previewing
def what_it_would_do(arguments: Thing, asked: Look) -> Any:
    """Always the same."""
    return Preview.done("Does it")


@tool(title="Stops neither", tier=Tier.WRITE, idempotency=Idempotency.neither(), summary="Do {text}", consent="Do it")
def stops_neither(arguments: Thing, call: Call) -> dict[str, JSON]:
    """Quagmire neither."""
    return _done(call)
