"""The door to the catalogue: what is offered to whom, and that no tool takes another's place unasked."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from lam_app.seed import create_organization
from tests.support.world import World
from tools.models import Tool
from tools.offering import offer, offer_installed_tools
from tools.registry import contracts


def test_an_installed_tool_does_not_take_the_place_of_an_imported_one(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    made = create_organization("third", "Third")
    installed = next(contract for contract in contracts() if contract.name == "send_message")
    imported = offer(made, replace(installed, connector="http"))
    with caplog.at_level(logging.WARNING):
        offer_installed_tools(made)
    assert Tool.objects.get(organization=made, name="send_message").version_id == imported.version_id
    assert "third has an imported send_message" in caplog.text
    assert Tool.objects.filter(organization=made, name="write_note").exists()


def test_what_is_left_out_is_not_offered(world: World) -> None:
    made = create_organization("third", "Third")
    offer_installed_tools(made, leave_out={"send_message"})
    names = set(Tool.objects.filter(organization=made).values_list("name", flat=True))
    assert names == {contract.name for contract in contracts()} - {"send_message"}
