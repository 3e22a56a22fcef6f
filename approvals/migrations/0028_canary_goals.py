"""A canary says which goal it seems to serve, where its tool's requests come from runs that have one.

Without it a canary of the built-in planner's tools could be told from the others by where its run leads: to nothing.
"""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """One column, written with the row and never again: no account may update it."""

    dependencies: ClassVar = [("approvals", "0027_occasions_of_stops")]
    operations: ClassVar = [
        migrations.AddField("canarytemplate", "goal", models.TextField(blank=True, db_default="", default="")),
    ]
