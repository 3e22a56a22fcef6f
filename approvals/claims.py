"""What must still be true of a permitted action when it is claimed, as SQL that is judged inside the claim.

The database's clock judges expiry, the permit's row judges withdrawal, and the rights of the deciders, of the
initiator and of the agent are looked up again, as is whether the deciders still are enough of each team. The alias
``m`` is the action, ``asked`` the verified claims of its permit (``tools.executor.claim``).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from approvals.models import Action
from tools.permits import PermitClaims
from tools.queries import voided_sql
from traces.services import Guard


def grant_stands(moment: str) -> str:
    """What an action ``m`` was let go by has not ended, and its initiator is still one of those who are meant, as SQL;
    true where no grant let it go. NULL asks no time.
    """
    return f"""NOT EXISTS (
              SELECT 1 FROM approvals_grantuse u JOIN approvals_grant g ON g.id = u.grant_id
              WHERE u.action = m.id AND u.released_at IS NULL AND (
                  approvals_grant_ended(g, {moment}) <> ''
                  OR (g.team_id IS NOT NULL AND NOT EXISTS (
                      SELECT 1 FROM accounts_team t JOIN accounts_user_groups y ON y.group_id = t.group_id
                      WHERE t.id = g.team_id AND y.user_id = m.initiator_id))))"""


_WITHIN_ITS_TIME = f"""
    clock_timestamp() >= p.not_before AND clock_timestamp() < p.expires_at AND {grant_stands("clock_timestamp()")}"""
_TRUE = f"""
    m.digest = asked._digest
    AND EXISTS (
        SELECT 1
        FROM approvals_permit p
        JOIN approvals_revision r ON r.id = p.revision_id AND r.number = m.revision AND r.digest = asked._digest
        JOIN tools_tool t ON t.id = m.tool_id AND t.id = asked._tool
        WHERE p.id = asked._permit AND p.action_id = m.id AND p.revoked_at IS NULL
          AND p.revision_id = asked._revision AND r.arguments_digest = asked._arguments
          AND r.request_digest = asked._request
          AND p.epoch = asked._epoch AND p.deciders = asked._deciders::uuid[]
          AND /*time*/
          AND t.enabled AND NOT t.forbidden AND NOT t.recommend_only
          AND t.version_id = asked._version AND r.tool_version_id = asked._version
          AND p.policy_version_id = asked._policy
          AND asked._policy = (
              SELECT v.id FROM approvals_policyversion v
              WHERE v.organization_id = m.organization_id ORDER BY v.number DESC LIMIT 1)
          AND NOT EXISTS (
              SELECT 1 FROM unnest(p.deciders) AS d(id)
              WHERE NOT EXISTS (
                  SELECT 1 FROM tools_right x
                  WHERE x.user_id = d.id AND x.tool_id = t.id AND x.codename = 'review_tool')
                 OR d.id = ANY (m.principals))
          AND (cardinality(p.deciders) = 0
               OR approvals_votes_suffice(m.id, m.revision, m.digest, m.risk, m.quorum, m.teams))
          AND {grant_stands("NULL")}
    )
    AND EXISTS (
        SELECT 1 FROM tools_right x
        WHERE x.user_id = m.initiator_id AND x.tool_id = asked._tool AND x.codename = 'use_tool')
    AND EXISTS (
        SELECT 1 FROM tools_agenttool b JOIN accounts_agent a ON a.id = b.agent_id
        WHERE a.id = m.agent_id AND a.enabled AND b.tool_id = asked._tool)
    AND NOT {voided_sql("m", "asked._epoch")}
"""
STILL_TRUE = Guard(_TRUE.replace("/*time*/", _WITHIN_ITS_TIME))

_CALLED_OFF = """
    SELECT 1 FROM traces_event v
    WHERE v.organization = m.organization_id AND v.subject = m.run AND v.target = 'cancelled'
"""
_STILL_WANTED = f"""
WITH asked AS (
    SELECT %(permit)s::uuid AS _permit, %(tool)s::uuid AS _tool, %(version)s::uuid AS _version,
           %(arguments)s AS _arguments, %(request)s AS _request, %(digest)s AS _digest, %(revision)s::uuid AS _revision,
           %(policy)s::uuid AS _policy, %(epoch)s::bigint AS _epoch, %(deciders)s::uuid[] AS _deciders
)
SELECT EXISTS (
    SELECT 1 FROM approvals_action m, asked
    WHERE m.id = %(action)s AND NOT EXISTS ({_CALLED_OFF}) AND {_TRUE.replace("/*time*/", "true")})
"""

_STOPS = """
SELECT coalesce(bool_or(k.released_at IS NULL), false), coalesce(max(k.epoch), 0), clock_timestamp()
FROM tools_killswitch k WHERE k.scope_key = ANY (%s)
"""


@dataclass(frozen=True)
class Stops:
    """How it stands with stops over some scopes."""

    engaged: bool
    """Whether one is engaged, in whichever stage."""
    epoch: int
    """The newest one, engaged or released: a permit from before it is void for good."""
    at: datetime
    """When this was seen, by the database's clock."""


def stops_over(scopes: Iterable[str]) -> Stops:
    """Whether anything is stopped here, which stop was the newest, and what time it is. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_STOPS, [list(scopes)])
        row = cursor.fetchone()
    assert row is not None
    return Stops(*row)


def still_wanted(action: Action, claims: PermitClaims) -> bool:
    """Whether all but the permit's time still holds for a call that was claimed in time and waits to be made again,
    and whoever asked has not called its run off since.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _STILL_WANTED,
            {
                "action": action.id,
                "permit": claims.permit,
                "tool": action.tool_id,
                "version": claims.tool_version,
                "arguments": claims.arguments,
                "request": claims.request,
                "digest": claims.digest,
                "revision": claims.revision,
                "policy": claims.policy,
                "epoch": claims.epoch,
                "deciders": list(claims.deciders),
            },
        )
        row = cursor.fetchone()
    return bool(row and row[0])
