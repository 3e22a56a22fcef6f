"""Time running out is a no, wherever an action stands before its permit is used."""

import pytest

from approvals.models import Action
from approvals.services.expire import expire
from approvals.tasks import execute_permitted, sign_permits
from tests.support.sql import without_guards
from tests.support.world import World, approved
from tools.models import OutboxMessage


def test_what_nobody_decided_on_in_time_expires(world: World) -> None:
    action = world.staged()
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET expires_at = clock_timestamp()")
    assert expire() == 1
    assert Action.objects.get(id=action.id).status == "expired"


@pytest.mark.parametrize(("minutes", "status"), [(1, "done"), (6, "expired")])
def test_a_decision_is_signed_while_it_is_fresh_and_not_a_week_later(world: World, minutes: int, status: str) -> None:
    action = world.staged()
    approved(world, action)
    with without_guards() as admin:
        admin.execute(
            "UPDATE approvals_action SET expires_at = clock_timestamp() - make_interval(mins => %s)", [minutes]
        )
    expire()
    sign_permits()
    execute_permitted()
    assert Action.objects.get(id=action.id).status == status
    assert OutboxMessage.objects.count() == (status == "done")
