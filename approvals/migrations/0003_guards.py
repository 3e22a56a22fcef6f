"""The gate's rules as the database keeps them: edges, votes, principals, permits; and what each role may do."""

from typing import ClassVar

from django.db import migrations

from traces.guards import append_only, grant, kept, run, status_edges, told

EDGES = [
    ("done", "undone"),
    ("executing", "done"),
    ("executing", "failed"),
    ("executing", "uncertain"),
    ("in_review", "denied"),
    ("in_review", "expired"),
    ("in_review", "permitted"),
    ("in_review", "rejected"),
    ("in_review", "scheduled"),
    ("in_review", "withdrawn"),
    ("permitted", "executing"),
    ("permitted", "expired"),
    ("permitted", "halted"),
    ("permitted", "in_review"),
    ("permitted", "withdrawn"),
    ("proposed", "denied"),
    ("proposed", "halted"),
    ("proposed", "in_review"),
    ("proposed", "permitted"),
    ("proposed", "scheduled"),
    ("proposed", "withdrawn"),
    ("scheduled", "halted"),
    ("scheduled", "in_review"),
    ("scheduled", "permitted"),
    ("scheduled", "rejected"),
    ("scheduled", "withdrawn"),
    ("uncertain", "done"),
    ("uncertain", "failed"),
]

ACTION_CHANGES = [
    "status", "verdict", "risk", "maturity", "quorum", "revision", "digest", "summary", "due_at", "expires_at",
    "settled_at", "trace",
]  # fmt: skip

# Promise 7. The copy of the principals is the database's own, so that no caller can leave somebody out, and the CHECK
# compares it with the decider. A decision also has to name the revision it was made on, in the same organization.
DECISION = """
CREATE FUNCTION approvals_decision_copies() RETURNS trigger LANGUAGE plpgsql AS $guard$
DECLARE
    action record;
    revision record;
BEGIN
    SELECT a.principals, a.organization_id INTO STRICT action FROM approvals_action a WHERE a.id = NEW.action_id;
    SELECT r.action_id, r.digest INTO STRICT revision FROM approvals_revision r WHERE r.id = NEW.revision_id;
    IF action.organization_id <> NEW.organization_id THEN
        RAISE EXCEPTION 'approvals_decision: another organization''s action' USING ERRCODE = 'CS001';
    END IF;
    IF revision.action_id <> NEW.action_id OR revision.digest <> NEW.digest THEN
        RAISE EXCEPTION 'approvals_decision: the digest is not that of the revision' USING ERRCODE = 'CS001';
    END IF;
    NEW.principals := action.principals;
    RETURN NEW;
END $guard$;
CREATE TRIGGER approvals_decision_copies BEFORE INSERT ON approvals_decision
    FOR EACH ROW EXECUTE FUNCTION approvals_decision_copies();
ALTER TABLE approvals_decision ADD CONSTRAINT no_principal_decides CHECK (NOT (decider_id = ANY (principals)));
ALTER TABLE approvals_permit ADD CONSTRAINT no_principal_permits CHECK (NOT (deciders && principals));
"""

# An action leaves review for the world only on enough votes for its current revision, and leaves PROPOSED only
# where its own ruling lets it: whoever writes the status, by whatever path.
QUORUM = """
CREATE FUNCTION approvals_action_entitled() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    IF OLD.status = 'in_review' AND NEW.status IN ('permitted', 'scheduled') AND (
        SELECT count(DISTINCT d.decider_id)
        FROM approvals_decision d JOIN approvals_revision r ON r.id = d.revision_id
        WHERE r.action_id = NEW.id AND r.number = NEW.revision AND r.digest = NEW.digest AND d.verb = 'approve'
    ) < NEW.quorum THEN
        RAISE EXCEPTION 'approvals_action: % has not the approvals it needs', NEW.id USING ERRCODE = 'CS001';
    END IF;
    IF OLD.status = 'proposed' AND NEW.status = 'permitted' AND NEW.verdict <> 'allow' THEN
        RAISE EXCEPTION 'approvals_action: % was ruled %, not allow', NEW.id, NEW.verdict USING ERRCODE = 'CS001';
    END IF;
    IF OLD.status = 'proposed' AND NEW.status = 'scheduled' AND NEW.verdict NOT IN ('allow', 'veto_window') THEN
        RAISE EXCEPTION 'approvals_action: % was ruled %, not veto window', NEW.id, NEW.verdict USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER approvals_action_entitled BEFORE UPDATE OF status ON approvals_action
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION approvals_action_entitled();
"""


class Migration(migrations.Migration):
    """Triggers, CHECKs over arrays, rights."""

    dependencies: ClassVar = [("approvals", "0002_links"), ("tools", "0002_guards")]
    operations: ClassVar = [
        run(status_edges("approvals_action", "proposed", EDGES)),
        run(told("approvals_action")),
        run(kept("approvals_action", ACTION_CHANGES)),
        run(DECISION),
        run(QUORUM),
        run(append_only("approvals_revision")),
        run(append_only("approvals_decision")),
        run(append_only("approvals_policyversion")),
        run(kept("approvals_permit", ["revoked_at", "revoked_because"])),
        run(grant("approvals_policyversion", web="SELECT", worker="SELECT")),
        run(grant("approvals_action", web="SELECT, INSERT, UPDATE", worker="SELECT, INSERT, UPDATE")),
        run(grant("approvals_revision", web="SELECT, INSERT", worker="SELECT, INSERT")),
        # Decisions come from the web alone, permits from the gatekeeper alone.
        run(grant("approvals_decision", web="SELECT, INSERT", worker="SELECT")),
        run(grant("approvals_permit", web="SELECT", worker="SELECT, INSERT")),
        run(
            "GRANT UPDATE (revoked_at, revoked_because) ON approvals_permit TO countersign_web, countersign_worker;"
        ),
    ]
