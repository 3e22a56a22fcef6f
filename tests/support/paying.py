"""Tools that move money and delete things, for the tests of limits; and policies that limit them.

Loaded through LAM_TOOLS. The world is the notes, as for the other tools of the tests.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from tools.connecting import Call
from tools.connectors.python import tool
from tools.contract import Category, Idempotency, Tier
from tools.models import Note
from traces.canonical import JSON

if TYPE_CHECKING:
    from tests.support.world import World


class Payment(BaseModel):
    """Who gets how much."""

    to: str = Field(title="To", min_length=1, max_length=100, description="Zyzzyva")
    amount: str = Field(title="Amount", pattern=r"^[0-9]{1,9}(\.[0-9]{1,2})?$", max_length=12, description="Zyzzyva")


class Dropped(BaseModel):
    """What goes."""

    thing: str = Field(title="Thing", min_length=1, max_length=100, description="Zyzzyva")


def _note(call: Call, text: str) -> str:
    if not Note.objects.filter(about=call.key).exists():
        Note.objects.create(organization=call.organization, about=call.key, text=text)
    return call.key


@tool(
    title="Pay",
    tier=Tier.WRITE,
    idempotency=Idempotency.keyed(600),
    summary="Pay {amount} to {to}",
    consent="Pay it",
    categories=frozenset({Category.MONEY}),
    reversible=True,
    inverse="take_odd",
    inverse_arguments={"receipt": "receipt"},
)
def pay_odd(arguments: Payment, call: Call) -> dict[str, JSON]:
    """Xylograph pay."""
    return {"receipt": _note(call, f"paid {arguments.amount} to {arguments.to}")}


pay_odd.contract = replace(pay_odd.contract, amount_field="amount", currency="EUR").validate()


@tool(
    title="Drop",
    tier=Tier.DELETE,
    idempotency=Idempotency.keyed(600),
    summary="Drop {thing}",
    consent="Drop it",
    categories=frozenset({Category.DELETION}),
    reversible=True,
    inverse="put_odd",
    inverse_arguments={"thing": "thing"},
)
def drop_odd(arguments: Dropped, call: Call) -> dict[str, JSON]:
    """Xylograph drop."""
    _note(call, f"dropped {arguments.thing}")
    return {"thing": arguments.thing}


def set_free(world: World, *names: str) -> None:
    """Let these tools run without a person: what holds a call now is the policy."""
    from tools.models import Tool

    why = {"reason": "For the tests."}
    lifted = {"money": {**why, "limit": "1000000"}, "deletion": why}
    Tool.objects.filter(organization=world.organization, name__in=names).update(maturity="audit_only", lifted=lifted)


def payment(amount: str = "99", to: str = "somebody") -> dict[str, Any]:
    """The arguments of ``pay_odd``."""
    return {"to": to, "amount": amount}


def decree(world: World, *limits: dict[str, Any], **settings: Any) -> None:
    """A new version of the organization's policy, with these limits and settings."""
    from approvals.models import PolicyVersion

    last = PolicyVersion.objects.filter(organization=world.organization).latest("number")
    PolicyVersion.objects.create(
        organization=world.organization, number=last.number + 1, settings={"limits": list(limits), **settings}
    )


def calls(most: int, tool: str, **changes: Any) -> dict[str, Any]:
    """A limit on how often a tool is called."""
    about = {"tools": [tool]}
    return {"id": f"{tool.replace('_', '-')}-calls", "about": about, "per": "initiator", "counts": "calls",
            "most": most, "seconds": 3600, **changes}  # fmt: skip


def euros(most: int, **changes: Any) -> dict[str, Any]:
    """A limit on how much money ``pay_odd`` moves."""
    about = {"tools": ["pay_odd"]}
    return {"id": "pay-odd-total", "about": about, "per": "initiator", "counts": "amount", "unit": "EUR",
            "most": most, "seconds": 86_400, **changes}  # fmt: skip
