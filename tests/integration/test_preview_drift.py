"""Right before the call the tool is asked once more: what is no longer as it was decided on goes back to people."""

import json
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import Action, Permit, PreviewRow
from approvals.policy import DryRunState
from approvals.services import drift, execute
from approvals.tasks import execute_permitted, sign_permits
from tests.integration.test_preview import _shelf, answered, dry_run, freely, staged  # noqa: F401
from tests.support import seeing
from tests.support.racing import race
from tests.support.world import World, approved
from tools.looking import look
from tools.models import Execution
from traces.models import Event


def signed(world: World, tool: str = "shut_thing") -> Action:
    """A call that was decided on with its preview, and that an executor may make."""
    action = staged(world, tool)
    answered()
    action.refresh_from_db()
    approved(world, action)
    assert sign_permits() == 1
    action.refresh_from_db()
    return action


def other_state() -> None:
    seeing.SHELF["T-1"]["state"] = "half open"


def other_version() -> None:
    seeing.SHELF["T-1"]["version"] = 2


def other_thing() -> None:
    seeing.SHELF["T-1"]["title"] = "Red kettle"


CHANGES: dict[str, tuple[Callable[[], None], str]] = {
    "a value that would change": (other_state, "State was open and is half open now"),
    "what the prediction rests on": (other_version, "version was 1 and is 2 now"),
    "what an identifier names": (other_thing, "thing names was Blue kettle and is Red kettle now"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_no_longer_what_was_decided_on_goes_back_to_people_and_no_tool_is_called(
    what: str, world: World
) -> None:
    action = signed(world)
    change, said = CHANGES[what]
    change()
    assert execute_permitted() == 0
    told = dry_run(action)
    assert (action.status, action.revision, seeing.CALLS) == ("in_review", 3, [])
    assert (told.state, told.drifted) == (DryRunState.DONE, True)
    assert said in told.text
    assert not Execution.objects.exists()
    assert not Permit.objects.filter(revoked_at=None).exists()
    event = Event.objects.get(subject=action.id, verb="permit_void")
    assert said in event.reason
    findings = json.loads(action.revisions.get(number=3).ruling)["findings"]
    assert any(said in finding["text"] for finding in findings)
    assert any(finding["warning"] and finding["check"] == "dry_run" for finding in findings)


def test_after_people_have_looked_again_it_runs_as_it_is_now(world: World) -> None:
    action = signed(world)
    other_state()
    execute_permitted()
    action.refresh_from_db()
    approved(world, action)
    assert sign_permits() == execute_permitted() == 1
    action.refresh_from_db()
    assert (action.status, seeing.CALLS) == ("done", ["T-1"])


def test_what_drifts_again_goes_back_again(world: World) -> None:
    action = signed(world)
    other_state()
    execute_permitted()
    action.refresh_from_db()
    approved(world, action)
    sign_permits()
    other_version()
    assert execute_permitted() == 0
    assert "version was 1 and is 2 now" in dry_run(action).text
    assert (action.status, action.revision, seeing.CALLS) == ("in_review", 4, [])


def test_what_the_policy_had_let_go_waits_for_people_once_it_has_drifted(world: World) -> None:
    freely()
    action = staged(world)
    answered()
    sign_permits()
    other_state()
    assert execute_permitted() == sign_permits() == 0
    action.refresh_from_db()
    assert (action.status, seeing.CALLS) == ("in_review", [])


def test_a_call_that_would_fail_by_now_is_not_made(world: World) -> None:
    action = signed(world)
    seeing.ORDERS.append("refuse")
    assert execute_permitted() == 0
    told = dry_run(action)
    assert (told.state, action.status, seeing.CALLS) == (DryRunState.REFUSED, "denied", [])
    assert "nailed shut" in Event.objects.get(subject=action.id, verb="permit_void").reason


def test_a_tool_that_cannot_be_asked_once_more_is_not_called(world: World) -> None:
    action = signed(world)
    seeing.ORDERS.append("break")
    assert execute_permitted() == 0
    told = dry_run(action)
    assert (told.state, told.drifted, action.status, seeing.CALLS) == (DryRunState.FAILED, False, "in_review", [])
    approved(world, action)
    assert sign_permits() == execute_permitted() == 1


def test_a_tool_that_only_names_records_is_held_to_the_names(world: World) -> None:
    action = signed(world, "dust_thing")
    assert dry_run(action).state is DryRunState.NOT_OFFERED
    other_thing()
    assert execute_permitted() == 0
    assert dry_run(action).drifted is True
    assert (action.status, seeing.CALLS) == ("in_review", [])


def test_of_two_executors_that_see_it_one_sends_it_back(world: World) -> None:
    action = signed(world)
    other_state()
    (item,) = execute.waiting(20)
    question = drift.question(item)
    assert question is not None
    told = look(item.contract, question)
    assert sorted(race(*[lambda: drift.send_back(item, told)] * 2)) == [False, True]
    action.refresh_from_db()
    assert (action.revision, PreviewRow.objects.count()) == (3, 2)


def test_what_was_foreseen_is_looked_at_and_claimed_alone(world: World) -> None:
    first, second = signed(world), signed(world)
    real = seeing.LOOKS
    seeing.LOOKS.clear()
    assert execute_permitted() == 1  # the first shuts it, and so the second is no longer what was decided on
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status, seeing.CALLS) == ("done", "in_review", ["T-1"])
    assert real == ["T-1", "T-1"]


def test_the_card_shows_what_differs_from_what_was_decided_on(world: World) -> None:
    action = signed(world)
    other_state()
    execute_permitted()
    client = Client()
    client.force_login(world.reviewer, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = client.get(reverse("action", args=[action.id])).content.decode()
    assert "Blue kettle" in page
    assert "half open" in page
    assert "This changed since it was decided on" in page
