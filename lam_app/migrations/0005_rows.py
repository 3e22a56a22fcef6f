"""The web account sees the runs of its own organization alone: see approvals/migrations/0009_rows."""

from typing import ClassVar

from django.db import migrations

from traces.guards import all_rows, own_rows, run

TABLES = ["lam_app_run", "lam_app_step", "lam_app_report"]


class Migration(migrations.Migration):
    """Policies."""

    dependencies: ClassVar = [("lam_app", "0004_scopes")]
    operations: ClassVar = [run(own_rows(table), all_rows(table)) for table in TABLES]
