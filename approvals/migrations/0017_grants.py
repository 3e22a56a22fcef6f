"""Bounded grants."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """Filled by whoever furnishes this room."""

    dependencies: ClassVar = [("approvals", "0016_inbox")]
    operations: ClassVar = []
