"""``manage.py sweep``: the sweeper as a process of its own; ``--once`` for a single pass."""

import signal
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from lam_app import sweep


class Command(BaseCommand):
    """Find by row state what no message announced."""

    help = "Sweep until stopped: expire, let leave, halt, and ring for whatever waits."

    def add_arguments(self, parser: CommandParser) -> None:
        """``--once`` makes a single pass and prints which bells it rang."""
        parser.add_argument("--once", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT."""
        if options["once"]:
            self.stdout.write(" ".join(sweep.sweep()))
            return
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        sweep.forever(lambda: False)
