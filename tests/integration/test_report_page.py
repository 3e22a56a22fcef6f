"""The report of a run as a page: what was done and by whose yes, what was not and why; and the corrected goal above."""

from __future__ import annotations

import pytest

from approvals.models import Action
from approvals.services.reject import reject
from approvals.tasks import execute_permitted, sign_permits
from lam_app.attachments.files import Upload, read_all
from lam_app.correct import correct_goal
from lam_app.hooks import receive
from lam_app.models import Run
from lam_app.runs import submit
from lam_app.tasks import advance_runs
from tests.support.files import NOTE
from tests.support.model import Script, finish, fresh, note, only_notes, said, script  # noqa: F401 - a fixture
from tests.support.signing import hook_of, signed
from tests.support.voting import signed_in
from tests.support.world import World, approved

GOAL = "Write a note about order 1009: call back"


def done(world: World, run: Run) -> None:
    """One step approved and carried out, and the run gone on."""
    approved(world, Action.objects.get(run=run.pk, status="in_review"))
    sign_permits()
    execute_permitted()
    advance_runs()


def refused(world: World, run: Run) -> None:
    action = Action.objects.get(run=run.pk, status="in_review")
    reject(
        actor=world.reviewer, organization=world.organization.id, action_id=action.pk, digest=action.digest,
        reason="They called already.", code="duplicate",
    )  # fmt: skip
    advance_runs()


def begun(world: World, model: Script, *answers: object) -> Run:
    only_notes(world)
    left = iter(answers)
    model.say = lambda _: (200, said(next(left)))
    reads = read_all([Upload("mail.txt", NOTE)])
    run = submit(initiator=world.operator, organization=world.organization.id, goal=GOAL, attached=reads)
    advance_runs()
    return run


def text(world: World, name: str, path: str) -> str:
    answer = signed_in(world, name).get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_says_what_was_done_what_was_not_and_why(world: World, script: Script) -> None:  # noqa: F811
    run = begun(world, script, note("Call back"), note("Call again"), finish("I noted both."))
    done(world, run)
    refused(world, run)
    assert fresh(run).status == "succeeded"
    page = text(world, "operator", f"/runs/{run.pk}/report/")
    was_done, was_not = page.split('id="h-left"')
    first, second = Action.objects.filter(run=run.pk).order_by("step")
    assert f"/actions/{first.pk}/" in was_done
    assert "approved by reviewer" in was_done
    assert f"/actions/{second.pk}/" in was_not
    assert "It was done already They called already." in was_not
    assert "I noted both." in page
    assert "Unverified" in page
    assert "mail.txt" in page
    assert "So far" not in page


def test_a_claim_without_a_ledger_row_is_marked(world: World, script: Script) -> None:  # noqa: F811
    run = begun(world, script, finish("I paid everybody."))
    page = text(world, "operator", f"/runs/{run.pk}/report/")
    assert "Treat these words as untrue." in page
    assert "Nothing. The ledger has no row" in page


def test_a_run_under_way_is_told_so_far(world: World, script: Script) -> None:  # noqa: F811
    run = begun(world, script, note("Call back"))
    page = text(world, "reviewer", f"/runs/{run.pk}/report/")
    assert "So far" in page
    assert "It still waits." in page


@pytest.mark.parametrize("name", ["outsider"])
def test_it_is_for_those_who_may_look_at_the_run(world: World, script: Script, name: str) -> None:  # noqa: F811
    run = begun(world, script, note("Call back"))
    assert signed_in(world, name).get(f"/runs/{run.pk}/report/").status_code == 404


def test_a_webhooks_run_says_what_gave_it(world: World) -> None:
    hook, secret = hook_of(world)
    found = receive(hook.pk, signed(secret, NOTE), NOTE)
    page = text(world, "operator", f"/runs/{found.run}/report/")
    assert "the webhook" in page
    assert "shop" in page
    assert "msg_1" in page
    assert "shop" in text(world, "operator", f"/runs/{found.run}/")


def test_progress_says_how_far_it_is_and_whom_it_waits_for(world: World, script: Script) -> None:  # noqa: F811
    run = begun(world, script, note("Call back"), note("Call again"))
    page = text(world, "operator", f"/runs/{run.pk}/")
    assert "<strong>0 of 1</strong> step done" in page
    assert "reviewers</span>" in page.split('aria-label="Progress"')[1].split("</div>")[0]
    done(world, run)
    assert "<strong>1 of 2</strong> steps done" in text(world, "operator", f"/runs/{run.pk}/")


def test_a_corrected_goal_stands_in_the_place_of_the_old_one(world: World, script: Script) -> None:  # noqa: F811
    run = begun(world, script, {"kind": "ask", "question": "Which?"}, note("Call back"))
    from lam_app.models import RunPlan

    RunPlan.objects.create(organization=world.organization, run=run, number=1, goal="as the agent read it")
    anew = "Write a note about order 1010: call back"
    correct_goal(actor=world.operator, organization=world.organization.id, run_id=run.pk, text=anew)
    for path in (f"/runs/{run.pk}/", f"/runs/{run.pk}/report/"):
        page = text(world, "operator", path)
        heading = page.split('<h1 class="goal">')[1].split("</h1>")[0]
        assert "1010" in heading
        assert "1009" not in heading
        assert "1009" in page.split("</h1>")[1].split("</header>")[0]
    RunPlan.objects.create(organization=world.organization, run=run, number=3, goal="as the agent reads it now")
    assert "1010" in text(world, "operator", f"/runs/{run.pk}/").split("</h1>")[0]
    listed = text(world, "operator", "/runs/")
    assert anew in listed
    assert GOAL not in listed
