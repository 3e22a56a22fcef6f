"""What the desk may write, and what nobody may."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """Filled by whoever furnishes this room."""

    dependencies: ClassVar = [("approvals", "0014_desk")]
    operations: ClassVar = []
