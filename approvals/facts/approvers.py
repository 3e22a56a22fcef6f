"""Who could decide, and in which teams they are, as the rows stand now. Reads only."""

import uuid
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from django.db import connection

from approvals.policy import Able, Policy
from tools.models import Tool

if TYPE_CHECKING:
    from approvals.facts import Asked

_ABLE = """
WITH able AS (
    SELECT DISTINCT x.user_id FROM tools_right x
    WHERE x.tool_id = %(tool)s AND x.codename = 'review_tool' AND NOT x.user_id = ANY (%(without)s::uuid[])
)
SELECT '', true, (SELECT count(*) FROM able)
UNION ALL
SELECT named.team, t.id IS NOT NULL,
       (SELECT count(DISTINCT a.user_id) FROM able a JOIN accounts_user_groups g
        ON g.user_id = a.user_id AND g.group_id = t.group_id)
FROM unnest(%(teams)s::text[]) AS named(team)
LEFT JOIN accounts_team t ON t.organization_id = %(organization)s AND t.name = named.team
"""
_TEAMS = """
SELECT x.user_id, coalesce(array_agg(t.name) FILTER (WHERE t.name IS NOT NULL), '{}')
FROM tools_right x
LEFT JOIN accounts_user_groups g ON g.user_id = x.user_id
LEFT JOIN accounts_team t ON t.group_id = g.group_id AND t.organization_id = x.organization_id
WHERE x.tool_id = %(tool)s AND x.codename = 'review_tool' AND x.user_id IN (
    SELECT d.decider_id FROM approvals_decision d WHERE d.revision_id = %(revision)s AND d.verb = 'approve')
GROUP BY x.user_id
"""


def able_to_decide(
    asked: "Asked", tool: Tool | None, policy: Policy, *, without: Iterable[uuid.UUID] = ()
) -> tuple[Able, ...]:
    """Everybody who may review the tool (the empty name), and the people of each team that a rule names.

    Counted are active members who hold the right now, the principals and those in ``without`` left out. One query;
    none where there is no tool.
    """
    if tool is None:
        return ()
    teams = {team for entry in policy.rules for team, _ in entry.teams}
    return able(asked.organization, tool.id, teams, without={asked.initiator, *asked.principals, *without})


def able(
    organization: uuid.UUID, tool: uuid.UUID, teams: Collection[str], *, without: Collection[uuid.UUID]
) -> tuple[Able, ...]:
    """How many people may review a tool now, and how many of them are in each of these teams, some people left out."""
    named = sorted(teams)
    with connection.cursor() as cursor:
        cursor.execute(_ABLE, {"tool": tool, "organization": organization, "without": list(without), "teams": named})
        found = {team: Able(team, people if there else None) for team, there, people in cursor.fetchall()}
    return tuple(found[team] for team in ("", *named))


def approving(tool: uuid.UUID, revision: uuid.UUID) -> dict[uuid.UUID, frozenset[str]]:
    """Those who said yes to a revision and may review the tool now, each with the teams of its organization that they
    are in. One query.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TEAMS, {"tool": tool, "revision": revision})
        return {person: frozenset(teams) for person, teams in cursor.fetchall()}
