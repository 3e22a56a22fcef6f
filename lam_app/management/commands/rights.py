"""``manage.py rights grant | revoke | tier | roles | team | join | leave | show``: who may do what. Run as the owner.

A change is made in the name of an administrator, who answers for it and is told of in the record. It has to be somebody
else's right that changes, here as everywhere.
"""

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import models

from accounts.models import Agent, Membership, Organization, Team, User
from accounts.roles import Role, TierLevel
from accounts.standing import create_team, join, leave, set_roles, set_tier
from lam_app.management.commands._named import organization_named, person_named
from tools.matrix import DIRECTLY, matrix
from tools.models import Tool
from tools.rights import RIGHTS, grant, revoke
from traces.exceptions import DomainError


class Command(BaseCommand):
    """Rights from the shell."""

    help = "Who may do what with which tool and through which team, how deep, in which roles; changed one at a time."

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command each."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
        for verb, says in (("grant", "give a right on a tool"), ("revoke", "take a right on a tool")):
            one = verbs.add_parser(verb, help=says)
            one.add_argument("--tool", required=True, metavar="T")
            whose = one.add_mutually_exclusive_group(required=True)
            whose.add_argument("--team", metavar="X", help="everybody in the team")
            whose.add_argument("--user", metavar="U", help="one person")
            one.add_argument("--right", required=True, choices=RIGHTS)
        tier = verbs.add_parser("tier", help="how deep calls may reach for a person, or by an agent")
        whose = tier.add_mutually_exclusive_group(required=True)
        whose.add_argument("--user", metavar="U")
        whose.add_argument("--agent", metavar="A")
        tier.add_argument("--tier", required=True, choices=TierLevel.values)
        roles = verbs.add_parser("roles", help="a person's parts, all of them; the teams named after them go along")
        roles.add_argument("--user", required=True, metavar="U")
        roles.add_argument("--roles", nargs="*", required=True, choices=Role.values, metavar="ROLE")
        team = verbs.add_parser("team", help="make a team, which rules can name and rights be granted to")
        team.add_argument("--team", required=True, metavar="X")
        for verb, says in (("join", "put a person into a team"), ("leave", "take a person out of a team")):
            one = verbs.add_parser(verb, help=says)
            one.add_argument("--team", required=True, metavar="X")
            one.add_argument("--user", required=True, metavar="U")
        for one in verbs.choices.values():
            one.add_argument("--as", dest="by", required=True, metavar="USER", help="the administrator who does this")
            one.add_argument("--reason", required=True, metavar="R")
        show = verbs.add_parser("show", help="who may do what, and through which team")
        show.add_argument("--tool", metavar="T", help="only this one")
        for one in verbs.choices.values():
            one.add_argument("--organization", required=True, metavar="O")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked for one organization."""
        organization = organization_named(options["organization"])
        if options["verb"] == "show":
            self._show(organization, options["tool"])
            return
        by = person_named(options["by"])
        change = _change(organization, options)
        try:
            changed = change(by=by, reason=options["reason"])
        except DomainError as refused:
            raise CommandError(refused.message) from None
        self.stdout.write("done" if changed else "it is so already")

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


def _change(organization: Organization, options: dict[str, Any]) -> Callable[..., bool]:
    """The verb that was asked for, with everything but who does it and why. Raises CommandError for unknown names."""

    def named(option: str, rows: models.QuerySet[Any], field: str = "name") -> Any:
        found = rows.filter(**{field: options[option]}).first()
        if found is None:
            raise CommandError(f"--{option}: {organization.slug} knows nobody and nothing called {options[option]}")
        return found

    ours = {"organization": organization}
    verb = options["verb"]
    if verb in {"grant", "revoke"}:
        tool = named("tool", Tool.objects.filter(**ours))
        if options["team"]:
            whose = named("team", Team.objects.filter(**ours))
        else:
            whose = named("user", User.objects.all(), "username")
        if verb == "grant":
            return lambda **who: grant(tool, options["right"], to=whose, **who)
        return lambda **who: revoke(tool, options["right"], of=whose, **who)
    if verb == "team":
        return lambda **who: create_team(organization, options["team"], **who)
    if verb in {"join", "leave"}:
        team, user = named("team", Team.objects.filter(**ours)), named("user", User.objects.all(), "username")
        return lambda **who: (join if verb == "join" else leave)(team, user, **who)
    members = Membership.objects.filter(**ours).select_related("user")
    if verb == "roles":
        member = named("user", members, "user__username")
        return lambda **who: set_roles(member, options["roles"], **who)
    if options["agent"]:
        whose = named("agent", Agent.objects.filter(**ours))
    else:
        whose = named("user", members, "user__username")
    return lambda **who: set_tier(whose, options["tier"], **who)
