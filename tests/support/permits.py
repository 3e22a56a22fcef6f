"""Actions with a signed permit, and what makes a permit void."""

import uuid
from typing import Any

from django.db import connection

from approvals.models import Action, PolicyVersion
from approvals.tasks import sign_permits
from tests.support.stops import lift
from tests.support.world import World, approved
from tools.killswitch import engage
from tools.models import KillSwitch, Tool
from tools.permits import PermitClaims
from traces.clock import now
from traces.ids import uuid7

CLAIMS = PermitClaims(
    permit=uuid.UUID(int=1),
    organization=uuid.UUID(int=2),
    run=uuid.UUID(int=3),
    step=4,
    action=uuid.UUID(int=5),
    revision=uuid.UUID(int=6),
    digest="sha256:" + "7" * 64,
    tool="send_message",
    tool_version=uuid.UUID(int=8),
    tool_hash="sha256:" + "9" * 64,
    arguments="sha256:" + "a" * 64,
    request="sha256:" + "b" * 64,
    policy=uuid.UUID(int=12),
    maturity="in_the_loop",
    deciders=(uuid.UUID(int=13), uuid.UUID(int=14)),
    epoch=15,
    not_before=1_700_000_000,
    expires=1_700_000_120,
    key="sha256:" + "c" * 64,
)
"""The claims of a permit, each unlike the others."""


def signed(world: World, **more: Any) -> Action:
    """An action with its permit, not yet executed."""
    action = world.staged(**more)
    approved(world, action)
    sign_permits()
    action.refresh_from_db()
    assert action.status == "permitted"
    assert action.permits.filter(revoked_at=None).count() == 1
    return action


def until_it_is(moment: Any) -> None:
    """Until the database's clock shows it."""
    while now() < moment:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep_until(%s)", [moment])


def new_policy(world: World) -> None:
    """Another version of the policy is in force."""
    PolicyVersion.objects.create(organization=world.organization, number=2, reason="Stricter.")


def new_version(world: World) -> None:
    """Another version of the tool is on offer."""
    tool = world.tool()
    version = tool.version
    version.pk, version.number, version._state.adding = uuid7(), 2, True
    version.save(force_insert=True)
    Tool.objects.filter(pk=tool.pk).update(version=version)


def stopped(world: World) -> KillSwitch:
    """A stop over the tool, engaged."""
    return engage(
        actor=world.reviewer, organization=world.organization.id, scope="tool", target=world.tool().id, reason="wait"
    )


def stopped_and_released(world: World) -> None:
    """A stop over the tool, engaged and lifted again: it voids the permits from before it all the same."""
    lift(actor=world.reviewer2, organization=world.organization.id, switch_id=stopped(world).id)
