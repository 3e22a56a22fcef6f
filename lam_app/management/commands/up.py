"""`manage.py up`. manage.py answers it before Django is loaded; this is the same for `help` and `call_command`."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lam_app.supervisor import main


class Command(BaseCommand):
    """Start and supervise everything that is not configured elsewhere."""

    help = "Start PostgreSQL, Redis, the stand-in model and all roles; one `ready` line; stop all on a signal."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The options of `up`."""
        main.arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        """Run until a signal. Raises CommandError when it could not start."""
        flags = ["--demo"] if options["demo"] else []
        if main.run([f"--port={options['port']}", f"--workers={options['workers']}", *flags]):
            raise CommandError("up did not start")
