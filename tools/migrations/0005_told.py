"""The ledger's changes are told of too. That a row was claimed is told by its action's event, in the same statement."""

from typing import ClassVar

from django.db import migrations

from traces.guards import run, told


class Migration(migrations.Migration):
    """One deferred trigger."""

    dependencies: ClassVar = [("tools", "0004_stops")]
    operations: ClassVar = [run(told("tools_execution", births=False))]
