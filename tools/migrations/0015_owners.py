"""Who answers for a tool."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """Filled by whoever furnishes this room."""

    dependencies: ClassVar = [("tools", "0014_dial")]
    operations: ClassVar = []
