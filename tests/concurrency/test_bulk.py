"""Two people decide the same table at the same moment: each of its rows is decided once."""

from functools import partial

from approvals.models import Action, Decision
from approvals.services.likeness import likeness
from approvals.services.together import decide_together, frozen
from tests.support.bulk_tools import several
from tests.support.racing import race
from tests.support.world import World
from tools.contract import Contract


def tables(world: World, actions: list[Action]) -> dict[str, str]:
    """The token of the same table for each of two people."""
    revision = actions[0].revisions.select_related("tool_version").get()
    assert revision.tool_version is not None
    key = likeness(actions[0], revision, Contract.from_json(revision.tool_version.contract))
    rows = [(action.pk, action.digest) for action in actions]
    return {
        name: frozen(reader=world.people[name], organization=world.organization.pk, key=key, rows=rows)
        for name in ("reviewer", "reviewer2")
    }


def test_of_two_people_at_once_each_row_is_decided_by_one(world: World) -> None:
    actions = several(world, 12)
    ticked = {action.pk: action.digest for action in actions}
    calls = [
        partial(
            decide_together,
            actor=world.people[name],
            organization=world.organization.pk,
            head=actions[0].pk,
            table=token,
            ticked=ticked,
            decision=decision,
            reason="So.",
        )
        for (name, token), decision in zip(tables(world, actions).items(), ("approve", "reject"), strict=True)
    ]
    first, second = race(*calls)
    assert [(one.action, one.decided + other.decided) for one, other in zip(first, second, strict=True)] == [
        (action.pk, 1) for action in actions
    ]
    assert {one.outcome for one in [*first, *second] if not one.decided} <= {"lost"}
    assert Decision.objects.count() == 12
    assert {action.status for action in Action.objects.all()} <= {"permitted", "rejected"}
