"""Which grants could answer for a call, and which one did, as the rows stand now. Reads only."""

import json
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from django.db import connection

from approvals.facts.usage import plain
from approvals.policy.grants import Bound, Granted

if TYPE_CHECKING:
    from approvals.facts import Gathered

MOST_TRIED: Final = 50
"""How many grants are looked at for one call, the oldest first."""

_COLUMNS = """
    g.id, g.made_by_id, u.username, t.name, v.hash, g.agent_id, g.initiator_id, m.name, g.bounds, g.uses, g.total,
    g.currency
"""
_ABOUT = """
    JOIN accounts_user u ON u.id = g.made_by_id
    JOIN tools_tool t ON t.id = g.tool_id
    JOIN tools_toolversion v ON v.id = g.tool_version_id
    LEFT JOIN accounts_team m ON m.id = g.team_id
"""
_FITTING = "NOT g.made_by_id = ANY (%(principals)s::uuid[]) AND approvals_grant_ended(g, clock_timestamp()) = ''"
_CANDIDATES = f"""
SELECT {_COLUMNS}, taken.used, taken.spent
FROM approvals_grant g {_ABOUT}
CROSS JOIN LATERAL (
    SELECT count(*) AS used, coalesce(sum(x.amount), 0) AS spent
    FROM approvals_grantuse x WHERE x.grant_id = g.id AND x.released_at IS NULL) taken
WHERE g.organization_id = %(organization)s AND g.tool_id = %(tool)s AND g.agent_id = %(agent)s
  AND g.revoked_at IS NULL AND taken.used < g.uses AND {_FITTING}
ORDER BY g.id LIMIT %(most)s
"""
_STANDING = f"""
SELECT {_COLUMNS}, x.used_before, x.spent_before
FROM approvals_grantuse x JOIN approvals_grant g ON g.id = x.grant_id {_ABOUT}
WHERE x.action = %(action)s AND x.released_at IS NULL AND g.organization_id = %(organization)s
  AND g.tool_id = %(tool)s AND x.amount = %(amount)s AND {_FITTING}
"""


def candidates(gathered: "Gathered") -> tuple[Granted, ...]:
    """Grants over this tool and agent that have not ended, each with what is used of it. One query.

    None for what takes something back: that is decided by people.
    """
    asked, tool = gathered.asked, gathered.tool
    if tool is None or asked.origin == "undo":
        return ()
    return _read(_CANDIDATES, gathered, agent=asked.agent, most=MOST_TRIED)


def standing(action: uuid.UUID, gathered: "Gathered", amount: Decimal) -> Granted | None:
    """The grant that an action was counted against, for this amount and no other, if it has not ended since.

    With what was used of it before the action, as the database wrote it down. One query.
    """
    if gathered.tool is None or gathered.asked.origin == "undo":
        return None
    found = _read(_STANDING, gathered, action=action, amount=amount)
    return found[0] if found else None


def _read(sql: str, gathered: "Gathered", **more: Any) -> tuple[Granted, ...]:
    asked, tool = gathered.asked, gathered.tool
    assert tool is not None, "no grant is over a tool that is not there"
    about: dict[str, Any] = {
        "organization": asked.organization,
        "tool": tool.pk,
        "principals": [asked.initiator, *asked.principals],
        **more,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, about)
        rows = cursor.fetchall()
    return tuple(one for row in rows if (one := _granted(row)) is not None)


def _granted(row: tuple[Any, ...]) -> Granted | None:
    """A row as the policy sees it; None where its bounds cannot be read, which is no permission."""
    pk, by, name, tool, version, agent, initiator, team, bounds, uses, total, currency, used, spent = row
    try:
        kept = json.loads(bounds) if isinstance(bounds, str) else bounds
        read = tuple(Bound.from_json(one) for one in kept)
    except (KeyError, TypeError, ValueError):
        return None
    return Granted(
        id=str(pk),
        by=str(by),
        by_name=name,
        tool=tool,
        version_hash=version,
        agent=str(agent),
        initiator=str(initiator) if initiator else "",
        team=team or "",
        bounds=read,
        uses=uses,
        used=used,
        total=None if total is None else plain(total),
        spent=plain(spent),
        currency=currency,
    )
