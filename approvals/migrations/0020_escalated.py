"""What reviewers ask those who administer to look at is found among whatever waits."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """One partial index."""

    dependencies: ClassVar = [("approvals", "0019_alike")]
    operations: ClassVar = [
        migrations.AddIndex(
            "action",
            models.Index(
                fields=["organization", "created", "id"],
                condition=models.Q(status="in_review", escalated_at__isnull=False),
                name="action_escalated",
            ),
        ),
    ]
