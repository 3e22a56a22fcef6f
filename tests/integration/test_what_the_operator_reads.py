"""What whoever asked for a run reads of it: who has to do something now, and each thing once."""

import re

from approvals.services.ask import ask
from approvals.services.reject import reject
from lam_app.models import Run
from tests.support.desking import on
from tests.support.voting import browser
from tests.support.world import World


def page(world: World, run: Run, name: str = "operator") -> str:
    """The run's page, without its markup."""
    answer = browser(world, name).get(f"/runs/{run.pk}/")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_a_run_that_waits_for_an_answer_says_whose(world: World) -> None:
    run = world.run()
    action = world.staged(run=run.pk)
    assert "Waits for somebody else" in page(world, run)
    assert "Waits for a reviewer" in page(world, run, "reviewer")
    on(world, ask, "reviewer", action, "Which customer is this?")
    mine = page(world, run)
    assert "Waits for your answer" in mine
    assert "a reviewer waits for your answer" in mine
    assert "Waits for somebody else" not in mine
    assert "Waits for operator’s answer" in page(world, run, "reviewer")


def test_why_a_step_was_rejected_is_told_once_in_its_story(world: World) -> None:
    run = world.run()
    action = world.staged(run=run.pk)
    on(world, reject, "reviewer", action, "The parcel has arrived.", code="not_needed")
    story = page(world, run).split("What happened", 1)[1].split("Report", 1)[0]
    assert story.count("The parcel has arrived.") == 1
    assert "Rejected by a person" in story
