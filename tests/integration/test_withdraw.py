"""withdraw: what a run still had under the gate ends with it; what executes already is past withdrawing."""

import threading
from typing import Any

import pytest
from django.db import connections, transaction

from approvals.exceptions import ActionNotFound, NotAPrincipal, TooLate
from approvals.models import Action, Permit
from approvals.services import withdraw
from approvals.services.rejudge import rejudge
from approvals.tasks import execute_permitted, sign_permits
from lam_app.exceptions import RunMovedOn, RunNotFound
from lam_app.runs import cancel
from tests.support.world import World, approved
from tools.models import OutboxMessage
from traces.models import Event
from traces.services import Actor


def test_cancelling_a_run_withdraws_its_actions_and_revokes_their_permits(world: World) -> None:
    run = world.run()
    waiting, permitted = world.staged(run=run.id), world.staged(run=run.id, step=2)
    other = world.staged()
    approved(world, permitted)
    sign_permits()
    cancel(actor=world.operator, organization=world.organization.id, run_id=run.id, reason="No longer wanted.")
    for action in (waiting, permitted):
        action.refresh_from_db()
        assert (action.status, action.settled_at is not None) == ("withdrawn", True)
        assert Event.objects.about(world.organization.id, action.id).last().reason == "No longer wanted."
    permit = Permit.objects.get()
    assert (permit.revoked_at is not None, permit.revoked_because) == (True, "No longer wanted.")
    assert execute_permitted() == 0
    assert not OutboxMessage.objects.exists()
    assert Action.objects.get(id=other.id).status == "in_review"


def test_t13_a_withdrawn_permit_is_refused_by_the_claim_even_while_its_action_stands_permitted(world: World) -> None:
    action = world.staged()
    approved(world, action)
    sign_permits()
    Permit.objects.update(revoked_at="2020-01-01T00:00:00Z", revoked_because="a test")
    assert execute_permitted() == 0
    assert not OutboxMessage.objects.exists()


def test_a_permit_that_is_voided_at_the_moment_of_a_cancellation_saves_no_action_from_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = world.run()
    action = world.staged(run=run.id)
    other = world.staged(run=run.id, step=2)
    approved(world, action)
    action.refresh_from_db()
    move, begun = withdraw.move, []

    def void() -> None:
        try:
            rejudge(action, actor=Actor.system("gatekeeper"), why="The tool was changed.")
        finally:
            connections.close_all()

    def moving(model: Any, ids: Any, source: str, *rest: Any, **more: Any) -> Any:
        if source == "permitted" and not begun:  # those in review have been looked at
            begun.append(threading.Thread(target=void))
            begun[0].start()
            begun[0].join(0.3)
        return move(model, ids, source, *rest, **more)

    monkeypatch.setattr(withdraw, "move", moving)
    cancel(actor=world.operator, organization=world.organization.id, run_id=run.id)
    begun[0].join(10)
    assert set(Action.objects.filter(id__in=[action.id, other.id]).values_list("status", flat=True)) == {"withdrawn"}


def test_withdrawing_is_part_of_the_transaction_that_ends_the_run(world: World) -> None:
    run = world.run()
    action = world.staged(run=run.id)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        cancel(actor=world.operator, organization=world.organization.id, run_id=run.id)
        raise ZeroDivisionError
    action.refresh_from_db()
    run.refresh_from_db()
    assert (action.status, run.status) == ("in_review", "submitted")


def test_t58_a_run_is_ended_by_its_initiator_or_an_administrator_and_once(world: World) -> None:
    run, another = world.run(), world.run()
    for person, organization in (
        (world.reviewer, world.organization),
        (world.outsider, world.organization),
        (world.outsider, world.elsewhere),
    ):
        with pytest.raises(RunNotFound):
            cancel(actor=person, organization=organization.id, run_id=run.id)
    cancel(actor=world.administrator, organization=world.organization.id, run_id=run.id)
    cancel(actor=world.operator, organization=world.organization.id, run_id=another.id)
    with pytest.raises(RunMovedOn) as caught:
        cancel(actor=world.operator, organization=world.organization.id, run_id=run.id)
    assert caught.value.http_status == 409


def test_t13_one_step_is_withdrawn_by_whom_it_acts_for_before_anything_is_done(world: World) -> None:
    waiting, permitted, done = world.staged(), world.staged(), world.staged()
    for action in (permitted, done):
        approved(world, action)
    sign_permits()
    asked = {"organization": world.organization.id, "digest": ""}
    for action in (waiting, permitted):
        with pytest.raises(NotAPrincipal):
            withdraw.withdraw(actor=world.reviewer, action_id=action.id, **asked)
        withdraw.withdraw(actor=world.operator, action_id=action.id, **asked)
        assert Action.objects.get(id=action.id).status == "withdrawn"
    assert Permit.objects.get(action=permitted).revoked_at is not None
    assert execute_permitted() == 1
    with pytest.raises(TooLate):
        withdraw.withdraw(actor=world.operator, action_id=done.id, **asked)
    with pytest.raises(ActionNotFound):
        withdraw.withdraw(actor=world.outsider, action_id=waiting.id, organization=world.elsewhere.id, digest="")
    assert OutboxMessage.objects.count() == 1
