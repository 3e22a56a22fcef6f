"""Who asked for a run to be taken back, and where that began."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from traces.guards import run

KEPT = """
CREATE OR REPLACE FUNCTION lam_app_run_kept() RETURNS trigger LANGUAGE plpgsql AS $guard$
DECLARE
    free text[] := ARRAY['status', 'step', 'planner_id', 'planner_until', 'question', 'problem', 'context',
                         'undo_by_id', 'undo_from', 'finished_at'];
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'lam_app_run: rows are kept; % is refused', TG_OP USING ERRCODE = 'CS001';
    END IF;
    IF to_jsonb(OLD) - free IS DISTINCT FROM to_jsonb(NEW) - free THEN
        RAISE EXCEPTION 'lam_app_run: only % may change', array_to_string(free, ', ') USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
"""


class Migration(migrations.Migration):
    """Two columns."""

    dependencies: ClassVar = [("lam_app", "0005_rows"), ("approvals", "0010_undo")]
    operations: ClassVar = [
        migrations.AddField(
            "run",
            "undo_by",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField("run", "undo_from", models.IntegerField(default=0)),
        run(KEPT),
    ]
