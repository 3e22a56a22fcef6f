"""A stop covers what belongs to its organization and nothing else, by whatever path its row is written (promise 9)."""

from typing import ClassVar

from django.db import migrations, models

from traces.guards import run

# The tables of the gate and the mind are named here, above the hands: plpgsql looks them up when a row is written.
OWN = """
CREATE FUNCTION tools_killswitch_own() RETURNS trigger LANGUAGE plpgsql AS $guard$
DECLARE
    own boolean;
BEGIN
    own := CASE NEW.scope
        WHEN 'everything' THEN NEW.organization_id IS NULL AND NEW.target IS NULL
        WHEN 'organization' THEN NEW.target = NEW.organization_id
        WHEN 'tool' THEN EXISTS (
            SELECT 1 FROM tools_tool t WHERE t.id = NEW.target AND t.organization_id = NEW.organization_id)
        WHEN 'agent' THEN EXISTS (
            SELECT 1 FROM accounts_agent a WHERE a.id = NEW.target AND a.organization_id = NEW.organization_id)
        WHEN 'initiator' THEN EXISTS (
            SELECT 1 FROM accounts_membership m
            WHERE m.user_id = NEW.target AND m.organization_id = NEW.organization_id)
        WHEN 'run' THEN EXISTS (
            SELECT 1 FROM lam_app_run r WHERE r.id = NEW.target AND r.organization_id = NEW.organization_id)
            OR EXISTS (
            SELECT 1 FROM approvals_action a WHERE a.run = NEW.target AND a.organization_id = NEW.organization_id)
    END;
    IF own IS NOT TRUE THEN
        RAISE EXCEPTION 'tools_killswitch: there is no such % in this organization', NEW.scope USING ERRCODE = 'CS001';
    END IF;
    IF NEW.scope_key <> concat_ws(':', NEW.scope, NEW.target) THEN
        RAISE EXCEPTION 'tools_killswitch: % is not the key of this stop', NEW.scope_key USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER tools_killswitch_own BEFORE INSERT ON tools_killswitch
    FOR EACH ROW EXECUTE FUNCTION tools_killswitch_own();
"""


class Migration(migrations.Migration):
    """One trigger, one constraint."""

    dependencies: ClassVar = [("tools", "0003_rights")]
    operations: ClassVar = [
        run(OWN, "DROP TRIGGER tools_killswitch_own ON tools_killswitch; DROP FUNCTION tools_killswitch_own();"),
        migrations.AddConstraint(
            model_name="killswitch",
            constraint=models.CheckConstraint(
                condition=models.Q(released_by__isnull=True, released_at__isnull=True)
                | models.Q(released_by__isnull=False, released_at__isnull=False),
                name="kill_released_by_somebody",
            ),
        ),
    ]
