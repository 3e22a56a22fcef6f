"""``manage.py agent``: agents from outside, with somebody who answers for them, and an event for each change."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import ProgrammingError

from accounts.models import Agent
from approvals.models import Action
from approvals.tasks import execute_permitted
from tests.support.api import Caller, account, token_of
from tests.support.permits import signed
from tests.support.world import MESSAGE, World
from tools.models import AgentTool, OutboxMessage
from traces.models import Event

WHY = ("--reason", "It was compromised.")


def agent(*arguments: str, organization: str = "demo") -> str:
    out = io.StringIO()
    call_command("agent", *arguments, "--organization", organization, stdout=out)
    return out.getvalue()


def made(world: World, name: str = "claims-bot") -> Agent:
    agent("create", name, "--owner", "operator", "--tool", "send_message", "--tool", "write_note")
    return Agent.objects.get(organization=world.organization, name=name)


def proposed(caller: Caller, tool: str = "send_message") -> Any:
    arguments = MESSAGE if tool == "send_message" else {"text": "hello"}
    return caller.post("actions", {"tool": tool, "arguments": arguments})


def test_an_agent_is_registered_with_owner_tier_and_tools_and_an_event_tells_of_it(world: World) -> None:
    found = made(world)
    assert (found.owner, found.tier, found.enabled, found.builtin) == (world.operator, "write", True, False)
    assert sorted(AgentTool.objects.filter(agent=found).values_list("tool__name", flat=True)) == [
        "send_message",
        "write_note",
    ]
    event = Event.objects.get(subject=found.id)
    assert (event.verb, event.subject_kind, event.actor_name) == ("agent_registered", "agent", "command line")


def test_it_may_propose_its_tools_and_no_others(world: World) -> None:
    agent("create", "claims-bot", "--owner", "operator", "--tool", "send_message")
    bot = Caller(token_of(world, "operator", "agent", Agent.objects.get(name="claims-bot")))
    assert proposed(bot).json()["status"] == "in_review"
    refusal = proposed(bot, "write_note").json()
    assert refusal["status"] == "denied"
    assert [f["check"] for f in refusal["findings"] if f["verdict"] == "deny"] == ["rbac"]


def test_one_without_tools_may_propose_nothing(world: World) -> None:
    agent("create", "claims-bot", "--owner", "operator")
    bot = Caller(token_of(world, "operator", "agent", Agent.objects.get(name="claims-bot")))
    assert proposed(bot).json()["status"] == "denied"


def test_the_list_shows_everybodys_standing(world: World) -> None:
    made(world)
    agent("create", "reader", "--owner", "operator", "--tier", "read")
    agent("disable", "reader", *WHY)
    lines = agent("list").splitlines()
    assert "claims-bot: enabled, up to write, operator answers for it; tools: send_message, write_note" in lines
    assert "reader: switched off, up to read, operator answers for it; tools: none" in lines
    assert any(line.startswith("planner: built in, ") for line in lines)
    assert "claims-bot" not in agent("list", organization="elsewhere")


def test_switched_off_it_proposes_nothing_and_what_it_has_under_way_does_not_leave(world: World) -> None:
    found = made(world)
    bot = Caller(token_of(world, "operator", "agent", found))
    action = signed(world, agent=found.id)
    assert "switched off" in agent("disable", "claims-bot", *WHY)
    assert "before" in agent("disable", "claims-bot", *WHY)
    assert proposed(bot).status_code == 401
    execute_permitted()
    assert not OutboxMessage.objects.exists()
    assert Action.objects.get(id=action.id).status != "done"
    (event,) = Event.objects.filter(subject=found.id, verb="agent_switched_off")
    assert event.reason == "It was compromised."


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "planner", "--owner", "operator"), "already"),
        (("create", "Claims Bot", "--owner", "operator"), "name"),
        (("create", "a\u202eb", "--owner", "operator"), "name"),
        (("create", "bot", "--owner", "nobody"), "nobody"),
        (("create", "bot", "--owner", "outsider"), "no active member"),
        (("create", "bot", "--owner", "operator", "--tool", "no_such_tool"), "no_such_tool"),
        (("create", "bot", "--owner", "operator", "--tier", "approve"), "approve"),
        (("disable", "planner", *WHY), "stop"),
        (("disable", "nobody", *WHY), "nobody"),
        (("disable", "claims-bot", "--reason", " "), "reason"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(world: World, arguments: tuple[str, ...], said: str) -> None:
    made(world)
    before = (Agent.objects.count(), AgentTool.objects.count(), Event.objects.count())
    with pytest.raises(CommandError, match=said):
        agent(*arguments)
    assert (Agent.objects.count(), AgentTool.objects.count(), Event.objects.count()) == before
    assert Agent.objects.filter(enabled=False).count() == 0


def test_an_organization_that_is_not_there_has_no_agents(world: World) -> None:
    with pytest.raises(CommandError, match="none called nowhere"):
        agent("list", organization="nowhere")


def test_only_the_owner_account_registers(world: World) -> None:
    for role in ("web", "worker"):
        with account(role), pytest.raises(ProgrammingError, match="permission denied"):
            made(world)
    assert not Agent.objects.filter(name="claims-bot").exists()
