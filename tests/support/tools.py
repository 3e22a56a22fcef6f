"""One tool of each idempotency class that misbehaves when told to. Their effects are notes, one a key and effect.

Loaded through LAM_TOOLS, so every organization of the tests offers them. A test leaves orders in ``ORDERS``; each call
takes the next one. ``CALLS`` keeps what arrived, so that a call which must not be made is seen.
"""

from __future__ import annotations

from collections import deque

from pydantic import BaseModel, Field

from tools.connecting import Call, ToolFailed
from tools.connectors.python import tool
from tools.contract import Idempotency, Tier
from tools.models import Note
from traces.canonical import JSON

ORDERS: deque[str] = deque()
"""``break_before`` and ``break_after`` the effect, ``refuse`` (nothing was done), ``refuse_with_nul``, ``ill_result``;
any other word, or none, is obedience."""

CALLS: list[tuple[str, str, int]] = []
"""Tool, key and attempt of every call, in order."""

PROBES: list[str] = []
"""Keys that were asked about."""


class Odd(BaseModel):
    """What is done."""

    text: str = Field(title="Text", min_length=1, max_length=500, description="Zyzzyva")


def reset() -> None:
    """Forget orders and calls."""
    ORDERS.clear()
    CALLS.clear()
    PROBES.clear()


def effects(key: str) -> int:
    """How often the world felt this key."""
    return Note.objects.filter(about=key).count()


def _perform(name: str, arguments: Odd, call: Call, *, remembers: bool) -> dict[str, JSON]:
    CALLS.append((name, call.key, call.attempt))
    order = ORDERS.popleft() if ORDERS else ""
    if order == "refuse":
        raise ToolFailed("It is closed today.")
    if order == "refuse_with_nul":
        raise ToolFailed("closed\x00today \ud800")
    if order == "break_before":
        raise ConnectionResetError
    if not (remembers and effects(call.key)):
        Note.objects.create(organization=call.organization, about=call.key, text=arguments.text)
    if order == "break_after":
        raise ConnectionResetError
    return {"said": "\ud800"} if order == "ill_result" else {"left": True}


@tool(title="Odd keyed", tier=Tier.WRITE, idempotency=Idempotency.keyed(600), summary="Do {text}", consent="Do it")
def odd_keyed(arguments: Odd, call: Call) -> dict[str, JSON]:
    """Xylograph keyed."""
    return _perform("odd_keyed", arguments, call, remembers=True)


@tool(title="Odd queryable", tier=Tier.WRITE, idempotency=Idempotency.queryable(), summary="Do {text}", consent="Do it")
def odd_queryable(arguments: Odd, call: Call) -> dict[str, JSON]:
    """Xylograph queryable."""
    return _perform("odd_queryable", arguments, call, remembers=False)


@odd_queryable.probing
def what_became_of(call: Call) -> dict[str, JSON] | None:
    """Look for the key's note."""
    PROBES.append(call.key)
    if ORDERS and ORDERS[0] == "probe_breaks":
        ORDERS.popleft()
        raise ConnectionResetError
    return {"found": True} if effects(call.key) else None


@tool(title="Odd neither", tier=Tier.WRITE, idempotency=Idempotency.neither(), summary="Do {text}", consent="Do it")
def odd_neither(arguments: Odd, call: Call) -> dict[str, JSON]:
    """Xylograph neither."""
    return _perform("odd_neither", arguments, call, remembers=False)
