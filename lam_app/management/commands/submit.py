"""``manage.py submit "goal" --as USER [--wait]``: one run from the shell."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Membership, User
from accounts.rows import within
from lam_app.models import Run
from lam_app.runs import submit
from lam_app.states import FINISHED, RunStatus
from tools.text import display
from traces.exceptions import DomainError


class Command(BaseCommand):
    """Give a goal to the built-in agent."""

    help = "Submit a goal as a user; prints the run's id as its last word."

    def add_arguments(self, parser: CommandParser) -> None:
        """The goal, the user, and whether to wait for the end."""
        parser.add_argument("goal")
        parser.add_argument("--as", dest="user", required=True, metavar="USER")
        parser.add_argument("--wait", action="store_true", help="wait until the run ends or needs somebody")

    def handle(self, *args: Any, **options: Any) -> None:
        """Submit, and perhaps wait."""
        user = User.objects.filter(username=options["user"], is_active=True).first()
        member = Membership.objects.of(user).first() if user else None
        if user is None or member is None:
            raise CommandError(f"--as: there is no active member called {options['user']}")
        with within(member.organization_id):
            self._submit(user, member, goal=options["goal"], wait=options["wait"])

    def _submit(self, user: User, member: Membership, *, goal: str, wait: bool) -> None:
        try:
            run = submit(initiator=user, organization=member.organization_id, goal=goal)
        except DomainError as error:
            raise CommandError(error.message) from None
        rest = FINISHED | {RunStatus.NEEDS_HUMAN, RunStatus.NEEDS_INPUT, RunStatus.HALTED}
        status = ""
        while wait:
            run = Run.objects.get(id=run.id)
            if run.status != status:
                status = run.status
                self.stderr.write(f"{status}{': ' + display(run.problem, one_line=True) if run.problem else ''}")
            if run.status in rest:
                break
            time.sleep(0.2)
        self.stdout.write(f"run {run.id}")
