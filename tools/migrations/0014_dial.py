"""Every change of a dial, kept."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """Filled by whoever furnishes this room."""

    dependencies: ClassVar = [("tools", "0013_lifted")]
    operations: ClassVar = []
