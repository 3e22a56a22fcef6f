"""``manage.py rights grant|revoke|show``: who may do what with which tool. Run as the owner.

A change is made in the name of an administrator, who answers for it and is told of in the record. It has to be somebody
else's right that changes, here as everywhere.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Organization, Team, User
from tools.matrix import DIRECTLY, matrix
from tools.models import Tool
from tools.rights import RIGHTS, grant, revoke
from traces.exceptions import DomainError


class Command(BaseCommand):
    """Rights from the shell."""

    help = "Grant a team or a person a right on a tool, take it back, or show who has which and through what."

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command each."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
        for verb, says in (("grant", "give a right"), ("revoke", "take a right")):
            one = verbs.add_parser(verb, help=says)
            one.add_argument("--tool", required=True, metavar="T")
            whose = one.add_mutually_exclusive_group(required=True)
            whose.add_argument("--team", metavar="X", help="everybody in the team")
            whose.add_argument("--user", metavar="U", help="one person")
            one.add_argument("--right", required=True, choices=RIGHTS)
            one.add_argument("--as", dest="by", required=True, metavar="USER", help="the administrator who does this")
            one.add_argument("--reason", required=True, metavar="R")
        show = verbs.add_parser("show", help="who may do what, and through which team")
        show.add_argument("--tool", metavar="T", help="only this one")
        for one in verbs.choices.values():
            one.add_argument("--organization", required=True, metavar="O")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked for one organization."""
        organization = Organization.objects.filter(slug=options["organization"]).first()
        if organization is None:
            raise CommandError(f"--organization: there is none called {options['organization']}")
        tool = None
        if options["tool"]:
            tool = Tool.objects.filter(organization=organization, name=options["tool"]).first()
            if tool is None:
                raise CommandError(f"--tool: {organization.slug} has no tool called {options['tool']}")
        if tool is None or options["verb"] == "show":
            self._show(organization, options["tool"])
        else:
            self._change(tool, organization, options)

    def _change(self, tool: Tool, organization: Organization, options: dict[str, Any]) -> None:
        whose = self._whose(organization, options)
        by = User.objects.filter(username=options["by"], is_active=True).first()
        if by is None:
            raise CommandError(f"--as: there is no active person called {options['by']}")
        try:
            if options["verb"] == "grant":
                changed = grant(tool, options["right"], to=whose, by=by, reason=options["reason"])
            else:
                changed = revoke(tool, options["right"], of=whose, by=by, reason=options["reason"])
        except DomainError as refused:
            raise CommandError(refused.message) from None
        name = options["team"] or options["user"]
        if options["verb"] == "grant":
            said = f"{name} may {options['right']} {tool.name}" + ("" if changed else " already")
        else:
            said = f"{name} {'may no longer' if changed else 'had no right to'} {options['right']} {tool.name}"
        self.stdout.write(said)

    def _whose(self, organization: Organization, options: dict[str, Any]) -> Team | User:
        whose: Team | User | None
        if options["team"]:
            whose = Team.objects.filter(organization=organization, name=options["team"]).first()
        else:
            whose = User.objects.filter(username=options["user"]).first()
        if whose is None:
            raise CommandError("There is nobody and nothing of that name in this organization.")
        return whose

    def _show(self, organization: Organization, only: str | None) -> None:
        for line in matrix(organization.pk):
            if only not in {None, line.name}:
                continue
            self.stdout.write(line.name)
            for right, holders in line.holders.items():
                people = "; ".join(
                    f"{h.name} ({', '.join('directly' if team == DIRECTLY else team for team in h.through)})"
                    for h in holders
                )
                self.stdout.write(f"  {right:<9} {people or 'nobody'}")
