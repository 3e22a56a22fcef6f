"""Nothing that a reviewer sees of a canary is missing on real requests of the same agent, or the other way round."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from approvals.models import Action, Grant
from approvals.reading.card import card
from approvals.services.approve import approve
from approvals.services.grant import make_grant
from approvals.services.plant import plant
from approvals.services.reject import reject
from lam_app import loop
from lam_app.models import Run
from lam_app.planted import sources
from lam_app.tasks import advance_runs
from tests.integration.test_t52_canaries import GOAL, canary, runs_nothing, template
from tests.support.api import make_api
from tests.support.desking import on
from tests.support.granting import TOOL, WANTED, allow, may_grant, pay
from tests.support.paying import payment
from tests.support.sql import REFUSED, connected_as, copied, refusal, without_guards
from tests.support.voting import browser, just_now, status
from tests.support.world import MESSAGE, World, approved

ASKED = "Pay " + " to ".join(reversed(list(payment("40").values())))
"""A goal that names what is paid, and to whom."""


def last_real(world: World, **said: object) -> Action:
    """A real request of the tool's own agent, which is over."""
    api = make_api(world)
    answer = api.bot.post("actions", {"tool": "send_message", "arguments": MESSAGE, **said})
    assert answer.status_code == 202
    real = Action.objects.get(pk=answer.json()["id"])
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET status = 'rejected' WHERE id = %s", [real.pk])
    return real


def test_t52_an_agent_that_says_how_sure_it_is_says_so_of_a_canary_too(world: World) -> None:
    real = last_real(world, confidence=0.9)
    bird = canary(world)
    assert (bird.stated_confidence, bird.origin, bird.step) == (real.stated_confidence, real.origin, real.step)
    assert card(bird).stated_percent == 90


def test_t52_one_that_never_does_says_nothing_of_a_canary_either(world: World) -> None:
    last_real(world)
    assert canary(world).stated_confidence is None


def test_t52_whoever_stands_behind_an_agents_calls_stands_behind_a_canary_too(world: World) -> None:
    real = last_real(world)
    behind = sorted([*real.principals, world.reviewer2.pk])
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET principals = %s WHERE id = %s", [behind, real.pk])
    assert sorted(canary(world).principals) == behind


def test_t52_a_yes_to_a_canary_and_to_calls_like_it_is_a_yes_and_no_refusal(world: World) -> None:
    """A refusal would tell whoever says yes to everything what it is, and leave them to say something else."""
    may_grant(world)
    bird = plant(template(world, tool=TOOL, arguments=payment("40"), goal=ASKED), sources)
    assert bird is not None
    bird.refresh_from_db()
    made = make_grant(
        actor=world.reviewer,
        organization=world.organization.id,
        action_id=bird.id,
        digest=bird.digest,
        wanted=WANTED,
        signed_in_at=just_now(),
    )
    assert made is None
    assert not Grant.objects.exists()
    assert status(bird) == "withdrawn"
    assert [one.verb for one in bird.decisions.all()] == ["approve"]
    runs_nothing(bird)
    assert allow(world, pay(world)).reason == WANTED.reason  # as a real one is allowed


def test_t52_no_account_writes_a_grant_by_a_canarys_example(world: World) -> None:
    may_grant(world)
    real = allow(world, pay(world))
    bird = plant(template(world, tool=TOOL, arguments=payment("40"), goal=ASKED), sources)
    assert bird is not None
    revision = bird.revisions.get()
    with connected_as("owner") as owner:
        said = refusal(owner, *copied("approvals_grant", real.pk, example_id=bird.pk, revision_id=revision.pk))
    assert said == (REFUSED, "approvals_grant: a canary is no example of what may happen")


@pytest.fixture
def planned(world: World, standin: None) -> tuple[Action, Action]:
    """A request that the planner made for a goal, and a canary beside it; one of its requests is over."""
    for _ in range(2):
        world.run()
        assert advance_runs() == 1
    over, real = Action.objects.order_by("id")
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET status = 'rejected' WHERE id = %s", [over.pk])
        admin.execute("UPDATE lam_app_run SET status = 'needs_human' WHERE id = %s", [over.run])
    bird = plant(template(world, claim="They asked for it."), sources)
    assert bird is not None
    bird.refresh_from_db()
    return real, bird


def shape(page: Any) -> list[tuple[str, str]]:
    """What a page is made of, without what it says."""
    assert page.status_code == 200
    return re.findall(r"<(\w+)(?:[^>]*? class=\"([^\"]*)\")?", page.content.decode())


