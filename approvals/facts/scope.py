"""Whose the things are that the arguments name. Reads only."""

import uuid
from typing import Any

from approvals.policy import Resource
from tools.contract import Contract


def resources_named(organization: uuid.UUID, contract: Contract | None, arguments: Any) -> tuple[Resource, ...]:
    """Every resource that the tool's scope declaration finds in the arguments, with its owner."""
    _ = (organization, contract, arguments)
    return ()
