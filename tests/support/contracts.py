"""Contracts that hold, and what is wrong with those that do not."""

from dataclasses import replace
from typing import Any

from tools.contract import (
    Category,
    Contract,
    Idempotency,
    Tier,
)

TEXT = {"type": "string", "maxLength": 100}


def an_object(**properties: Any) -> dict[str, Any]:
    """The schema of an object with these properties and no others."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


def a_contract(**changes: Any) -> Contract:
    """A contract that holds, but for what is changed in it."""
    return replace(
        Contract(
            name="send_message",
            title="Send a message",
            description="Writes to a customer.",
            arguments_schema={**an_object(to=TEXT, body={"type": "string"}), "required": ["to"]},
            tier=Tier.WRITE,
            idempotency=Idempotency.keyed(86_400),
            summary='Send "{body}" to {to}',
            consent="Send message to {to}",
            connector="python",
            binding={"callable": "outbox.send"},
            categories=frozenset({Category.OUTSIDE_MESSAGE}),
            owner="Support",
        ),
        **changes,
    )


def paths(contract: Contract) -> list[str]:
    """Where a contract does not hold."""
    return [problem.path for problem in contract.problems()]
