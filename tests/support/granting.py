"""Stages for bounded grants: a tool in the loop that moves money, and somebody who may review and configure it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from approvals.models import Action, Grant
from approvals.services.bounds import Asked
from approvals.services.grant import Wanted, make_grant
from tests.support.paying import payment
from tests.support.world import World
from tools.models import Tool
from tools.rights import grant as give

TOOL = "pay_odd"
WANTED = Wanted(bounds={"amount": Asked("at_most", "100")}, uses=3, total="250", reason="Small ones to this customer.")


def may_grant(world: World, person: str = "reviewer", tool: str = TOOL) -> None:
    """The money of this tool is lifted, it stays in the loop, and this person may also configure it."""
    lifted = {"money": {"reason": "For the tests.", "limit": "1000"}}
    Tool.objects.filter(organization=world.organization, name=tool).update(lifted=lifted)
    by = world.administrator
    give(world.tool(tool), "configure", to=world.people[person], by=by, reason="For the tests.")


def allow(world: World, action: Action | None = None, *, by: str = "reviewer", **changes: Any) -> Grant:
    """Approve an action and allow calls like it, as ``WANTED`` says but for these changes."""
    shown = action or world.staged(TOOL, payment("40"))
    return make_grant(
        actor=world.people[by],
        organization=world.organization.id,
        action_id=shown.id,
        digest=shown.digest,
        wanted=replace(WANTED, **changes),
        signed_in_at=datetime.now(UTC),
    )


def pay(world: World, amount: str = "40", to: str = "somebody", **changes: Any) -> Action:
    """One more payment, as it stands after it was proposed."""
    return world.staged(TOOL, payment(amount, to), **changes)
