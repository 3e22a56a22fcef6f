"""``manage.py seed [--demo]``: bring the catalogue up to date; with --demo, make the demo's people."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from lam_app.seed import seed


class Command(BaseCommand):
    """What a new installation begins with."""

    help = "Bring every organization's catalogue up to date. With --demo, make the demo's organizations and people."

    stealth_options = ("password", "office")  # the supervisor hands them on in memory

    def add_arguments(self, parser: CommandParser) -> None:
        """``--demo`` reads the people's password from LAM_DEMO_PASSWORD, never from the command line."""
        parser.add_argument("--demo", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed."""
        password = options.get("password") or os.environ.get("LAM_DEMO_PASSWORD")
        if options["demo"] and not password:
            raise CommandError("LAM_DEMO_PASSWORD: the demo's people need a password")
        seed(demo=options["demo"], password=password, office=options.get("office") or "")
