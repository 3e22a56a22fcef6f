"""Whose the things are that calls name: declared by an administrator, for one organization each, looked up as spelt."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.exceptions import ChangeRefused, MayNotAdminister
from accounts.models import Organization
from approvals.facts.scope import resources_named
from approvals.models import Action, Permit
from approvals.policy import Owner
from approvals.tasks import execute_permitted, sign_permits
from tests.support.racing import race
from tests.support.sql import REFUSED
from tests.support.world import MESSAGE, World, approved
from tools.contract import Contract
from tools.exceptions import ResourceNotFound, ResourceTaken
from tools.models import OutboxMessage, Resource
from tools.offering import offer
from tools.registry import contracts
from tools.resources import declare, withdraw
from traces.models import Event

OURS, THEIRS = "support@demo.example", "support@elsewhere.example"
TEXT = {"type": "string", "maxLength": 200}


def ours(world: World, identifier: str = OURS, kind: str = "mailbox") -> bool:
    return declare(world.organization, kind, identifier, by=world.administrator, reason="we run it")


def theirs(world: World, identifier: str = THEIRS, kind: str = "mailbox") -> bool:
    return declare(world.elsewhere, kind, identifier, by=world.outsider, reason="they run it")


def scoped(world: World, **changes: Any) -> Contract:
    """The message tool, whose recipient is a mailbox that belongs to somebody."""
    model = next(contract for contract in contracts() if contract.name == "send_message")
    contract = replace(model, scope_fields={"to": "mailbox"}, **changes)
    offer(world.organization, contract)
    return contract


def staged(world: World, to: str) -> Action:
    return world.staged(arguments={**MESSAGE, "to": to})


def findings(action: Action) -> list[str]:
    ruling = json.loads(action.revisions.get(number=1).ruling)
    return [finding["text"] for finding in ruling["findings"] if finding["check"] == "scope"]


def test_t95_a_call_that_names_another_organization_s_mailbox_is_denied(world: World) -> None:
    scoped(world)
    ours(world)
    theirs(world)
    assert staged(world, OURS).status == "in_review"
    assert staged(world, THEIRS).status == "denied"
    assert staged(world, "nobody@nowhere.example").status == "denied"


def test_t63_what_is_another_s_and_what_is_nobody_s_answer_alike(world: World) -> None:
    """In the facts that are kept, in the words that are shown, and in how much is asked."""
    contract = scoped(world)
    theirs(world)
    nobody = THEIRS.replace("support", "suppert")
    told, kept, asked = [], [], []
    for identifier in (THEIRS, nobody):
        action = staged(world, identifier)
        told.append([text.replace(identifier, "IT") for text in findings(action)])
        kept.append(action.revisions.get(number=1).facts.replace(identifier, "IT"))
        with CaptureQueriesContext(connection) as seen:
            found = resources_named(world.organization.id, contract, {"to": identifier})
        asked.append(len(seen))
        assert [resource.owner for resource in found] == [Owner.UNKNOWN]
    assert told[0] == told[1] != []
    assert kept[0] == kept[1]
    assert asked == [1, 1]


def test_a_thing_that_was_withdrawn_is_out_of_reach_from_then_on(world: World) -> None:
    scoped(world)
    ours(world)
    assert staged(world, OURS).status == "in_review"
    withdraw(world.organization, "mailbox", OURS, by=world.administrator, reason="sold")
    assert staged(world, OURS).status == "denied"
    with pytest.raises(ResourceNotFound):
        withdraw(world.organization, "mailbox", OURS, by=world.administrator, reason="again")
    told = Event.objects.filter(organization=world.organization.id, verb__startswith="resource_").order_by("id")
    assert list(told.values_list("verb", "reason")) == [
        ("resource_declared", "we run it"),
        ("resource_withdrawn", "sold"),
    ]


def test_t95_an_approved_call_is_not_sent_to_a_mailbox_that_is_no_longer_ours(world: World) -> None:
    scoped(world)
    ours(world)
    action = staged(world, OURS)
    approved(world, action)
    withdraw(world.organization, "mailbox", OURS, by=world.administrator, reason="sold")
    sign_permits()
    execute_permitted()
    assert not Permit.objects.filter(action=action.id).exists()
    assert not OutboxMessage.objects.exists()


NESTED = {
    "type": "object",
    "properties": {
        "to": TEXT,
        "copies": {"type": "array", "items": TEXT},
        "parts": {"type": "array", "items": {"type": "object", "properties": {"project": {"type": "integer"}}}},
        "place": {
            "type": "object",
            "properties": {"org": TEXT, "deeper": {"type": "object", "properties": {"org": TEXT}}},
        },
    },
}
SCOPE = {
    "to": "mailbox",
    "copies": "mailbox",
    "parts.project": "project",
    "place.org": "organization",
    "place.deeper.org": "organization",
}


def test_every_thing_that_is_named_is_found_wherever_it_stands_in_one_query(world: World) -> None:
    ours(world)
    ours(world, "7", "project")
    theirs(world)
    theirs(world, "8", "project")
    contract = replace(contracts()[0], arguments_schema=NESTED, scope_fields=SCOPE)
    arguments = {
        "to": OURS,
        "copies": [THEIRS, OURS, OURS.upper()],
        "parts": [{"project": 7}, {"project": 8}, {}],
        "place": {"org": "demo", "deeper": {"org": str(world.organization.id)}},
    }
    with CaptureQueriesContext(connection) as seen:
        found = resources_named(world.organization.id, contract, arguments)
    assert len(seen) == 1
    assert {(r.path, r.kind, r.identifier): r.owner.value for r in found} == {
        ("to", "mailbox", OURS): "own",
        ("copies", "mailbox", THEIRS): "unknown",
        ("copies", "mailbox", OURS.upper()): "unknown",
        ("parts.project", "project", "7"): "own",
        ("parts.project", "project", "8"): "unknown",
        ("place.org", "organization", "demo"): "own",
        ("place.deeper.org", "organization", str(world.organization.id)): "own",
    }
    other = resources_named(world.organization.id, contract, {"place": {"org": "elsewhere"}})
    assert [resource.owner for resource in other] == [Owner.UNKNOWN]


@pytest.mark.parametrize("value", [{"a": 1}, True, 1.5, "", "mailbox", OURS + "\u200b", " " + OURS])
def test_what_is_no_identifier_of_ours_is_not_ours(value: Any, world: World) -> None:
    ours(world)
    contract = replace(contracts()[0], arguments_schema=NESTED, scope_fields={"to": "mailbox"})
    found = resources_named(world.organization.id, contract, {"to": value})
    assert [resource.owner for resource in found] == [Owner.UNKNOWN]


@pytest.mark.parametrize("arguments", [{}, {"to": None}, {"to": []}, [], "text", None])
def test_an_argument_that_is_not_there_names_nothing(arguments: Any, world: World) -> None:
    contract = replace(contracts()[0], arguments_schema=NESTED, scope_fields={"to": "mailbox"})
    with CaptureQueriesContext(connection) as seen:
        assert resources_named(world.organization.id, contract, arguments) == ()
        assert resources_named(world.organization.id, None, arguments) == ()
    assert len(seen) == 0


def test_a_thing_belongs_to_one_organization(world: World) -> None:
    assert theirs(world, OURS)
    assert not theirs(world, OURS)
    with pytest.raises(ResourceTaken) as taken:
        ours(world)
    with pytest.raises(ResourceTaken) as alike:
        ours(world, OURS.replace("s", "S"))
    assert taken.value.message == alike.value.message
    assert "elsewhere" not in taken.value.message.lower()
    assert list(Resource.objects.values_list("organization", "identifier")) == [(world.elsewhere.id, OURS)]
    with pytest.raises(IntegrityError), transaction.atomic():
        Resource.objects.create(organization=world.organization, kind="mailbox", identifier=OURS, folded="another")


def test_two_organizations_at_once_do_not_both_get_it(world: World) -> None:
    came = race(lambda: ours(world), lambda: theirs(world, OURS))
    assert sorted(type(one).__name__ for one in came) == ["ResourceTaken", "bool"]
    assert Resource.objects.count() == 1


def test_a_thing_is_not_handed_over_by_changing_its_row(world: World) -> None:
    ours(world)
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        Resource.objects.update(organization=world.elsewhere)
    assert caught.value.__cause__.sqlstate == REFUSED  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("kind", "identifier"),
    [
        ("Mailbox", OURS),
        ("", OURS),
        ("organization", "demo"),
        ("mailbox", ""),
        ("mailbox", " " + OURS),
        ("mailbox", OURS + "\n"),
        ("mailbox", "sup\u200bport@demo.example"),
        ("mailbox", "\uff53upport@demo.example"),  # a full-width letter
        ("mailbox", "cafe\u0301@demo.example"),  # an accent of its own
        ("mailbox", "supp\u043ert@demo.example"),  # a Cyrillic o
        ("mailbox", "x" * 201),
    ],
)
def test_an_identifier_has_one_spelling(kind: str, identifier: str, world: World) -> None:
    with pytest.raises(ChangeRefused):
        ours(world, identifier, kind)
    assert not Resource.objects.exists()


def test_only_an_administrator_declares_and_only_with_a_reason(world: World) -> None:
    for by in (world.operator, world.reviewer, world.outsider):
        with pytest.raises(MayNotAdminister):
            declare(world.organization, "mailbox", OURS, by=by, reason="r")
    with pytest.raises(ChangeRefused):
        declare(world.organization, "mailbox", OURS, by=world.administrator, reason=" ")
    ours(world)
    with pytest.raises(MayNotAdminister):
        withdraw(world.organization, "mailbox", OURS, by=world.outsider, reason="r")
    with pytest.raises(ResourceNotFound):
        withdraw(Organization.objects.get(slug="elsewhere"), "mailbox", OURS, by=world.outsider, reason="r")


def command(*arguments: str, organization: str = "demo") -> str:
    out = io.StringIO()
    call_command("tools", "resource", *arguments, "--organization", organization, stdout=out)
    return out.getvalue()


def test_things_are_declared_listed_and_withdrawn_at_the_command_line(world: World) -> None:
    who = ("--as", "administrator", "--reason", "we run it")
    assert command("add", "mailbox", OURS, *who) == f"mailbox {OURS} belongs to demo\n"
    assert command("add", "mailbox", OURS, *who) == f"mailbox {OURS} belongs to demo already\n"
    assert command("list") == f"mailbox {OURS}\n"
    assert command("list", "--kind", "project") == command("list", organization="elsewhere") == ""
    with pytest.raises(CommandError, match="declared already"):
        command("add", "mailbox", OURS, "--as", "outsider", "--reason", "ours", organization="elsewhere")
    assert command("remove", "mailbox", OURS, *who) == f"mailbox {OURS} belongs to demo no more\n"
    assert command("list") == ""
