"""A stop is lifted in two stages, both by somebody else than who engaged it: first people decide again and nothing leaves,
then it is released.
"""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from traces.guards import run

KEPT = """
CREATE OR REPLACE FUNCTION tools_killswitch_kept() RETURNS trigger LANGUAGE plpgsql AS $guard$
DECLARE
    free text[] := ARRAY['quiet_at', 'eased_by_id', 'eased_at', 'released_by_id', 'released_at', 'release_reason'];
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'tools_killswitch: rows are kept; % is refused', TG_OP USING ERRCODE = 'CS001';
    END IF;
    IF to_jsonb(OLD) - free IS DISTINCT FROM to_jsonb(NEW) - free THEN
        RAISE EXCEPTION 'tools_killswitch: only % may change', array_to_string(free, ', ') USING ERRCODE = 'CS001';
    END IF;
    IF OLD.eased_at IS NOT NULL AND (OLD.eased_at, OLD.eased_by_id) IS DISTINCT FROM (NEW.eased_at, NEW.eased_by_id)
        OR OLD.released_at IS NOT NULL
        AND (OLD.released_at, OLD.released_by_id) IS DISTINCT FROM (NEW.released_at, NEW.released_by_id) THEN
        RAISE EXCEPTION 'tools_killswitch: a stage is passed once' USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
GRANT UPDATE (eased_by_id, eased_at) ON tools_killswitch TO countersign_web;
-- What was lifted before there were stages passed both at once.
ALTER TABLE tools_killswitch DISABLE TRIGGER tools_killswitch_kept;
UPDATE tools_killswitch SET eased_at = released_at, eased_by_id = released_by_id WHERE released_at IS NOT NULL;
ALTER TABLE tools_killswitch ENABLE TRIGGER tools_killswitch_kept;
"""


# One statement a scope: a statement locks every table that it names, whichever branch is taken, and a stop must not wait
# for a table that it has no need to read.
OWN = """
CREATE OR REPLACE FUNCTION tools_killswitch_own() RETURNS trigger LANGUAGE plpgsql AS $guard$
DECLARE
    own boolean;
BEGIN
    IF NEW.scope = 'everything' THEN
        own := NEW.organization_id IS NULL AND NEW.target IS NULL;
    ELSIF NEW.scope = 'organization' THEN
        own := NEW.target = NEW.organization_id;
    ELSIF NEW.scope = 'tool' THEN
        own := EXISTS (
            SELECT 1 FROM tools_tool t WHERE t.id = NEW.target AND t.organization_id = NEW.organization_id);
    ELSIF NEW.scope = 'agent' THEN
        own := EXISTS (
            SELECT 1 FROM accounts_agent a WHERE a.id = NEW.target AND a.organization_id = NEW.organization_id);
    ELSIF NEW.scope = 'initiator' THEN
        own := EXISTS (
            SELECT 1 FROM accounts_membership m
            WHERE m.user_id = NEW.target AND m.organization_id = NEW.organization_id);
    ELSIF NEW.scope = 'run' THEN
        own := EXISTS (
            SELECT 1 FROM lam_app_run r WHERE r.id = NEW.target AND r.organization_id = NEW.organization_id);
        IF NOT own THEN
            own := EXISTS (
                SELECT 1 FROM approvals_action a
                WHERE a.run = NEW.target AND a.organization_id = NEW.organization_id);
        END IF;
    END IF;
    IF own IS NOT TRUE THEN
        RAISE EXCEPTION 'tools_killswitch: there is no such % in this organization', NEW.scope USING ERRCODE = 'CS001';
    END IF;
    IF NEW.scope_key <> concat_ws(':', NEW.scope, NEW.target) THEN
        RAISE EXCEPTION 'tools_killswitch: % is not the key of this stop', NEW.scope_key USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
"""


class Migration(migrations.Migration):
    """Two columns, two constraints."""

    dependencies: ClassVar = [("tools", "0010_rows"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations: ClassVar = [
        migrations.AddField(
            "killswitch",
            "eased_by",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField("killswitch", "eased_at", models.DateTimeField(null=True)),
        run(KEPT),
        run(OWN),
        migrations.AddConstraint(
            "killswitch",
            models.CheckConstraint(
                condition=models.Q(eased_by__isnull=True) | ~models.Q(eased_by=models.F("engaged_by")),
                name="kill_eased_by_a_second_person",
            ),
        ),
        migrations.AddConstraint(
            "killswitch",
            models.CheckConstraint(
                condition=models.Q(released_at__isnull=True)
                | models.Q(eased_at__isnull=False, released_at__gte=models.F("eased_at")),
                name="kill_eased_before_released",
            ),
        ),
    ]
