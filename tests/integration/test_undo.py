"""undo: each effect is taken back by an action of its own through the gate, last one first, or a person is told."""

from typing import Any

import pytest
from django.db import DatabaseError, transaction

from approvals.models import Action
from approvals.services.propose import Proposal, propose
from approvals.services.reject import reject
from approvals.services.undo import effects_of, mark_undone
from approvals.tasks import execute_permitted, sign_permits
from lam_app import undo
from lam_app.exceptions import NothingToUndo, RunMovedOn, RunNotFound
from lam_app.models import Run
from tests.support.racing import kinds, race
from tests.support.sql import speaking_as
from tests.support.tools import ORDERS, reset
from tests.support.world import World, approved
from tools.killswitch import engage
from tools.models import Execution, Note
from traces.guards import REFUSED
from traces.models import Event
from traces.services import Actor, move


@pytest.fixture(autouse=True)
def obedient() -> None:
    reset()


def carried_out(world: World, action: Action, *, by: str = "reviewer") -> Action:
    """Approve, sign and execute."""
    action.refresh_from_db()
    approved(world, action, by=by)
    sign_permits()
    execute_permitted()
    action.refresh_from_db()
    return action


def finished_run(world: World, *calls: tuple[str, str], status: str = "succeeded") -> tuple[Run, list[Action]]:
    """A run whose steps were approved and done, and that has ended."""
    run = world.run("Put things where they belong")
    planner = Actor.system("planner")
    actions = []
    for step, (tool, thing) in enumerate(calls, 1):
        action = world.staged(tool, {"thing": thing}, run=run.id, step=step)
        actions.append(carried_out(world, action))
    with transaction.atomic():
        move(Run, [run.id], "submitted", "planning", actor=planner, verb="planning", changes={"step": len(calls)})
        move(Run, [run.id], "planning", status, actor=planner, verb="finished")
    run.refresh_from_db()
    return run, actions


def ask(world: World, run: Run, **changes: Any) -> Run:
    """The initiator wants it taken back."""
    asked = {"actor": world.operator, "organization": world.organization.id, "run_id": run.id, "reason": "A mistake."}
    return undo.undo_run(**{**asked, **changes})


def go_on(run: Run) -> Run:
    """What the planner's worker does when it is told to look."""
    undo.settle()
    for one in undo.due():
        undo.advance(one)
    run.refresh_from_db()
    return run


def compensation(original: Action) -> Action:
    return Action.objects.get(undo_of=original.id)


def test_a_run_is_taken_back_last_step_first_and_each_step_waits_for_people(world: World) -> None:
    run, (first, second) = finished_run(world, ("put_odd", "cup"), ("put_odd", "plate"))
    assert ask(world, run).status == "undoing"
    go_on(run)
    back = compensation(second)
    assert (back.status, back.origin, back.step, back.tool_name) == ("in_review", "undo", 3, "take_odd")
    assert back.reasoning == "Undoes step 2: Put plate. A mistake."
    assert not Action.objects.filter(undo_of=first.id).exists()
    carried_out(world, back)
    go_on(run)
    second.refresh_from_db()
    assert second.status == "undone"
    assert Execution.objects.get(action=second.id).status == "undone"
    carried_out(world, compensation(first))
    go_on(run)
    go_on(run)
    assert run.status == "undone"
    assert run.finished_at is not None
    said = list(Note.objects.order_by("written_at").values_list("text", flat=True))
    assert [text.split()[0] for text in said] == ["put", "put", "taken", "taken"]
    assert said[2].endswith(Execution.objects.get(action=second.id).key)


def test_whoever_asked_for_the_undo_does_not_approve_it(world: World) -> None:
    run, (only,) = finished_run(world, ("put_odd", "cup"))
    ask(world, run, actor=world.administrator)
    go_on(run)
    assert {world.administrator.id, world.operator.id} <= set(compensation(only).principals)


