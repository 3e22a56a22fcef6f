"""What tools said that they would do."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """See above."""

    dependencies: ClassVar = [("approvals", "0006_limits")]
    operations: ClassVar = []
