"""Who the call is made for, and which tool it is, as the rows stand now."""

import uuid
from typing import Any

from accounts.models import Agent, Membership
from approvals.policy import Party, ToolFacts
from approvals.policy.values import amount_in, currency_in
from tools.contract import Contract, Maturity, Tier
from tools.models import AgentTool, Tool, ToolVersion
from tools.queries import holds


def tool_facts(
    tool: Tool | None, version: ToolVersion | None, contract: Contract | None, arguments: Any
) -> ToolFacts | None:
    """The tool as the catalogue holds it, and the money that these arguments move; None where there is no such tool."""
    if tool is None or version is None or contract is None:
        return None
    return ToolFacts(
        name=tool.name,
        enabled=tool.enabled,
        forbidden=tool.forbidden,
        recommend_only=tool.recommend_only,
        version_hash=version.hash,
        proposed_version_hash=version.hash,
        tier=Tier(tool.tier),
        maturity=Maturity(tool.maturity),
        veto_seconds=tool.veto_seconds,
        categories=contract.categories,
        lifted={category: str(entry["reason"]) for category, entry in tool.lifted.items()},
        lifted_up_to={
            category: str(entry["limit"]) for category, entry in tool.lifted.items() if entry.get("limit") is not None
        },
        idempotency=contract.idempotency.kind,
        reversible=contract.reversible,
        amount=amount_in(arguments, contract.amount_field),
        secret_fields=frozenset(name.split(".")[0] for name in contract.secret_fields),
        currency=currency_in(arguments, contract.currency, contract.currency_field),
    )


def initiator_of(organization: uuid.UUID, initiator: uuid.UUID, tool: Tool | None) -> Party:
    """The person, or somebody who may do nothing where that person does not belong to the organization."""
    member = (
        Membership.objects.select_related("user")
        .defer("user__password")  # the worker role may not read it
        .filter(organization_id=organization, user_id=initiator)
        .first()
    )
    if member is None:
        stranger = "somebody of another organization"
        return Party(id=str(initiator), name=stranger, may_use=False, tier=Tier.READ, active=False)
    return Party(
        id=str(member.user_id),
        name=member.user.username,
        may_use=tool is not None and holds(member.user_id, tool.id, "use_tool"),
        tier=Tier(member.tier),
        active=member.user.is_active,
    )


def agent_of(agent: Agent, tool: Tool | None) -> Party:
    """The agent, with whether it was given this tool."""
    return Party(
        id=str(agent.id),
        name=agent.name,
        may_use=tool is not None and AgentTool.objects.filter(agent=agent, tool=tool).exists(),
        tier=Tier(agent.tier),
        active=agent.enabled,
    )
