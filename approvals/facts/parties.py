"""Who the call is made for, and which tool it is, as the rows stand now."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.models import Agent
from approvals.policy import Party, ToolFacts
from approvals.policy.values import amount_in, currency_in
from tools.contract import Contract, Maturity, Tier
from tools.models import Tool, ToolVersion

STRANGER = "somebody of another organization"


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


@dataclass(frozen=True)
class Parties:
    """The two whose rights a call needs, and the database's time when they were looked up."""

    initiator: Party
    agent: Party
    at: datetime


_PARTIES = """
SELECT clock_timestamp(), a.name, a.tier, a.enabled,
       EXISTS (SELECT 1 FROM tools_agenttool b WHERE b.agent_id = a.id AND b.tool_id = %(tool)s),
       u.username, m.tier, u.is_active,
       ARRAY(SELECT t.name FROM accounts_user_groups g
             JOIN accounts_team t ON t.group_id = g.group_id AND t.organization_id = m.organization_id
             WHERE g.user_id = m.user_id ORDER BY t.name),
       EXISTS (SELECT 1 FROM tools_right x
               WHERE x.user_id = m.user_id AND x.tool_id = %(tool)s AND x.codename = 'use_tool')
FROM accounts_agent a
LEFT JOIN accounts_membership m ON m.organization_id = a.organization_id AND m.user_id = %(initiator)s
LEFT JOIN accounts_user u ON u.id = m.user_id
WHERE a.id = %(agent)s AND a.organization_id = %(organization)s
"""


def parties_of(organization: uuid.UUID, initiator: uuid.UUID, agent: uuid.UUID, tool: Tool | None) -> Parties:
    """The person and the agent, each with whether they may use this tool now, in one query.

    A person who does not belong to the organization is somebody who may do nothing. Raises Agent.DoesNotExist.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _PARTIES,
            {"organization": organization, "initiator": initiator, "agent": agent, "tool": tool.id if tool else None},
        )
        row = cursor.fetchone()
    if row is None:
        raise Agent.DoesNotExist
    at, agent_name, agent_tier, enabled, given, name, tier, active, teams, may = row
    person = Party(id=str(initiator), name=STRANGER, may_use=False, tier=Tier.READ, active=False, teams=())
    if name is not None:
        person = Party(
            id=str(initiator), name=name, may_use=may, tier=Tier(tier), active=active, teams=tuple(sorted(teams))
        )
    return Parties(
        initiator=person,
        agent=Party(id=str(agent), name=agent_name, may_use=given, tier=Tier(agent_tier), active=enabled),
        at=at,
    )