def test_a_rejected_compensation_needs_a_person_and_says_what_still_stands(world: World) -> None:
    run, (first, second) = finished_run(world, ("put_odd", "cup"), ("put_odd", "plate"))
    ask(world, run)
    go_on(run)
    back = compensation(second)
    reject(
        actor=world.reviewer,
        organization=world.organization.id,
        action_id=back.id,
        digest=back.digest,
        reason="Keep it",
    )
    go_on(run)
    assert run.status == "needs_human"
    assert "Step 2 still stands (Put plate): its undoing (step 3, take_odd) was rejected." in run.problem
    assert "Step 1 still stands" in run.problem
    first.refresh_from_db()
    assert first.status == "done"


def test_t101_a_failing_inverse_never_ends_as_undone(world: World) -> None:
    run, (only,) = finished_run(world, ("put_odd", "cup"))
    ask(world, run)
    go_on(run)
    ORDERS.append("refuse")
    back = carried_out(world, compensation(only))
    assert back.status == "failed"
    go_on(run)
    only.refresh_from_db()
    assert (run.status, only.status) == ("needs_human", "done")
    assert "Step 1 still stands (Put cup): its undoing (step 2, take_odd) failed." in run.problem


def test_what_failed_once_may_be_asked_for_again(world: World) -> None:
    run, (only,) = finished_run(world, ("put_odd", "cup"))
    ask(world, run)
    go_on(run)
    ORDERS.append("refuse")
    carried_out(world, compensation(only))
    go_on(run)
    ask(world, run)
    go_on(run)
    carried_out(world, Action.objects.get(undo_of=only.id, status="in_review"))
    go_on(run)
    go_on(run)
    assert run.status == "undone"
    assert Note.objects.filter(text__startswith="taken").count() == 1


def test_a_step_that_cannot_be_undone_keeps_the_run_from_being_called_undone(world: World) -> None:
    run, (put, _lent) = finished_run(world, ("put_odd", "cup"), ("lend_odd", "book"))
    ask(world, run)
    go_on(run)
    carried_out(world, compensation(put))
    go_on(run)
    go_on(run)
    assert run.status == "needs_human"
    assert run.problem == "Step 2 still stands (Lend book): lend_odd cannot be undone."


def test_a_run_in_which_nothing_can_be_undone_says_so_and_stays(world: World) -> None:
    run, _ = finished_run(world, ("lend_odd", "book"))
    with pytest.raises(NothingToUndo):
        ask(world, run)
    run.refresh_from_db()
    assert run.status == "succeeded"


def test_one_step_is_taken_back_and_the_run_stays_what_it_is(world: World) -> None:
    run, (first, second) = finished_run(world, ("put_odd", "cup"), ("put_odd", "plate"))
    step = {"actor": world.operator, "organization": world.organization.id, "run_id": run.id, "reason": "That one."}
    back = undo.undo_step(**step, step=1)
    carried_out(world, back)
    go_on(run)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (run.status, first.status, second.status) == ("succeeded", "undone", "done")
    with pytest.raises(NothingToUndo):
        undo.undo_step(**step, step=1)
    asked = Event.objects.get(subject=first.id, verb="undo_asked")
    assert asked.actor == world.operator.id


def test_t100_asked_for_twenty_times_at_once_it_is_proposed_once(world: World) -> None:
    run, (only,) = finished_run(world, ("put_odd", "cup"))
    step = {"actor": world.operator, "organization": world.organization.id, "run_id": run.id, "step": 1, "reason": "x"}
    came = kinds(race(*[lambda: undo.undo_step(**step)] * 20))
    assert came == {"Action": 1, "NothingToUndo": 19}
    assert Action.objects.filter(undo_of=only.id).count() == 1


def test_t100_two_workers_propose_one_compensation(world: World) -> None:
    run, (only,) = finished_run(world, ("put_odd", "cup"))
    ask(world, run)
    race(*[lambda: undo.advance(run.id)] * 8)
    assert Action.objects.filter(undo_of=only.id).count() == 1


