"""Stages for bounded grants: a tool in the loop that moves money, and somebody who may review and configure it."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from accounts.models import User
from approvals.models import Action, Grant
from approvals.services.bounds import Asked
from approvals.services.grant import Wanted, make_grant
from tests.support.paying import payment
from tests.support.sql import without_guards
from tests.support.world import World
from tools.models import Tool
from tools.rights import grant as give
from traces.ids import uuid7

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
    made = make_grant(
        actor=world.people[by],
        organization=world.organization.id,
        action_id=shown.id,
        digest=shown.digest,
        wanted=replace(WANTED, **changes),
        signed_in_at=datetime.now(UTC),
    )
    assert made is not None  # as it is for a canary
    return made


def forged(organization: uuid.UUID, shown: str, *, by: User) -> uuid.UUID:
    """The row of a grant that nobody could make, for those who look whom it is shown to: no trigger looked it over."""
    action = Action.objects.get(id=shown)
    pk = uuid7()
    with without_guards() as admin:
        admin.execute(
            """
            INSERT INTO approvals_grant (id, organization_id, example_id, revision_id, principals, tool_id,
                tool_version_id, agent_id, initiator_id, bounds, uses, currency, reason, made_by_id, scopes, epoch,
                created, expires_at, revoked_because)
            SELECT %s, %s, %s, r.id, '{}', %s, r.tool_version_id, %s, %s, '[]', 1, '', 'For the tests.', %s, '{}', 0,
                clock_timestamp(), clock_timestamp() + interval '1 day', ''
            FROM approvals_revision r WHERE r.action_id = %s
            """,
            [pk, organization, action.id, action.tool_id, action.agent_id, action.initiator_id, by.pk, action.id],
        )
    return pk


def pay(world: World, amount: str = "40", to: str = "somebody", **changes: Any) -> Action:
    """One more payment, as it stands after it was proposed."""
    return world.staged(TOOL, payment(amount, to), **changes)
