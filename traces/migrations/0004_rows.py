"""The web account reads and writes the record of its own organization alone: see approvals/migrations/0009_rows.

The policies stand on the partitioned tables; their partitions are granted to nobody, so no road leads around.
"""

from typing import ClassVar

from django.db import migrations

from traces.guards import all_rows, own_rows, run

TABLES = ["traces_event", "traces_eventdetail", "traces_trace", "traces_promptpart"]


class Migration(migrations.Migration):
    """Policies."""

    dependencies: ClassVar = [("traces", "0003_honest_events")]
    operations: ClassVar = [run(own_rows(table, "organization"), all_rows(table)) for table in TABLES]
