"""``manage.py seal``: the sealer as a process of its own; ``--once`` for what there is now."""

import signal
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from lam_app import sealing
from lam_app.environment import WrongSetting
from traces.exceptions import DomainError
from traces.keys import private_key


class Command(BaseCommand):
    """Seal what was written."""

    help = "Seal the record until stopped: hash chains in signed blocks, told to a file outside the database."

    def add_arguments(self, parser: CommandParser) -> None:
        """``--once`` seals what is there and prints how many blocks that made."""
        parser.add_argument("--once", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT. What cannot be read stops the start, with the reason."""
        public, outside = settings.LAM_SEAL_PUBLIC_KEY, settings.LAM_CHECKPOINTS
        try:
            if options["once"]:
                key, chain, made = private_key(settings.LAM_SEAL_KEY), sealing.begin(public, outside), 0
                while more := sealing.one_pass(chain, key, outside):
                    made += more
                self.stdout.write(str(made))
                return
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            sealing.forever(settings.LAM_SEAL_KEY, public, outside, settings.LAM_SEAL_SECONDS, lambda: False)
        except DomainError as refused:
            raise CommandError(refused.message) from None
        except WrongSetting as wrong:
            raise CommandError(str(wrong)) from None
