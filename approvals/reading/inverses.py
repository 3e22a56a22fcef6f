"""Inverses that can be relied on: which tool has one, whether it could be called, and when it was last proven.

An inverse is proven by the ledger alone: a compensation that was done. Reads only.
"""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from tools.contract import Contract
from tools.kinds import Tier
from tools.listing import catalogue
from tools.models import Tool
from tools.saga import gaps


@dataclass(frozen=True)
class Proof:
    """The newest compensation that was done for a tool."""

    at: dt.datetime
    run: uuid.UUID
    version: int
    """Which version of the tool had been called: its successor may name another inverse."""


@dataclass(frozen=True)
class Inverse:
    """What is known of how a tool's effects are taken back."""

    tool: Tool
    contract: Contract
    gaps: tuple[str, ...]
    """What keeps it from being taken back, as sentences without their full stop; empty where nothing does."""
    proof: Proof | None

    def stale(self, before: dt.datetime) -> bool:
        """Whether nothing has proven the version that is offered since this moment."""
        offered = self.tool.version.number if self.tool.version else 0
        return self.proof is None or self.proof.at < before or self.proof.version != offered


def inverses(organization: uuid.UUID) -> list[Inverse]:
    """Every offered tool that changes something and says how that is undone, by name. Two queries."""
    rows = {tool.name: tool for tool in catalogue(organization) if tool.version is not None}
    contracts = {name: Contract.from_json(tool.version.contract) for name, tool in rows.items() if tool.version}
    proofs = last_proven(organization, (tool.pk for tool in rows.values()))
    return [
        Inverse(rows[name], contract, tuple(_gaps(contract, rows, contracts)), proofs.get(rows[name].pk))
        for name, contract in contracts.items()
        if contract.reversible and contract.tier is not Tier.READ
    ]


def _gaps(contract: Contract, rows: dict[str, Tool], contracts: dict[str, Contract]) -> list[str]:
    if contract.inverse is None:
        return ["it can be undone, but it does not say by which tool"]
    if contract.inverse not in contracts:
        return [f"{contract.inverse} is not in the catalogue"]
    inverse = rows[contract.inverse]
    found = gaps(contract, contracts[contract.inverse])
    if inverse.forbidden:
        found.append(f"{inverse.name} is forbidden")
    elif not inverse.enabled:
        found.append(f"{inverse.name} is switched off")
    elif inverse.recommend_only:
        found.append(f"{inverse.name} is only recommended, never called")
    return found


def last_proven(organization: uuid.UUID, tools: Iterable[uuid.UUID]) -> dict[uuid.UUID, Proof]:
    """When each of these tools was last taken back, by the ledger. One query, over compensations only."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (effect.tool_id) effect.tool_id, called.finished_at, c.run, v.number
            FROM approvals_action c
            JOIN tools_execution called ON called.action = c.id AND called.status = 'done'
            JOIN tools_execution effect ON effect.action = c.undo_of
            JOIN tools_toolversion v ON v.id = effect.tool_version_id
            WHERE c.undo_of IS NOT NULL AND c.status = 'done' AND c.organization_id = %s AND effect.tool_id = ANY (%s)
            ORDER BY effect.tool_id, called.finished_at DESC
            """,
            [organization, list(tools)],
        )
        return {row[0]: Proof(*row[1:]) for row in cursor.fetchall()}
