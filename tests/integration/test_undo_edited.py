"""A compensation takes back one effect: with other arguments it would be another call, and count as this one."""

import json
from dataclasses import replace
from typing import Any

import pytest

from approvals.exceptions import UndoIsNotEdited
from approvals.models import Action
from approvals.services.edit import edit
from approvals.services.undo import compensate, effects_of
from tests.integration.test_undo import ask, compensation, finished_run, go_on, obedient  # noqa: F401
from tests.support.voting import browser, just_now
from tests.support.world import World
from tools.models import Tool
from tools.saga import undoing_of
from traces.models import Event


def asked_back(world: World) -> Action:
    run, (only,) = finished_run(world, ("put_odd", "cup"))
    ask(world, run)
    go_on(run)
    return compensation(only)


def test_t101_nobody_makes_another_call_of_an_undo(world: World) -> None:
    back = asked_back(world)
    asked: dict[str, Any] = {"organization": world.organization.id, "action_id": back.id, "digest": back.digest}
    with pytest.raises(UndoIsNotEdited):
        edit(actor=world.reviewer, arguments={"receipt": "another's"}, signed_in_at=just_now(), **asked)
    back.refresh_from_db()
    assert (back.status, back.revision) == ("in_review", 1)
    assert Event.objects.filter(subject=back.id, verb="refused").exists()


def test_the_form_of_an_undo_says_that_it_is_not_edited(world: World) -> None:
    back = asked_back(world)
    form = {"digest": back.digest, "reason": "x", "argument:receipt": "another's"}
    answer = browser(world, "reviewer").post(f"/actions/{back.pk}/edit/", form)
    assert answer.status_code == 409
    assert "takes back what was done" in answer.content.decode()
    back.refresh_from_db()
    assert back.revision == 1


@pytest.mark.parametrize("trusted", [True, False])
def test_t100_a_tool_that_is_not_trusted_chooses_nothing_that_runs_by_itself(trusted: bool, world: World) -> None:
    run, (only,) = finished_run(world, ("put_odd", "cup"))
    Tool.objects.filter(name="take_odd").update(maturity="audit_only")
    (effect,) = effects_of(run.organization_id, run.id)
    contract = replace(effect.contract, trusted_output=trusted)
    undoing = undoing_of(replace(effect, contract=contract, result={"receipt": "somebody else's"}))
    back = compensate(undoing, original=only, step=2, asked_by=world.operator.pk, why="A mistake.")
    (found,) = [f for f in json.loads(back.revisions.get().ruling)["findings"] if f["check"] == "provenance"]
    assert found["verdict"] == ("allow" if trusted else "review")
    outside = "receipt comes from text that came from outside (step 1, put_odd)."
    assert found["text"] == (
        "Arguments come from where they may: receipt from a trusted record." if trusted else outside
    )
