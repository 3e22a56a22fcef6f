"""What was counted against which limit, and how far each limit is used."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """See above."""

    dependencies: ClassVar = [("approvals", "0005_judged")]
    operations: ClassVar = []
