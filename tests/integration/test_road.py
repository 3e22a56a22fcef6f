"""One governed action, all the way: proposed, reviewed, permitted, executed, remembered."""

from approvals.models import Action, Permit
from approvals.tasks import execute_permitted, sign_permits
from tests.support.world import World, approved
from tools.models import Execution, OutboxMessage
from traces.models import Event


def test_an_approved_action_reaches_the_world_once(world: World) -> None:
    action = world.staged()
    assert action.status == "in_review"
    assert OutboxMessage.objects.count() == 0
    approved(world, action)
    assert sign_permits() == 1
    assert execute_permitted() == 1
    assert execute_permitted() == 0
    action.refresh_from_db()
    assert action.status == "done"
    message = OutboxMessage.objects.get()
    assert message.body == "Your order 1009 is delayed until Friday."
    assert message.key == Execution.objects.get(action=action.id).key


def test_every_change_of_status_left_an_event(world: World) -> None:
    action = world.staged()
    approved(world, action)
    sign_permits()
    execute_permitted()
    told = [e.target for e in Event.objects.filter(subject=action.id).exclude(target="").order_by("id")]
    assert told == ["proposed", "in_review", "permitted", "executing", "done"]


def test_a_tool_that_nobody_offers_is_denied(world: World) -> None:
    action = world.staged(tool="delete_everything", arguments={})
    assert action.status == "denied"
    assert not Permit.objects.exists()
    assert Action.objects.get(id=action.id).settled_at is not None
