"""How far a worker has come, and whether it is at work: a heart that beats says nothing of the hands."""

from typing import ClassVar

from django.db import migrations, models

from traces.guards import run


class Migration(migrations.Migration):
    """Two columns, written by the worker itself."""

    dependencies: ClassVar = [("tools", "0015_owners")]
    operations: ClassVar = [
        migrations.AddField("worker", "steps", models.BigIntegerField(default=0, db_default=0)),
        migrations.AddField("worker", "busy", models.BooleanField(default=False, db_default=False)),
        run("GRANT UPDATE (steps, busy) ON tools_worker TO countersign_worker;"),
    ]
