"""What runs out soonest, tool by tool: the inbox looks at the index alone for what other tools have running out."""

from typing import ClassVar

from django.db import migrations, models

WAITS = models.Q(status__in=["in_review", "permitted"])


class Migration(migrations.Migration):
    """The index of what runs out says of each row whose tool it is, so that a tool's few cost no look at the rest."""

    dependencies: ClassVar = [("approvals", "0020_escalated")]
    operations: ClassVar = [
        migrations.RemoveIndex("action", "action_expiring"),
        migrations.AddIndex(
            "action", models.Index(fields=["expires_at", "tool", "id"], condition=WAITS, name="action_expiring")
        ),
    ]
