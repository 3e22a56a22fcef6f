"""The stop at the command line: every scope, two people, two stages, a drill that stops nothing."""

import uuid
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from approvals.tasks import execute_permitted, sign_permits
from tests.support.world import World, approved
from tools.models import KillSwitch, OutboxMessage
from traces.models import Event


def kill(*words: str) -> list[str]:
    """Run the command; its lines."""
    out = StringIO()
    call_command("kill", *words, stdout=out)
    return out.getvalue().splitlines()


def engaged(*words: str) -> KillSwitch:
    said = kill("engage", *words, "--reason", "Stop it.", "--as", "reviewer")
    return KillSwitch.objects.get(pk=said[-1])


def test_everything_is_stopped_in_every_organization_and_told_in_each(world: World) -> None:
    switch = engaged("--scope", "everything")
    assert (switch.scope, switch.organization_id, switch.scope_key) == ("everything", None, "everything")
    assert world.staged().status == "denied"
    told = Event.objects.filter(subject=switch.pk, verb="stop_engaged")
    assert {event.organization for event in told} == {world.organization.id, world.elsewhere.id}


@pytest.mark.parametrize(
    ("scope", "target", "says"),
    [
        ("organization", "", "The whole organization is stopped"),
        ("tool", "send_message", "Tool send_message is stopped"),
        ("agent", "planner", "Agent planner is stopped"),
        ("initiator", "operator", "Whatever acts for operator is stopped"),
    ],
)
def test_each_scope_is_engaged_by_name(world: World, scope: str, target: str, says: str) -> None:
    words = ["--scope", scope, "--organization", "demo", *(["--target", target] if target else [])]
    said = kill("engage", *words, "--reason", "Stop it.", "--as", "reviewer")
    assert said[0].startswith(f"{says}: armed at ")
    assert any(says in line and "(armed; reviewer)" in line for line in kill("list"))
    assert world.staged().status == "denied"


def test_a_run_is_stopped_by_its_id(world: World) -> None:
    action = world.staged()
    switch = engaged("--scope", "run", "--organization", "demo", "--target", str(action.run))
    assert switch.scope_key in action.scopes


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--scope", "tool", "--organization", "demo", "--target", "nothing"], "--target: demo has no tool"),
        (["--scope", "run", "--organization", "demo", "--target", "x"], "--target: demo has no run"),
        (["--scope", "organization", "--organization", "nowhere"], "--organization: there is no"),
        (["--scope", "run", "--organization", "demo", "--target", str(uuid.uuid4())], "no such"),
    ],
)
def test_what_is_not_there_is_said_by_its_option(world: World, words: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        kill("engage", *words, "--reason", "Stop it.", "--as", "reviewer")
    assert not KillSwitch.objects.exists()


def test_lifting_takes_a_second_person_and_two_stages(world: World) -> None:
    switch = engaged("--scope", "everything")
    over = ["--reason", "It is over."]
    with pytest.raises(CommandError, match="Somebody else has to"):
        kill("ease", str(switch.pk), *over, "--as", "reviewer")
    with pytest.raises(CommandError, match="first"):
        kill("release", str(switch.pk), *over, "--as", "reviewer2")
    kill("ease", str(switch.pk), *over, "--as", "reviewer2")
    assert "people decide again" in kill("list")[0]
    kill("release", str(switch.pk), *over, "--as", "reviewer2")
    assert kill("list") == []


def test_a_drill_measures_and_stops_nothing(world: World) -> None:
    action = world.staged()
    approved(world, action)
    sign_permits()
    said = kill("drill", "--organization", "demo", "--as", "reviewer")
    assert said[0].startswith("armed after ")
    assert "0 in flight; quiet after" in said[0]
    assert not KillSwitch.objects.exists()
    assert Event.objects.filter(verb="stop_drill", subject=world.organization.id).count() == 1
    assert execute_permitted() == 1
    assert OutboxMessage.objects.count() == 1


def test_a_drill_is_for_those_who_may_stop(world: World) -> None:
    with pytest.raises(CommandError):
        kill("drill", "--organization", "demo", "--as", "operator")
