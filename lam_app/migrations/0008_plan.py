"""What a run means to do."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """Filled by whoever furnishes this room."""

    dependencies: ClassVar = [("lam_app", "0007_true_names")]
    operations: ClassVar = []
