"""Tools that may act more freely: what has to be so first, put in place as an administrator would."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from accounts.roles import Role
from lam_app.seed import create_person
from tests.support.paying import calls, decree
from tools.contract import Contract
from tools.models import Tool
from tools.offering import offer

if TYPE_CHECKING:
    from accounts.models import User
    from tests.support.world import World

WHY = "A month without a fault."


def foreseen(world: World, name: str = "lend_odd", **changes: Any) -> Tool:
    """The tool's next version, which can say beforehand what a call would do, and whatever else is changed of it."""
    tool = world.tool(name)
    assert tool.version is not None
    contract = Contract.from_json(tool.version.contract)
    offer(world.organization, replace(contract, preview=True, **changes))
    return world.tool(name)


def ready(world: World, name: str = "lend_odd", **changes: Any) -> Tool:
    """A tool whose list is met but for samples: it is foreseen, limited, owned, and nothing of it is held."""
    tool = foreseen(world, name, **changes)
    decree(world, calls(20, name, per="tool"))
    assert tool.version is not None
    lifted = {name: {"reason": WHY, "limit": "100"} for name in tool.version.contract["categories"]}
    Tool.objects.filter(pk=tool.pk).update(owner=world.administrator, lifted=lifted)
    return world.tool(name)


def second_administrator(world: World) -> User:
    """Another one who may configure the organization's tools."""
    from tests.support.world import PASSWORD

    return create_person(world.organization, "second", roles=(Role.ADMINISTRATOR,), tier="read", password=PASSWORD)
