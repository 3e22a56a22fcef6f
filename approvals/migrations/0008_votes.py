"""Votes across teams, editors, and who may be among them."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """See above."""

    dependencies: ClassVar = [("approvals", "0007_previews")]
    operations: ClassVar = []
