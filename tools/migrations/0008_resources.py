"""What belongs to which organization, so that a call cannot reach for another's things."""

from typing import ClassVar

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import traces.ids
from traces.guards import grant, run


class Migration(migrations.Migration):
    """One table."""

    dependencies: ClassVar = [("tools", "0006_verdicts")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Resource",
            fields=[
                ("id", models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=32)),
                ("identifier", models.CharField(max_length=200)),
                ("folded", models.CharField(max_length=400)),
                ("created", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "identifier"), name="resource_of_one_organization"),
                    models.UniqueConstraint(fields=("kind", "folded"), name="resource_not_taken_for_another"),
                    models.CheckConstraint(
                        condition=~models.Q(("kind", "organization"), ("identifier", ""), _connector="OR"),
                        name="resource_is_something",
                    ),
                ],
            },
        ),
        run(grant("tools_resource", web="SELECT", worker="SELECT")),
    ]
