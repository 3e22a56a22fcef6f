"""What a run means to do, in versions that nobody changes afterwards."""

from typing import ClassVar

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import traces.ids
from traces.guards import all_rows, append_only, grant, own_rows, run


class Migration(migrations.Migration):
    """One table, its trigger, its rights."""

    dependencies: ClassVar = [
        ("lam_app", "0007_true_names"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            "RunPlan",
            [
                ("id", models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("number", models.IntegerField()),
                ("goal", models.TextField()),
                ("steps", models.JSONField(default=list)),
                ("missing", models.JSONField(default=list)),
                ("created", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="plans", to="lam_app.run"
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["run", "number"], name="plan_number_once_a_run"),
                ],
            },
        ),
        run(append_only("lam_app_runplan")),
        run(grant("lam_app_runplan", web="SELECT, INSERT", worker="SELECT, INSERT")),
        run(own_rows("lam_app_runplan"), all_rows("lam_app_runplan")),
    ]
