"""Orders for trouble: the next calls of an operation go wrong in a stated way."""

from __future__ import annotations

import threading
from enum import StrEnum
from typing import Final

from pydantic import Field

from sandbox.office import OPERATIONS
from sandbox.shapes import Line, Shape, invalid

ANY: Final = "*"


class Mode(StrEnum):
    """How a call goes wrong."""

    SLOW = "slow"
    """Waits, then does it and answers."""
    SLOW_AFTER = "slow_after"
    """Does it, then waits before it answers."""
    FAIL_BEFORE = "fail_before"
    """503, and nothing was done."""
    FAIL_AFTER = "fail_after"
    """500, and it was done."""
    LOSE_ANSWER = "lose_answer"
    """It was done, and the connection is closed without a word."""
    CUT_ANSWER = "cut_answer"
    """It was done, and the connection is closed in the middle of the answer."""
    WRONG_JSON = "wrong_json"
    """It was done, and the answer is not JSON although it says so."""
    REDIRECT = "redirect"
    """307 to somewhere else, and nothing was done."""
    RATE_LIMITED = "rate_limited"
    """429 with Retry-After, and nothing was done."""


AFTER: Final = frozenset({Mode.SLOW_AFTER, Mode.FAIL_AFTER, Mode.LOSE_ANSWER, Mode.CUT_ANSWER, Mode.WRONG_JSON})


class Fault(Shape):
    """One order."""

    operation: Line = Field(description='An operation, or "*" for whichever comes')
    mode: Mode
    times: int = Field(default=1, ge=1, le=1_000_000, description="How many calls")
    seconds: float = Field(default=1, ge=0, le=600, description="How long it waits, or Retry-After")
    location: Line = Field(default="/elsewhere", description="Where a redirect leads")


class Faults:
    """The orders that are not used up, oldest first."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._orders: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Add an order. A 422 for an operation that there is not."""
        if fault.operation != ANY and fault.operation not in OPERATIONS:
            raise invalid("body.operation", f"There is no operation {fault.operation}")
        with self._turn:
            self._orders.append(fault)

    def clear(self) -> None:
        """From now on all goes well."""
        with self._turn:
            self._orders.clear()

    def waiting(self) -> list[Fault]:
        """The orders with what is left of them."""
        with self._turn:
            return list(self._orders)

    def take(self, operation: str) -> Fault | None:
        """The fault for this call, which uses up one of its times."""
        with self._turn:
            for index, fault in enumerate(self._orders):
                if fault.operation in (operation, ANY):
                    left = [fault.model_copy(update={"times": fault.times - 1})] if fault.times > 1 else []
                    self._orders[index : index + 1] = left
                    return fault
        return None
