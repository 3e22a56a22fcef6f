"""Decisions at the same moment: whoever is first decides, everybody else is told so, and there is one effect."""

from functools import partial
from typing import Any

import pytest

from accounts.models import User
from accounts.roles import Role
from approvals.exceptions import AlreadyDecided
from approvals.models import Action, Decision, Permit
from approvals.services.approve import approve
from approvals.services.edit import edit
from approvals.services.reject import reject
from approvals.tasks import execute_permitted, sign_permits
from lam_app.runs import cancel
from lam_app.seed import create_person
from tests.support.racing import kinds, race, racers
from tests.support.voting import two_needed
from tests.support.world import MESSAGE, World
from tools.models import Execution, OutboxMessage
from traces.models import Event


def reviewers(world: World, number: int) -> list[User]:
    return [
        create_person(world.organization, f"reviewer-{n}", roles=(Role.REVIEWER,), tier="read", password=None)
        for n in range(number)
    ]


def asking(world: World, person: User, action: Action, verb: Any = approve) -> partial[Decision]:
    return partial(
        verb, actor=person, organization=world.organization.id, action_id=action.id, digest=action.digest, reason="So."
    )


def test_t30_of_fifty_approvals_by_fifty_people_one_counts_and_there_is_one_effect(world: World) -> None:
    action = world.staged()
    came = race(*(asking(world, person, action) for person in reviewers(world, 50)))
    assert kinds(came) == {"Decision": 1, "AlreadyDecided": 49}
    assert {error.http_status for error in came if isinstance(error, AlreadyDecided)} == {409}
    assert Decision.objects.count() == 1
    race(sign_permits, sign_permits, execute_permitted)
    race(*[execute_permitted] * 4)
    assert Permit.objects.count() == Execution.objects.count() == OutboxMessage.objects.count() == 1
    assert Action.objects.get(id=action.id).status == "done"
    assert Event.objects.filter(verb="refused", subject=action.id).count() == 49
    assert Event.objects.filter(target="permitted", subject=action.id).count() == 1


def test_t30_of_fifty_approvals_by_one_person_one_counts(world: World) -> None:
    action = world.staged()
    came = race(*(asking(world, world.reviewer, action) for _ in range(50)))
    assert kinds(came) == {"Decision": 1, "AlreadyDecided": 49}
    sign_permits()
    execute_permitted()
    assert Decision.objects.count() == OutboxMessage.objects.count() == 1


def test_t25_twenty_votes_of_one_person_at_once_are_one_vote_of_two(world: World) -> None:
    action = two_needed(world)
    came = race(*(asking(world, world.reviewer, action) for _ in range(20)))
    assert kinds(came) == {"Decision": 1, "AlreadyDecided": 19}
    assert Action.objects.get(id=action.id).status == "in_review"
    assert Decision.objects.count() == 1


def test_a_quorum_of_two_is_reached_once_by_twenty_people_at_once(world: World) -> None:
    action = two_needed(world)
    came = race(*(asking(world, person, action) for person in reviewers(world, 20)))
    assert kinds(came) == {"Decision": 2, "AlreadyDecided": 18}
    assert Event.objects.filter(target="permitted", subject=action.id).count() == 1


def test_t29_of_a_yes_and_a_no_at_the_same_moment_the_first_wins(world: World) -> None:
    won = {"permitted": 0, "rejected": 0}
    with racers(2) as begin:
        for pair in range(200):
            action = world.staged()
            yes, no = asking(world, world.reviewer, action), asking(world, world.reviewer2, action, reject)
            came = begin(*((yes, no) if pair % 2 else (no, yes)))
            assert kinds(came) == {"Decision": 1, "AlreadyDecided": 1}
            action.refresh_from_db()
            won[action.status] += 1
            verb = Decision.objects.get(action=action).verb
            assert (verb, action.status) in {("approve", "permitted"), ("reject", "rejected")}
            settled = Event.objects.filter(subject=action.id, target__in=["permitted", "rejected"])
            assert settled.count() == 1
    assert sum(won.values()) == 200
    assert min(won.values()) > 0


@pytest.mark.parametrize("times", [40, pytest.param(500, marks=pytest.mark.slow)])
def test_t31_after_a_cancellation_nothing_of_the_run_is_claimed(times: int, world: World) -> None:
    with racers(2) as begin:
        for _ in range(times):
            run = world.run()
            action = world.staged(run=run.id)
            stop = partial(cancel, actor=world.operator, organization=world.organization.id, run_id=run.id)

            def cancelling(stop: Any = stop, action: Action = action) -> bool:
                stop()
                return Execution.objects.filter(action=action.id).exists()

            def going_on(action: Action = action) -> None:
                asking(world, world.reviewer, action)()
                sign_permits()
                execute_permitted()

            claimed_by_then, went = begin(cancelling, going_on)
            assert went is None or isinstance(went, AlreadyDecided)
            sign_permits()
            execute_permitted()
            assert Execution.objects.filter(action=action.id).exists() is claimed_by_then
            action.refresh_from_db()
            run.refresh_from_db()
            assert run.status == "cancelled"
            assert action.status == ("done" if claimed_by_then else "withdrawn")
    assert OutboxMessage.objects.count() == Execution.objects.count()


def test_t18_of_an_edit_and_a_yes_at_the_same_moment_the_first_wins(world: World) -> None:
    came_first = {"in_review": 0, "permitted": 0}
    with racers(2) as begin:
        for turn in range(60):
            action = world.staged()
            rewrite = partial(asking(world, world.reviewer2, action, edit), arguments={**MESSAGE, "body": "Other."})
            yes = asking(world, world.reviewer, action)
            came = begin(*((yes, rewrite) if turn % 2 else (rewrite, yes)))
            action.refresh_from_db()
            came_first[action.status] += 1
            lost = {"in_review": "DigestMoved", "permitted": "AlreadyDecided"}[action.status]
            won = {"in_review": "Revision", "permitted": "Decision"}[action.status]
            assert kinds(came) == {won: 1, lost: 1}
            assert action.revision == (2 if action.status == "in_review" else 1)
    assert min(came_first.values()) > 0


def test_two_edits_at_the_same_moment_are_one_after_the_other(world: World) -> None:
    with racers(2) as begin:
        for turn in range(30):
            action = world.staged()
            calls = [
                partial(asking(world, person, action, edit), arguments={**MESSAGE, "body": f"{person.username} {turn}"})
                for person in (world.reviewer, world.reviewer2)
            ]
            assert kinds(begin(*calls)) == {"Revision": 1, "DigestMoved": 1}
            assert [r.number for r in action.revisions.order_by("number")] == [1, 2]
