"""Pages tell what can be taken back before it runs, what a plan would leave, and what became of each step."""

import pytest
from django.db import transaction
from django.test import Client

from approvals.models import Action
from approvals.tasks import execute_permitted, sign_permits
from lam_app import undo
from lam_app.models import Report, Run
from tests.support.tools import reset
from tests.support.world import World, approved
from traces.ids import uuid7
from traces.services import Actor, move

PLANNER = Actor.system("planner")


@pytest.fixture(autouse=True)
def obedient() -> None:
    reset()


def page(world: World, name: str, address: str) -> str:
    """What a person sees at an address."""
    client = Client()
    client.force_login(world.people[name], backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def planned(world: World, *calls: tuple[str, str]) -> tuple[Run, list[Action]]:
    """A run with these steps under review."""
    run = world.run("Put things where they belong")
    actions = [
        world.staged(tool, {"thing": thing}, run=run.id, step=step) for step, (tool, thing) in enumerate(calls, 1)
    ]
    return run, actions


def ended(world: World, run: Run, actions: list[Action]) -> None:
    """Every step done, and the run at its end."""
    for action in actions:
        carried_out(world, action)
    with transaction.atomic():
        move(Run, [run.id], "submitted", "planning", actor=PLANNER, verb="planning", changes={"step": len(actions)})
        move(Run, [run.id], "planning", "succeeded", actor=PLANNER, verb="finished")
    run.refresh_from_db()


def carried_out(world: World, action: Action) -> None:
    approved(world, Action.objects.get(id=action.id))
    sign_permits()
    execute_permitted()


def test_a_step_that_nothing_takes_back_says_so_while_it_waits(world: World) -> None:
    run, (put, lend) = planned(world, ("put_odd", "cup"), ("lend_odd", "book"))
    assert page(world, "operator", f"/runs/{run.id}/").count("Cannot be undone") == 1
    assert "Cannot be undone" in page(world, "reviewer", f"/actions/{lend.id}/")
    assert "Can be undone" in page(world, "reviewer", f"/actions/{put.id}/")


def test_the_plan_says_what_stays_before_anybody_asks(world: World) -> None:
    run, actions = planned(world, ("put_odd", "cup"), ("lend_odd", "book"))
    ended(world, run, actions)
    said = page(world, "operator", f"/runs/{run.id}/undo/")
    assert said.index("What would be taken back") < said.index("What stays as it is")
    assert "lend_odd cannot be undone." in said
    assert "The run then needs a person" in said
    assert "Ask to undo 1 of 2 steps" in said
    assert run.status == "succeeded"


def test_what_was_taken_back_and_by_what_stands_on_the_run_the_card_and_the_report(world: World) -> None:
    run, (only,) = planned(world, ("put_odd", "cup"))
    ended(world, run, [only])
    line = {"step": 1, "action": str(only.id), "tool": "put_odd", "summary": "Put cup", "status": "done"}
    Report(id=uuid7(), organization_id=run.organization_id, run=run, lines=[line]).save(force_insert=True)
    asked = {"actor": world.operator, "organization": world.organization.id, "run_id": run.id}
    undo.undo_run(**asked, reason="A mistake.")
    undo.advance(run.id)
    assert "Step 2 is to take it back" in page(world, "operator", f"/runs/{run.id}/")
    back = Action.objects.get(undo_of=only.id)
    card = page(world, "reviewer", f"/actions/{back.id}/?words=1")
    assert "Takes back step 1" in card
    assert "A mistake." in card
    carried_out(world, back)
    undo.advance(run.id)
    undo.advance(run.id)
    said = page(world, "operator", f"/runs/{run.id}/")
    assert "Taken back by step 2" in said
    assert "Takes step 1 back" in said
    assert "Done, and taken back since" in said
    assert "Everything that it changed has been taken back" in said
    assert "took it back" in page(world, "reviewer", f"/actions/{only.id}/")


def test_a_stop_is_at_hand_for_every_run_that_moves_and_for_those_who_may(world: World) -> None:
    run, _ = planned(world, ("put_odd", "cup"))
    early = world.run("Nothing was proposed for this one yet")
    listed = page(world, "reviewer", "/runs/")
    for one in (run, early):
        assert f"/stop/?run={one.id}" in listed
        assert f"/stop/?run={one.id}" in page(world, "reviewer", f"/runs/{one.id}/")
        assert "Stop this run" in page(world, "reviewer", f"/stop/?run={one.id}")
    assert "/stop/?run=" not in page(world, "operator", "/runs/")


def test_a_run_that_has_ended_offers_no_stop(world: World) -> None:
    run, actions = planned(world, ("put_odd", "cup"))
    ended(world, run, actions)
    assert f"/stop/?run={run.id}" not in page(world, "reviewer", "/runs/")


def test_a_run_of_somebody_else_s_is_no_run_to_stop(world: World) -> None:
    early = world.run("Nothing was proposed for this one yet")
    stranger = Client()
    stranger.force_login(world.outsider, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert stranger.get(f"/stop/?run={early.id}").status_code == 404
    assert stranger.get(f"/stop/?run={uuid7()}").status_code == 404
