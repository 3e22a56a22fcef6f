"""What an erasure would take away, counted by the conditions of the erasure itself.

The web account is shown the counts for the organization that it is in and for no other.
"""

from typing import ClassVar

from django.db import migrations

from traces.guards import run

WOULD_GO = """
CREATE FUNCTION lam_app_would_go(of uuid, whose uuid)
RETURNS TABLE (runs bigint, flying bigint, held bigint, calls bigint, files bigint, details bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF session_user = 'countersign_web'
        AND of IS DISTINCT FROM nullif(current_setting('lam.organization', true), '')::uuid THEN
        RAISE EXCEPTION 'lam_app_would_go: not % for %', session_user, of USING ERRCODE = 'CS001';
    END IF;
    RETURN QUERY
    WITH full_yet AS MATERIALIZED (SELECT f.* FROM lam_app_runs_of(of, whose) f),
    own AS MATERIALIZED (
        SELECT r.id AS run FROM lam_app_run r WHERE r.organization_id = of AND r.initiator_id = whose
        UNION SELECT a.run FROM approvals_action a WHERE a.organization_id = of AND a.initiator_id = whose
            AND NOT EXISTS (SELECT 1 FROM lam_app_run r WHERE r.id = a.run)
    )
    SELECT (SELECT count(*) FROM full_yet),
           (SELECT count(*) FROM full_yet f WHERE f.flies),
           (SELECT count(*) FROM full_yet f WHERE f.held),
           (SELECT count(*) FROM traces_trace t WHERE t.organization = of AND t.run IN (SELECT f.run FROM full_yet f)),
           (SELECT count(*) FROM lam_app_attachment c
                WHERE c.name <> '[erased]' AND c.run_id IN (SELECT f.run FROM full_yet f)),
           (SELECT count(*) FROM traces_eventdetail d JOIN traces_event v ON v.id = d.event
                WHERE v.organization = of AND d.detail <> '{}' AND v.verb NOT LIKE 'erasure_%'
                  AND (v.run IN (SELECT o.run FROM own o)
                       OR ((v.actor = whose OR v.subject = whose) AND v.run IS NULL)));
END $$;
REVOKE ALL ON FUNCTION lam_app_would_go(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lam_app_would_go(uuid, uuid) TO countersign_web;
"""


class Migration(migrations.Migration):
    """The counts."""

    dependencies: ClassVar = [("lam_app", "0013_holds_win")]
    operations: ClassVar = [run(WOULD_GO, "DROP FUNCTION lam_app_would_go(uuid, uuid);")]
