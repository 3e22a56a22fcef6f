"""What must still be true of a permitted action when it is claimed, as SQL that is judged inside the claim.

The database's clock judges expiry, the permit's row judges withdrawal, and the rights of the deciders, of the
initiator and of the agent are looked up again. The alias ``m`` is the action, ``asked`` the verified claims of its
permit (``tools.executor.claim``).
"""

from traces.services import Guard

STILL_TRUE = Guard(
    """
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
          AND clock_timestamp() >= p.not_before AND clock_timestamp() < p.expires_at
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
    )
    AND EXISTS (
        SELECT 1 FROM tools_right x
        WHERE x.user_id = m.initiator_id AND x.tool_id = asked._tool AND x.codename = 'use_tool')
    AND EXISTS (
        SELECT 1 FROM tools_agenttool b JOIN accounts_agent a ON a.id = b.agent_id
        WHERE a.id = m.agent_id AND a.enabled AND b.tool_id = asked._tool)
    AND NOT EXISTS (
        SELECT 1 FROM tools_killswitch k
        WHERE k.scope_key = ANY (m.scopes) AND (k.released_at IS NULL OR k.epoch > asked._epoch))
    """
)

EPOCH = """
    SELECT coalesce(max(k.epoch), 0) FROM tools_killswitch k WHERE k.scope_key = ANY (%s)
"""
"""The newest kill over some scopes, engaged or released: a permit from before it is void for good."""
