"""An undo is bound to its cause: what was done, by the inverse that was declared, once; and nothing is called undone
without the record of it.
"""

from typing import ClassVar

from django.db import migrations, models

from traces.guards import run

OVER = ["denied", "rejected", "expired", "withdrawn", "halted", "failed"]

# Also what the design calls unique: a compensation that can still happen, or has. One that was refused or failed may be
# asked for again, through the same gate.
CAUSE = """
CREATE FUNCTION approvals_action_cause() RETURNS trigger LANGUAGE plpgsql AS $guard$
DECLARE
    original record;
    declared text;
BEGIN
    IF (NEW.origin = 'undo') <> (NEW.undo_of IS NOT NULL) THEN
        RAISE EXCEPTION 'approvals_action: an undo says what it undoes, and nothing else does' USING ERRCODE = 'CS001';
    END IF;
    IF NEW.undo_of IS NULL THEN
        RETURN NEW;
    END IF;
    SELECT a.status, a.organization_id, a.run, a.origin, a.principals INTO original
    FROM approvals_action a WHERE a.id = NEW.undo_of;
    IF original IS NULL OR original.organization_id <> NEW.organization_id OR original.run <> NEW.run THEN
        RAISE EXCEPTION 'approvals_action: it undoes no action of this run' USING ERRCODE = 'CS001';
    END IF;
    IF original.status <> 'done' OR original.origin = 'undo' THEN
        RAISE EXCEPTION 'approvals_action: only what was done can be undone' USING ERRCODE = 'CS001';
    END IF;
    SELECT v.contract ->> 'inverse' INTO declared
    FROM tools_execution e JOIN tools_toolversion v ON v.id = e.tool_version_id
    WHERE e.action = NEW.undo_of AND e.status = 'done';
    IF declared IS DISTINCT FROM NEW.tool_name THEN
        RAISE EXCEPTION 'approvals_action: % is not the inverse of what was done', NEW.tool_name USING ERRCODE = 'CS001';
    END IF;
    IF NOT NEW.principals @> original.principals THEN
        RAISE EXCEPTION 'approvals_action: an undo acts for everybody that the effect acted for' USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER approvals_action_cause BEFORE INSERT ON approvals_action
    FOR EACH ROW EXECUTE FUNCTION approvals_action_cause();
"""

UNDONE = """
CREATE FUNCTION approvals_undone() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM approvals_action c JOIN tools_execution e ON e.action = c.id
        WHERE c.undo_of = (to_jsonb(NEW) ->> TG_ARGV[0])::uuid AND c.status = 'done' AND e.status = 'done'
    ) THEN
        RAISE EXCEPTION '%: % has no compensation in the ledger', TG_TABLE_NAME, NEW.id USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER approvals_action_undone BEFORE UPDATE OF status ON approvals_action
    FOR EACH ROW WHEN (OLD.status = 'done' AND NEW.status = 'undone') EXECUTE FUNCTION approvals_undone('id');
CREATE TRIGGER tools_execution_undone BEFORE UPDATE OF status ON tools_execution
    FOR EACH ROW WHEN (OLD.status = 'done' AND NEW.status = 'undone') EXECUTE FUNCTION approvals_undone('action');
"""


class Migration(migrations.Migration):
    """One constraint, one index, two triggers."""

    dependencies: ClassVar = [("approvals", "0009_rows"), ("tools", "0006_verdicts")]
    operations: ClassVar = [
        migrations.AlterField("action", "undo_of", models.UUIDField(null=True)),
        migrations.AddConstraint(
            "action",
            models.UniqueConstraint(
                fields=["undo_of"],
                condition=models.Q(undo_of__isnull=False) & ~models.Q(status__in=OVER),
                name="one_undo_that_may_happen",
            ),
        ),
        migrations.AddIndex(
            "action",
            models.Index(
                fields=["undo_of"], condition=models.Q(undo_of__isnull=False, status="done"), name="action_undoes"
            ),
        ),
        run(CAUSE),
        run(UNDONE),
    ]
