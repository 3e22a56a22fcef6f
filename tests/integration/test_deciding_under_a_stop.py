"""Lifting a stop in two stages, as the pages show it: held, then decided on while nothing leaves."""

from approvals.tasks import execute_permitted, sign_permits
from tests.support.voting import decide, signed_in
from tests.support.world import World
from tools.killswitch import ease, engage
from tools.models import OutboxMessage


def test_once_people_decide_again_the_card_lets_them_and_nothing_leaves(world: World) -> None:
    action = world.staged()
    stop = engage(
        actor=world.reviewer, organization=world.organization.id, scope="organization", target=None, reason="Wait."
    )
    reviewer = signed_in(world, "reviewer")
    held = reviewer.get(f"/actions/{action.pk}/").content.decode()
    assert "Held by a stop." in held
    assert 'value="approve"' not in held
    ease(actor=world.people["administrator"], organization=world.organization.id, switch_id=stop.pk, reason="Looked.")
    eased = reviewer.get(f"/actions/{action.pk}/").content.decode()
    assert "Held by a stop." not in eased
    assert 'value="approve"' in eased
    assert "It leaves as soon as you approve" not in eased
    assert decide(reviewer, action).status_code == 302
    sign_permits()
    execute_permitted()
    action.refresh_from_db()
    assert action.status == "permitted"
    assert not OutboxMessage.objects.exists()
    assert "Held by a stop." in reviewer.get(f"/actions/{action.pk}/").content.decode()
