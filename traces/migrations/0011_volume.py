"""How much is remembered of model calls, counted by organization and run. The worker counts; nobody counts down."""

from typing import ClassVar

from django.db import migrations, models

import traces.ids
from traces.guards import all_rows, grant, kept, own_rows, run

UP = """
CREATE FUNCTION traces_volume_counts_up() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NEW.bytes < OLD.bytes THEN
        RAISE EXCEPTION 'traces_volume: what was kept is not counted down' USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER traces_volume_counts_up BEFORE UPDATE ON traces_volume
    FOR EACH ROW EXECUTE FUNCTION traces_volume_counts_up();
"""
UP_BACK = """
DROP TRIGGER traces_volume_counts_up ON traces_volume;
DROP FUNCTION traces_volume_counts_up();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("traces", "0010_words_without_tools")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Volume",
            fields=[
                (
                    "id",
                    models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("organization", models.UUIDField()),
                ("of", models.UUIDField()),
                ("day", models.DateField()),
                ("bytes", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["organization", "of", "day"], name="one_volume_a_day"),
                    models.CheckConstraint(condition=models.Q(bytes__gte=0), name="volume_counts_up"),
                ],
            },
        ),
        run(kept("traces_volume", ["bytes"])),
        run(UP, UP_BACK),
        run(own_rows("traces_volume", "organization"), all_rows("traces_volume")),
        run(grant("traces_volume", web="SELECT", worker="SELECT, INSERT, UPDATE (bytes)")),
    ]
