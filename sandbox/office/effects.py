"""Asking what became of a call."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from sandbox.operations import operation
from sandbox.shapes import Shape
from sandbox.store import Store


class FindEffect(Shape):
    """Under which key or reference the call was made."""

    key: str = Field(
        min_length=1, max_length=255, description="The Idempotency-Key or Payment-Reference that the call was given"
    )


class Found(Shape):
    """Whether it happened."""

    key: str
    happened: bool = Field(description="Whether a call with this key had its effect")
    times: int = Field(description="How many effects it had; more than one where a call came twice and is not keyed")
    operation: str | None = None
    answer: dict[str, Any] | None = Field(default=None, description="What was answered then")
    time: str | None = None


@operation("GET", "/effects/{key}", tag="effects", example={"key": "payment-0001"})
def find_effect(store: Store, asked: FindEffect) -> Found:
    """Find out whether a call had its effect, by the key or reference that it was given.

    Use it when the answer of a call was lost. The answer is final once the call is known to be over.
    """
    done = [one for one in store.ledger(key=asked.key) if one.applied]
    if not done:
        return Found(key=asked.key, happened=False, times=0)
    first = done[0]
    return Found(
        key=asked.key,
        happened=True,
        times=len(done),
        operation=first.operation,
        answer=first.answer,
        time=first.time,
    )
