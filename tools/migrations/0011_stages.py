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
