"""Policies that are tried before they are in force, and how often each entry of a policy was met."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """Filled by whoever furnishes this room."""

    dependencies: ClassVar = [("approvals", "0017_grants")]
    operations: ClassVar = []
