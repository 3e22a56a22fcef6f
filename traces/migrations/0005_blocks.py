"""The seal: blocks of events with their hashes, signed. Written once, by the sealer's account alone.

Sealing looks for events by their transaction, because a late commit has an old id. The index for that is a BRIN, which
costs writers next to nothing: a few bytes for every sixteen pages.
"""

from typing import ClassVar

import django.db.models.functions.datetime
from django.db import migrations, models

import traces.ids
from traces.guards import all_rows, append_only, grant, own_rows, run

CLOSE_READING = """
CREATE INDEX traces_event_transaction ON traces_event USING brin (transaction) WITH (pages_per_range = 16);
"""


class Migration(migrations.Migration):
    """One table and one index."""

    dependencies: ClassVar = [("traces", "0004_rows")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Block",
            fields=[
                ("id", models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("organization", models.UUIDField()),
                ("chain", models.IntegerField()),
                ("number", models.BigIntegerField()),
                ("first", models.BigIntegerField()),
                ("count", models.IntegerField()),
                ("events", models.BinaryField()),
                ("leaves", models.BinaryField()),
                ("previous", models.BinaryField(max_length=32)),
                ("head", models.BinaryField(max_length=32)),
                ("horizon", models.BigIntegerField()),
                ("sealed_at", models.DateTimeField()),
                ("cluster", models.CharField(max_length=40)),
                ("kid", models.CharField(max_length=64)),
                ("signature", models.BinaryField(max_length=64)),
                ("created", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["organization", "chain", "number"], name="block_number_once"),
                    models.CheckConstraint(
                        condition=models.Q(count__gte=1, count__lte=1000), name="block_holds_some_events"
                    ),
                ],
            },
        ),
        run(CLOSE_READING, "DROP INDEX traces_event_transaction;"),
        run(append_only("traces_block")),
        run(own_rows("traces_block", "organization"), all_rows("traces_block")),
        run(grant("traces_block", web="SELECT", worker="SELECT, INSERT")),
    ]
