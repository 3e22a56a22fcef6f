#!/usr/bin/env python
"""The command line. `up` is answered before Django is loaded: a supervisor must start fast and stay small."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run one command; the supervisor's own code runs `up`, everything else is Django's."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lam_app.settings")
    if sys.argv[1:2] == ["up"]:
        from lam_app.supervisor.main import run

        sys.exit(run(sys.argv[2:]))
    if sys.argv[1:2] in (["kill"], ["permit"]):
        # They reach over all organizations, which the web account does not: whoever runs the installation asks.
        os.environ.setdefault("LAM_ROLE", "owner")
    from django.core.management import execute_from_command_line

    from lam_app.environment import WrongSetting

    try:
        execute_from_command_line(sys.argv)
    except WrongSetting as wrong:
        sys.exit(str(wrong))


if __name__ == "__main__":
    main()
