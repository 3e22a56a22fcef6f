"""What a stop keeps back keeps nothing else from its turn, however much of it there is and however long it stands."""

from __future__ import annotations

import pytest

from approvals.models import Action
from approvals.services import execute
from approvals.services.halt import halt
from approvals.tasks import execute_permitted, sign_permits
from tests.support.stops import lift
from tests.support.world import World, approved
from tools.killswitch import ease, engage
from tools.models import KillSwitch, OutboxMessage


@pytest.fixture(autouse=True)
def short_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three actions fill what is read at once."""
    monkeypatch.setattr("approvals.tasks.BATCH", 3)


def stopped(world: World, *actions: Action) -> list[KillSwitch]:
    return [
        engage(actor=world.reviewer, organization=world.organization.id, scope="run", target=action.run, reason="Wait.")
        for action in actions
    ]


def test_t109_what_people_permit_under_an_eased_stop_keeps_no_other_from_its_permit(world: World) -> None:
    kept = [world.staged() for _ in range(4)]
    other = world.staged()
    for switch in stopped(world, *kept):
        ease(actor=world.reviewer2, organization=world.organization.id, switch_id=switch.id)
    for action in (*kept, other):
        approved(world, action, by="reviewer2")
    assert halt() == 0
    assert (sign_permits(), execute_permitted()) == (1, 1)
    assert Action.objects.get(status="done").id == other.id


def test_t109_permits_under_a_stop_keep_no_other_from_its_claim(world: World) -> None:
    kept = [world.staged() for _ in range(4)]
    other = world.staged()
    for action in (*kept, other):
        approved(world, action)
    while sign_permits():
        pass
    switches = stopped(world, *kept)
    assert [waiting.action.id for waiting in execute.waiting(3)] == [other.id]
    assert execute_permitted() == 1
    for switch in switches:
        lift(actor=world.reviewer2, organization=world.organization.id, switch_id=switch.id)
    assert execute_permitted() == 0
    assert set(Action.objects.filter(id__in=[a.id for a in kept]).values_list("status", flat=True)) == {"in_review"}
    assert OutboxMessage.objects.count() == 1
