"""At the same moment: an objection and a leaving, a taking back and a claim, two who take. One wins, and both know."""

from functools import partial
from typing import Any

import pytest

from approvals.models import Action, Decision, Permit
from approvals.services.assign import assign
from approvals.services.edit import edit
from approvals.services.hold import hold, resume
from approvals.services.leave import leave
from approvals.services.take_back import take_back
from approvals.services.veto import veto
from approvals.tasks import execute_permitted, sign_permits
from tests.support.desking import does, leaving, on, overdue, refusals, told
from tests.support.racing import kinds, race, racers
from tests.support.voting import status, yes
from tests.support.world import MESSAGE, World
from tools.models import Execution, Note, OutboxMessage

TURNS = 24


def asking(world: World, verb: Any, name: str, action: Action, **more: Any) -> partial[Any]:
    return partial(does, world, verb, name, action, digest=action.digest, reason="So.", **more)


def going() -> None:
    """Everything that time does with what is due, once."""
    leave()
    sign_permits()
    execute_permitted()


@pytest.mark.parametrize("verb", [veto, hold])
def test_an_objection_and_a_leaving_at_the_same_moment_never_both_win(verb: Any, world: World) -> None:
    ended = {"won": 0, "lost": 0}
    with racers(2) as begin:
        for turn in range(TURNS):
            action = leaving(world)
            overdue(action)
            objecting = asking(world, verb, "reviewer", action)
            came = begin(*((objecting, going) if turn % 2 else (going, objecting)))
            said = came[0 if turn % 2 else 1]
            going()
            happened = Execution.objects.filter(action=action.id).exists()
            won = not isinstance(said, Exception)
            assert happened is not won, said
            if not won:
                assert said.http_status == 409
                assert refusals(action)[-1][0] == "reviewer"
            ended["won" if won else "lost"] += 1
            assert status(action) == ({veto: "rejected", hold: "in_review"}[verb] if won else "done")
    assert Note.objects.count() == ended["lost"]
    assert sum(ended.values()) == TURNS


def test_holding_and_claiming_what_is_permitted_at_the_same_moment_never_both_win(world: World) -> None:
    with racers(2) as begin:
        for turn in range(TURNS):
            action = world.staged()
            yes(world, world.reviewer, action)
            sign_permits()
            action.refresh_from_db()
            holding = asking(world, hold, "reviewer2", action)
            came = begin(*((holding, execute_permitted) if turn % 2 else (execute_permitted, holding)))
            said = came[0 if turn % 2 else 1]
            execute_permitted()
            happened = Execution.objects.filter(action=action.id).exists()
            assert happened is isinstance(said, Exception), said
            assert status(action) == ("done" if happened else "in_review")
            live = Permit.objects.filter(action=action, revoked_at=None).count()
            assert live == (1 if happened else 0)
    assert OutboxMessage.objects.count() == Execution.objects.count()


def test_a_yes_is_taken_back_or_has_left_at_the_same_moment_never_both(world: World, settings: Any) -> None:
    settings.LAM_TAKEBACK_SECONDS = 5
    with racers(2) as begin:
        for turn in range(TURNS):
            action = world.staged()
            yes(world, world.reviewer, action)
            overdue(action)
            action.refresh_from_db()
            back = asking(world, take_back, "reviewer", action)
            came = begin(*((back, going) if turn % 2 else (going, back)))
            said = came[0 if turn % 2 else 1]
            going()
            happened = Execution.objects.filter(action=action.id).exists()
            assert happened is isinstance(said, Exception), said
            assert status(action) == ("done" if happened else "in_review")
    assert OutboxMessage.objects.count() == Execution.objects.count()


def test_of_two_who_take_it_at_the_same_moment_one_has_it(world: World) -> None:
    action = world.staged()
    names = ("reviewer", "reviewer2")
    came = race(*(partial(does, world, assign, name, action) for name in names * 8))
    taken = [one for one in came if isinstance(one, Action)]
    action.refresh_from_db()
    winner = {one.assignee_id for one in taken}
    assert winner == {action.assignee_id}
    assert kinds(came) == {"Action": 8, "Taken": 8}  # whoever has it may say so again
    assert "taken_over" not in told(world, action)


def test_two_who_object_at_the_same_moment_say_one_no(world: World) -> None:
    action = leaving(world)
    came = race(*(asking(world, veto, name, action) for name in ("reviewer", "reviewer2") * 4))
    assert kinds(came) == {"Decision": 1, "AlreadyDecided": 7}
    assert Decision.objects.count() == 1


def test_a_yes_and_a_setting_aside_at_the_same_moment_leave_nothing_that_stands_aside_on_its_way(world: World) -> None:
    for turn in range(TURNS // 2):
        action = world.staged()
        calls = [partial(yes, world, world.reviewer, action), asking(world, hold, "reviewer2", action)]
        race(*(calls if turn % 2 else reversed(calls)))
        action.refresh_from_db()
        assert action.held_at is None or action.status == "in_review"
        if action.held_at is not None:
            on(world, resume, "reviewer2", action)


def test_another_tool_and_a_yes_at_the_same_moment_are_never_a_yes_to_the_other_tool(world: World) -> None:
    for turn in range(TURNS // 2):
        action = world.staged(considered=({"tool": "write_note", "why_not": "Unseen."},))
        choosing = asking(world, edit, "reviewer2", action, arguments={"text": MESSAGE["body"]}, tool="write_note")
        calls = [asking(world, _approve, "reviewer", action), choosing]
        came = race(*(calls if turn % 2 else reversed(calls)))
        action.refresh_from_db()
        assert sum(isinstance(one, Exception) for one in came) == 1
        assert (action.tool_name, action.status) in {("send_message", "permitted"), ("write_note", "in_review")}


def _approve(**asked: Any) -> Decision:
    from approvals.services.approve import approve

    return approve(**asked)
