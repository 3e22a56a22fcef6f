"""Somebody is away: what they had taken goes to who stands in, where they may decide, and else back to everybody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.exceptions import ChangeRefused
from accounts.models import Absence
from approvals.exceptions import NobodyToTakeIt
from approvals.models import Action
from approvals.services.assign import assign
from approvals.services.away import back_at_desk, leave_desk
from tests.support.desking import does, has_it, told
from tests.support.sql import REFUSED, copied, refusal
from tests.support.voting import browser, status
from tests.support.world import World
from tools.matrix import holders
from traces.clock import now
from traces.models import Event


def taken(world: World, **more: Any) -> Action:
    """An action that the reviewer has taken."""
    action = world.staged(**more)
    does(world, assign, "reviewer", action)
    return action


def leaves(world: World, stand_in: str = "", hours: int = 8) -> tuple[Absence, int, int]:
    """The reviewer goes away."""
    until = now() + timedelta(hours=hours)
    return leave_desk(actor=world.reviewer, organization=world.organization.id, until=until, stand_in=stand_in)


def test_what_they_had_taken_goes_to_who_stands_in(world: World) -> None:
    action = taken(world)
    _, handed, freed = leaves(world, "reviewer2")
    assert (handed, freed, has_it(action)) == (1, 0, world.reviewer2.id)
    assert told(world, action)[-1] == "reassigned"
    assert status(action) == "in_review"


def test_without_a_stand_in_it_is_everybodys_again(world: World) -> None:
    action = taken(world)
    assert leaves(world)[1:] == (0, 1)
    assert has_it(action) is None
    assert told(world, action)[-1] == "released"


def test_a_stand_in_gets_nothing_that_they_may_not_decide_on(world: World) -> None:
    action = taken(world)
    own = taken(world, principals=(world.operator.id, world.reviewer2.id))
    assert leaves(world, "developer")[1:] == (0, 2)
    assert has_it(action) is None
    before = {one.user for one in holders(world.organization.id, world.tool().id, "review")}
    assert world.developer.id not in before
    does(world, assign, "reviewer", own)
    assert leaves(world, "reviewer2")[1:] == (0, 1)  # it acts for them
    assert has_it(own) is None


@pytest.mark.parametrize("name", ["outsider", "nobody-here", "reviewer"])
def test_a_stand_in_is_somebody_else_of_the_organization(world: World, name: str) -> None:
    action = taken(world)
    with pytest.raises(NobodyToTakeIt):
        leaves(world, name)
    assert has_it(action) == world.reviewer.id
    assert not Absence.objects.exists()


@pytest.mark.parametrize("hours", [-1, 91 * 24])
def test_somebody_is_away_for_a_while(world: World, hours: int) -> None:
    with pytest.raises(ChangeRefused):
        leaves(world, hours=hours)


def test_saying_it_anew_takes_the_place_of_what_was_said_and_coming_back_ends_it(world: World) -> None:
    leaves(world)
    leaves(world, "reviewer2")
    assert Absence.objects.filter(ended_at=None).count() == 1
    assert back_at_desk(actor=world.reviewer, organization=world.organization.id)
    assert not back_at_desk(actor=world.reviewer, organization=world.organization.id)
    assert not Absence.objects.open().exists()
    verbs = Event.objects.filter(subject_kind="absence").order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["away", "back", "away", "back"]


def test_the_database_keeps_it_told_and_at_home(world: World, as_web: Any) -> None:
    absence, _, _ = leaves(world)
    assert refusal(as_web, "UPDATE accounts_absence SET ended_at = now() WHERE id = %s", [absence.id])[0] == REFUSED
    back_at_desk(actor=world.reviewer, organization=world.organization.id)
    again = {"person_id": world.reviewer2.id, "ended_at": None}
    assert refusal(as_web, *copied("accounts_absence", absence.id, **again))[0] == REFUSED  # untold
    foreign = {**again, "stand_in_id": world.outsider.id}
    code, said = refusal(as_web, *copied("accounts_absence", absence.id, **foreign))
    assert (code, said) == (REFUSED, "accounts_absence: somebody of another organization")


def test_the_page_says_it_in_the_persons_own_time_and_back_again(world: World) -> None:
    taken(world)
    world.reviewer.time_zone = "Europe/Berlin"
    world.reviewer.save(update_fields=["time_zone"])
    reviewer = browser(world, "reviewer")
    until = (now() + timedelta(days=2)).strftime("%Y-%m-%dT09:00")
    answer = reviewer.post("/settings/away/", {"what": "away", "until": until, "stand_in": "reviewer2"})
    assert answer.status_code == 302
    assert answer["Location"].endswith("?handed=1&freed=0")
    said = Absence.objects.get()
    assert said.until.strftime("%H:%M") in {"07:00", "08:00"}
    assert b"You are away" in reviewer.get("/settings/away/").content
    assert reviewer.post("/settings/away/", {"what": "back"}).status_code == 302
    assert b"You are away" not in reviewer.get("/settings/away/").content


@pytest.mark.parametrize(
    ("form", "answer"),
    [
        ({"what": "away", "until": "soon"}, 422),
        ({"what": "away", "until": "2020-01-01T00:00"}, 422),
        ({"what": "away", "until": "2020-01-01T00:00", "stand_in": "outsider"}, 422),
        ({"what": "elsewhere"}, 400),
        ({"what": "back", "person": "reviewer2"}, 400),
    ],
)
def test_what_the_page_cannot_mean_is_refused(world: World, form: dict[str, str], answer: int) -> None:
    refused = browser(world, "reviewer").post("/settings/away/", form)
    assert refused.status_code == answer
    assert not Absence.objects.exists()
