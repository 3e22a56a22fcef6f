"""Whoever lifts a stop may do so and is named, its lifting is told, and no quiet is written down that is not there."""

from typing import ClassVar

from django.db import migrations, models

from traces.guards import run

# The rows of people are asked when a stop is lifted and never when one is engaged: that must not wait for any table.
LIFTED = """
CREATE FUNCTION tools_killswitch_lifted() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
DECLARE
    lifter uuid;
BEGIN
    FOREACH lifter IN ARRAY ARRAY[
        CASE WHEN OLD.eased_at IS DISTINCT FROM NEW.eased_at THEN NEW.eased_by_id END,
        CASE WHEN OLD.released_at IS DISTINCT FROM NEW.released_at THEN NEW.released_by_id END]
    LOOP
        IF lifter IS NOT NULL AND NEW.organization_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id AND u.is_active
            WHERE m.user_id = lifter AND m.organization_id = NEW.organization_id
              AND m.roles::text[] && ARRAY['reviewer', 'administrator']
        ) THEN
            RAISE EXCEPTION 'tools_killswitch: % may lift no stop here', lifter USING ERRCODE = 'CS001';
        END IF;
    END LOOP;
    RETURN NEW;
END $guard$;
CREATE TRIGGER tools_killswitch_lifted BEFORE UPDATE OF eased_at, released_at ON tools_killswitch
    FOR EACH ROW EXECUTE FUNCTION tools_killswitch_lifted();
"""

TOLD = """
CREATE FUNCTION tools_killswitch_told() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM traces_event e
        WHERE e.subject = NEW.id AND e.verb = TG_ARGV[0] AND e.transaction = pg_current_xact_id()::text::bigint
    ) THEN
        RAISE EXCEPTION 'tools_killswitch: % was lifted and no event tells of it', NEW.id USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER tools_killswitch_eased_told AFTER UPDATE OF eased_at ON tools_killswitch
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.eased_at IS DISTINCT FROM NEW.eased_at)
    EXECUTE FUNCTION tools_killswitch_told('stop_eased');
CREATE CONSTRAINT TRIGGER tools_killswitch_released_told AFTER UPDATE OF released_at ON tools_killswitch
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.released_at IS DISTINCT FROM NEW.released_at)
    EXECUTE FUNCTION tools_killswitch_told('stop_released');
"""

# Only the sweep, a worker, looks whether anything is in flight, and it looks once.
QUIET = """
REVOKE UPDATE (quiet_at) ON tools_killswitch FROM countersign_web;
CREATE FUNCTION tools_killswitch_quiet() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.quiet_at IS NOT NULL OR NEW.eased_at IS NOT NULL OR NEW.released_at IS NOT NULL THEN
            RAISE EXCEPTION 'tools_killswitch: a stop begins in its first stage' USING ERRCODE = 'CS001';
        END IF;
    ELSIF OLD.quiet_at IS NOT NULL AND OLD.quiet_at IS DISTINCT FROM NEW.quiet_at THEN
        RAISE EXCEPTION 'tools_killswitch: the moment of quiet is written once'
            USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER tools_killswitch_quiet BEFORE INSERT OR UPDATE OF quiet_at ON tools_killswitch
    FOR EACH ROW EXECUTE FUNCTION tools_killswitch_quiet();
"""


class Migration(migrations.Migration):
    """One constraint, four triggers, one right less."""

    dependencies: ClassVar = [("tools", "0011_stages"), ("traces", "0004_rows"), ("accounts", "0002_grants")]
    operations: ClassVar = [
        run(LIFTED),
        run(TOLD),
        run(QUIET),
        migrations.AddConstraint(
            "killswitch",
            models.CheckConstraint(
                condition=models.Q(eased_by__isnull=True, eased_at__isnull=True)
                | models.Q(eased_by__isnull=False, eased_at__isnull=False),
                name="kill_eased_by_somebody",
            ),
        ),
    ]
