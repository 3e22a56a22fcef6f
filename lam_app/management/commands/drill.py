"""``manage.py drill inverses``: which effects could be taken back, and when that was last proven."""

import datetime as dt
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Membership, Organization, User
from accounts.rows import within
from approvals.reading.inverses import Inverse, inverses
from lam_app.drill import drilled, exercise
from lam_app.management.commands._named import organization_named
from tools.text import display
from traces.canonical import BadJSON, parse
from traces.clock import later
from traces.exceptions import DomainError

DAY = 86_400


class Command(BaseCommand):
    """Inverses, looked at and exercised."""

    help = "Say which tools' effects could be taken back and when that was last proven; propose a call to prove one."

    def add_arguments(self, parser: CommandParser) -> None:
        """``inverses``."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        look = verbs.add_parser("inverses", help="every tool that can be taken back, and when that was last proven")
        look.add_argument("--organization", required=True, metavar="O")
        look.add_argument("--tool", default="", metavar="NAME", help="only this one")
        look.add_argument("--days", type=int, default=90, metavar="N", help="what is older than this is flagged (90)")
        look.add_argument(
            "--exercise",
            type=Path,
            metavar="FILE",
            help="propose a call of --tool with these arguments (JSON): to be approved and taken back like any other",
        )
        look.add_argument("--as", dest="user", required=True, metavar="USER", help="who drills")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, or exercise one."""
        organization = organization_named(options["organization"])
        if options["exercise"] and not options["tool"]:
            raise CommandError("--exercise: say with --tool which one")
        with within(organization.pk):
            user = _member(organization, options["user"])
            found = _chosen(organization, options["tool"])
            try:
                if options["exercise"]:
                    self._exercise(organization, user, found[0], options["exercise"])
                else:
                    self._look(organization, user, found, options["days"])
            except DomainError as refused:
                raise CommandError(refused.message) from None

    def _look(self, organization: Organization, user: User, found: list[Inverse], days: int) -> None:
        before = later(-days * DAY)
        flagged = 0
        for one in found:
            says = _says(one, before, days)
            flagged += bool(one.gaps) or one.stale(before)
            self.stdout.write(f"{one.tool.name} is undone by {one.contract.inverse or 'hand'}: {says}")
        self.stdout.write(f"{len(found)} {'tool' if len(found) == 1 else 'tools'} can be undone, {flagged} to look at.")
        drilled(actor=user, organization=organization.pk, found=found)

    def _exercise(self, organization: Organization, user: User, one: Inverse, file: Path) -> None:
        action = exercise(actor=user, organization=organization.pk, inverse=one, arguments=_arguments(file))
        self.stdout.write(f"{display(action.summary)}: {action.get_status_display().lower()}.")
        self.stdout.write(f"Once it is done, {user.username} asks for it to be taken back: /runs/{action.run}/undo/")
        self.stdout.write(f"run {action.run}")


def _says(one: Inverse, before: dt.datetime, days: int) -> str:
    """What is known of an inverse, worst first."""
    if one.gaps:
        return f"IT COULD NOT BE, {'; '.join(one.gaps)}"
    if one.proof is None and one.contract.result_schema is None:
        return "NEVER PROVEN, and only a drill can tell, since its answer is not described"
    if one.proof is None:
        return "NEVER PROVEN"
    proven = f"last proven {one.proof.at:%Y-%m-%d %H:%M} UTC in run {one.proof.run}"
    if one.tool.version is not None and one.proof.version != one.tool.version.number:
        return f"{proven}, BUT ON VERSION {one.proof.version}, and version {one.tool.version.number} is offered"
    return f"{proven}, MORE THAN {days} DAYS AGO" if one.proof.at < before else proven


def _member(organization: Organization, name: str) -> User:
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None or not Membership.objects.of(user).filter(organization_id=organization.pk).exists():
        raise CommandError(f"--as: {organization.slug} has no active member called {name}")
    return user


def _chosen(organization: Organization, name: str) -> list[Inverse]:
    found = [one for one in inverses(organization.pk) if name in ("", one.tool.name)]
    if name and not found:
        raise CommandError(f"--tool: {organization.slug} has no tool called {name} that can be undone")
    return found


def _arguments(file: Path) -> dict[str, Any]:
    try:
        found = parse(file.read_bytes())
    except (OSError, BadJSON) as wrong:
        raise CommandError(f"--exercise: {wrong}") from None
    if not isinstance(found, dict):
        raise CommandError("--exercise: the file holds no JSON object")
    return found
