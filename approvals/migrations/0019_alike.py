"""What came of a tool's calls, newest first: the card compares a new one with the last of them."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """One partial index, so that ten million old actions cost a card nothing."""

    dependencies: ClassVar = [("approvals", "0018_trials")]
    operations: ClassVar = [
        migrations.AddIndex(
            model_name="action",
            index=models.Index(
                fields=["tool", "id"],
                condition=models.Q(status__in=["done", "failed", "uncertain", "undone", "rejected"]),
                name="action_alike",
            ),
        ),
    ]