@pytest.mark.parametrize(
    "there", ["/runs/{run}/", "/runs/{run}/goal/", "/runs/{run}/plan/?step=1", "/runs/{run}/report/"]
)
def test_t52_a_canary_of_the_planners_tools_leads_to_a_run_like_theirs(
    world: World, planned: tuple[Action, Action], there: str
) -> None:
    _, bird = planned
    reviewer = browser(world, "reviewer")
    pages = [reviewer.get(there.format(run=one.run)) for one in planned]
    assert shape(pages[0]) == shape(pages[1])
    assert "canary" not in pages[1].content.decode().lower()
    assert f"/runs/{bird.run}/" in reviewer.get(f"/actions/{bird.pk}/").content.decode()


def test_t52_a_canary_of_the_planners_tools_has_their_origin_and_sources(
    world: World, planned: tuple[Action, Action]
) -> None:
    real, bird = planned
    for name in ("origin", "step", "stated_confidence", "confidence", "agent_id", "initiator_id", "principals"):
        assert getattr(bird, name) == getattr(real, name), name
    facts = [json.loads(one.revisions.get().facts) for one in planned]
    assert [sorted(one["provenance"][0]) for one in facts] == [["path", "source", "told"]] * 2
    assert {one["source"] for one in facts[1]["provenance"]} >= {"goal"}  # what the goal says comes from the goal
    reviewer = browser(world, "reviewer")
    assert reviewer.get(f"/runs/{bird.run}/live/?seen=x").status_code == 200


def test_t52_the_list_of_runs_has_it_in_its_place_and_in_its_part(world: World, planned: tuple[Action, Action]) -> None:
    real, bird = planned
    reviewer = browser(world, "reviewer")
    newest = sorted((real.run, bird.run), reverse=True)
    for part, found in (("", newest), ("moving", newest), ("needs", []), ("ended", [])):
        page = reviewer.get("/runs/", {"state": part}).content.decode()
        listed = re.findall(r'class="list-title" href="/runs/([^/]+)/"', page)
        assert [run for run in listed if run in set(map(str, newest))] == list(map(str, found)), part
    older = reviewer.get("/runs/", {"before": str(bird.run)}).content.decode()
    assert str(bird.run) not in older
    on(world, reject, "reviewer", bird, reason="Nobody asked for this.")
    assert str(bird.run) in reviewer.get("/runs/", {"state": "ended"}).content.decode()
    assert str(bird.run) not in reviewer.get("/runs/", {"state": "moving"}).content.decode()
    assert "It was a canary." in reviewer.get(f"/runs/{bird.run}/").content.decode()


def test_t52_there_is_no_such_run_to_anything_that_works_on_runs_and_to_whom_it_seems_to_act_for(
    world: World, planned: tuple[Action, Action]
) -> None:
    real, bird = planned
    assert not Run.objects.filter(pk=bird.run).exists()
    assert bird.run not in loop.due()
    operator = browser(world, "operator")
    assert operator.get(f"/runs/{bird.run}/").status_code == 404
    assert str(bird.run) not in operator.get("/runs/").content.decode()
    assert browser(world, "outsider").get(f"/runs/{bird.run}/").status_code == 404
    for way, form in (("cancel", {}), ("input", {"text": "x"}), ("correct", {"goal": "x"}), ("undo", {"reason": "x"})):
        answer = browser(world, "administrator").post(f"/runs/{bird.run}/{way}/", form)
        assert answer.status_code == 404, way
    assert status(bird) == "in_review"
    on(world, approve, "reviewer", bird, signed_in_at=just_now())
    runs_nothing(bird)
    approved(world, real)
    assert advance_runs() == 0  # the yes to the canary moved nobody's run


def test_an_auditor_is_told_plainly_that_it_is_one(world: World, planned: tuple[Action, Action]) -> None:
    real, bird = planned
    auditor = browser(world, "auditor")
    for there in (f"/actions/{bird.pk}/", f"/runs/{bird.run}/"):
        assert "This is a canary." in auditor.get(there).content.decode()
        assert "This is a canary." not in browser(world, "reviewer").get(there).content.decode()
    for there in (f"/actions/{real.pk}/", f"/runs/{real.run}/"):
        assert "data-canary" not in auditor.get(there).content.decode()
    assert GOAL in auditor.get("/audit/people/canaries/").content.decode()
    # And is not told that somebody gave this goal, which the record does not say.
    assert "Goal accepted" in browser(world, "reviewer").get(f"/runs/{bird.run}/").content.decode()
    assert "Goal accepted" not in auditor.get(f"/runs/{bird.run}/").content.decode()