def proposed(world: World, original: Action, **changes: Any) -> Action:
    values: dict[str, Any] = {
        "organization": world.organization.id,
        "run": original.run,
        "step": 90,
        "origin": "undo",
        "initiator": world.operator.id,
        "agent": world.agent.id,
        "principals": tuple(original.principals),
        "tool": "take_odd",
        "arguments": {"receipt": "x"},
        "undo_of": original.id,
    }
    return propose(Proposal(**{**values, **changes}))


@pytest.mark.parametrize(
    "changes",
    [
        {"tool": "write_note", "arguments": {"text": "x"}},
        {"origin": "planner"},
        {"undo_of": None},
        {"principals": ()},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_t100_the_database_binds_an_undo_to_its_cause(world: World, changes: dict[str, Any]) -> None:
    run, (only,) = finished_run(world, ("put_odd", "cup"))
    if changes == {"principals": ()}:
        changes = {"initiator": world.people["administrator"].id, "principals": ()}
    with pytest.raises(DatabaseError, match="approvals_action: ") as refused:
        proposed(world, only, **changes)
    assert getattr(refused.value.__cause__, "sqlstate", "") == REFUSED
    assert Action.objects.filter(run=run.id).count() == 1


def test_t100_what_never_ran_is_not_compensated(world: World) -> None:
    waiting = world.staged("put_odd", {"thing": "cup"})
    with pytest.raises(DatabaseError, match="only what was done"):
        proposed(world, waiting)


def test_t101_nothing_is_undone_without_a_compensation_in_the_ledger(world: World) -> None:
    run, (only,) = finished_run(world, ("put_odd", "cup"))
    with pytest.raises(DatabaseError, match="no compensation in the ledger"), transaction.atomic():
        move(Action, [only.id], "done", "undone", actor=Actor.system("saga"), verb="undone")
    back = undo.undo_step(
        actor=world.operator, organization=world.organization.id, run_id=run.id, step=1, reason="It was wrong."
    )
    approved(world, Action.objects.get(id=back.id))
    with transaction.atomic():
        assert mark_undone() == []
    only.refresh_from_db()
    assert only.status == "done"


def test_a_run_that_still_moves_is_not_taken_back(world: World) -> None:
    run = world.run()
    with pytest.raises(RunMovedOn):
        ask(world, run)


@pytest.mark.parametrize("who", ["reviewer", "auditor", "outsider"])
def test_t58_only_the_initiator_or_an_administrator_asks_for_it(world: World, who: str) -> None:
    run, _ = finished_run(world, ("put_odd", "cup"))
    with pytest.raises(RunNotFound):
        ask(world, run, actor=world.people[who])


def test_an_effect_that_somebody_else_marks_at_this_moment_does_not_pass_for_one_that_still_stands(
    world: World,
) -> None:
    run, (only,) = finished_run(world, ("put_odd", "cup"))
    ask(world, run)
    go_on(run)
    carried_out(world, compensation(only))
    with speaking_as("owner") as other:
        other.execute("SELECT 1 FROM approvals_action WHERE id = %s FOR UPDATE", [only.id])
        assert not undo.advance(run.id)
        run.refresh_from_db()
        assert run.status == "undoing"
        other.rollback()
    go_on(run)
    go_on(run)
    assert run.status == "undone"


def test_under_a_stop_nothing_more_is_taken_back_until_its_release(world: World) -> None:
    run, (only,) = finished_run(world, ("put_odd", "cup"))
    ask(world, run)
    engage(actor=world.reviewer, organization=world.organization.id, scope="run", target=run.id, reason="Wait.")
    go_on(run)
    assert undo.due() == []
    assert not Action.objects.filter(undo_of=only.id).exists()


def test_compensations_are_no_effects_to_be_undone(world: World) -> None:
    run, (only,) = finished_run(world, ("put_odd", "cup"))
    ask(world, run)
    go_on(run)
    carried_out(world, compensation(only))
    go_on(run)
    assert effects_of(world.organization.id, run.id) == []
