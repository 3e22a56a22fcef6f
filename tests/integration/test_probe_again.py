"""A person has the tool asked what became of a call of unknown outcome. The answer is shown, and a person decides."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from approvals.exceptions import CannotBeAsked, NotPermitted, PrincipalMayNotDecide
from approvals.models import Action, Decision
from approvals.services import probe
from approvals.services.verdict import happened
from approvals.tasks import execute_permitted, probe_again
from lam_app.sweep import sweep
from tests.support import tools as odd
from tests.support.permits import signed
from tests.support.sql import without_guards
from tests.support.stops import lift
from tests.support.voting import signed_in
from tests.support.world import World
from tools.killswitch import engage
from tools.models import Execution
from traces.models import Event, EventDetail


@pytest.fixture(autouse=True)
def obedient() -> None:
    odd.reset()


def in_doubt(world: World, tool: str = "odd_queryable") -> Action:
    """A call whose outcome nobody knows: it broke off after its effect, and the tool could not say."""
    odd.ORDERS.extend(["break_after", "probe_breaks"])
    action = signed(world, tool=tool, arguments={"text": "once"})
    execute_permitted()
    action.refresh_from_db()
    assert action.status == "uncertain"
    odd.reset()
    return action


def press(client: Client, action: Action, **more: Any) -> Any:
    return client.post(f"/actions/{action.pk}/probe/", **more)


def answers(action: Action) -> list[str]:
    events = Event.objects.filter(subject=action.id, verb="probed").order_by("id")
    return [json.loads(EventDetail.objects.get(event=event.id).detail)["answer"] for event in events]


def test_what_the_tool_says_is_shown_and_a_person_still_decides(world: World) -> None:
    action, reviewer = in_doubt(world), signed_in(world, "reviewer")
    page = reviewer.get(f"/actions/{action.pk}/").content.decode()
    assert "Ask the tool again" in page
    assert press(reviewer, action).status_code == 302
    page = reviewer.get(f"/actions/{action.pk}/").content.decode()
    assert "The tool is being asked." in page
    assert "every 1s" in page  # the page follows it
    assert "Ask the tool again" not in page
    assert odd.PROBES == []  # the web asks no tool
    assert probe_again() == 1
    key = Execution.objects.get(action=action.id).key
    assert ([key], [], ["happened"]) == (odd.PROBES, odd.CALLS, answers(action))
    page = reviewer.get(f"/actions/{action.pk}/").content.decode()
    assert probe.HAPPENED in page
    assert "every 1s" not in page
    action.refresh_from_db()
    assert (action.status, Decision.objects.filter(verb="happened").count()) == ("uncertain", 0)
    happened(
        actor=world.reviewer,
        organization=world.organization.id,
        action_id=action.id,
        digest=action.digest,
        reason="It is there, and the tool says so too.",
    )
    action.refresh_from_db()
    assert action.status == "done"
    assert press(reviewer, action).status_code == 409  # known by now


def test_a_tool_that_knows_nothing_and_one_that_cannot_say_are_told_as_such(world: World) -> None:
    action, reviewer = in_doubt(world), signed_in(world, "reviewer")
    with without_guards() as admin:
        admin.execute("DELETE FROM tools_note")
    press(reviewer, action)
    assert probe_again() == 1
    odd.ORDERS.append("probe_breaks")
    press(reviewer, action)
    assert probe_again() == 1
    assert answers(action) == ["absent", "unclear"]
    assert "The tool cannot say." in reviewer.get(f"/actions/{action.pk}/").content.decode()
    assert odd.CALLS == []


def test_a_question_is_asked_once_however_often_the_button_is_pressed(world: World) -> None:
    action, reviewer = in_doubt(world), signed_in(world, "reviewer")
    assert [press(reviewer, action).status_code for _ in range(5)] == [302] * 5
    assert (probe_again(), probe_again(), len(odd.PROBES)) == (1, 0, 1)
    assert Event.objects.filter(subject=action.id, verb="probe_asked").count() == 1


def test_the_sweep_finds_a_question_that_no_message_announced_until_nobody_waits_for_it(world: World) -> None:
    action = in_doubt(world)
    press(signed_in(world, "reviewer"), action)
    assert "approvals.tasks.probe_again" in sweep()
    with without_guards() as admin:
        admin.execute(
            "UPDATE traces_event SET at = at - interval '4 minutes' WHERE subject = %s AND verb = 'probe_asked'",
            [action.id],
        )
    assert "approvals.tasks.probe_again" not in sweep()
    assert (probe_again(), odd.PROBES) == (0, [])
    page = signed_in(world, "reviewer").get(f"/actions/{action.pk}/").content.decode()
    assert "The tool was asked, and no answer came." in page
    assert "Ask the tool again" in page


def test_whoever_may_not_review_may_not_ask_and_is_remembered(world: World) -> None:
    action = in_doubt(world)
    for name, refusal in (("auditor", NotPermitted), ("operator", PrincipalMayNotDecide)):
        with pytest.raises(refusal):
            probe.ask_again(actor=world.people[name], organization=world.organization.id, action_id=action.id)
        assert press(signed_in(world, name), action).status_code == 403
    assert press(signed_in(world, "outsider"), action).status_code == 404
    assert press(Client(), action).status_code == 302  # to the sign-in page
    careless = Client(enforce_csrf_checks=True)
    careless.force_login(world.reviewer, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert press(careless, action).status_code == 403
    assert press(signed_in(world, "reviewer"), action, data={"decision": "happened"}).status_code == 400
    assert not Event.objects.filter(subject=action.id, verb="probe_asked").exists()
    assert Event.objects.filter(subject=action.id, verb="refused").count() == 4
    assert probe_again() == 0


@pytest.mark.parametrize("tool", ["odd_keyed", "odd_neither"])
def test_only_a_queryable_tool_can_be_asked(world: World, tool: str) -> None:
    odd.ORDERS.extend(["break_after"] * 9)
    action = signed(world, tool=tool, arguments={"text": "once"})
    execute_permitted()
    with pytest.raises(CannotBeAsked):
        probe.ask_again(actor=world.reviewer, organization=world.organization.id, action_id=action.id)
    page = signed_in(world, "reviewer").get(f"/actions/{action.pk}/").content.decode()
    assert "Ask the tool again" not in page
    assert "say what you found" in page


def test_under_a_stop_the_tool_is_asked_and_nothing_is_done(world: World) -> None:
    action = in_doubt(world)
    switch = engage(
        actor=world.reviewer, organization=world.organization.id, scope="organization", target=None, reason="Look"
    )
    press(signed_in(world, "reviewer"), action)
    assert probe_again() == 1
    assert (answers(action), odd.CALLS) == (["happened"], [])
    lift(actor=world.administrator, organization=world.organization.id, switch_id=switch.id)


def test_two_executors_do_not_ask_at_once(world: World) -> None:
    from tests.support.sql import speaking_as

    action = in_doubt(world)
    press(signed_in(world, "reviewer"), action)
    with speaking_as("worker") as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"probe:{action.id}"])
        assert (probe_again(), odd.PROBES) == (0, [])
    assert probe_again() == 1
