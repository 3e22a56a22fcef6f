"""What keeps the inbox fast with many waiting and very many old."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """Filled by whoever furnishes this room."""

    dependencies: ClassVar = [("approvals", "0015_desk_rules")]
    operations: ClassVar = []
