"""``manage.py token create|revoke``: bearer tokens for agents and scripts, made by whoever runs the installation."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Agent, ApiToken, Membership, Organization, User
from accounts.rows import within
from accounts.tokens import issue, revoke
from lam_app.management.commands._named import person_named
from traces.exceptions import DomainError
from traces.services import Actor

BY = Actor.system("command line")


class Command(BaseCommand):
    """Make or end a token."""

    help = "Make a bearer token and print it once, as the last word; or end one."

    def add_arguments(self, parser: CommandParser) -> None:
        """``create`` and ``revoke``."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        make = verbs.add_parser("create", help="print a new token, which is nowhere kept")
        make.add_argument("--user", required=True, help="the person who answers for what is done with it")
        make.add_argument("--scope", required=True, choices=ApiToken.Scope.values)
        make.add_argument("--agent", help="the outside agent that will use it (scope agent only)")
        make.add_argument("--organization", help="needed where the person belongs to several")
        make.add_argument("--days", type=int, default=90, help="how long it lives (90)")
        end = verbs.add_parser("revoke", help="end a token now")
        end.add_argument("prefix", help="the part between the underscores: cs_PREFIX_…")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make or end."""
        if options["verb"] == "revoke":
            self._revoke(options["prefix"])
            return
        user = person_named(options["user"], "--user")
        organization = self._organization(user, options["organization"])
        agent = None
        if options["agent"]:
            agent = Agent.objects.filter(organization=organization, name=options["agent"]).first()
            if agent is None:
                raise CommandError(f"--agent: {organization.slug} has no agent called {options['agent']}")
        try:
            with within(organization.pk):
                token, text = issue(
                    user=user,
                    organization=organization,
                    scope=options["scope"],
                    agent=agent,
                    days=options["days"],
                    by=BY,
                )
        except DomainError as refused:
            raise CommandError(refused.message) from None
        ends = token.expires_at.date().isoformat()
        self.stdout.write(
            f"{token.scope} token {token.prefix} of {user.username} at {organization.slug}, until {ends}:"
        )
        self.stdout.write(text)

    def _organization(self, user: User, slug: str | None) -> Organization:
        members = Membership.objects.of(user)
        places = [m.organization for m in (members.filter(organization__slug=slug) if slug else members)]
        if len(places) == 1:
            return places[0]
        if not places:
            raise CommandError(f"{user.username} is no active member of {slug or 'any organization'}")
        raise CommandError(f"--organization: say which of {', '.join(sorted(place.slug for place in places))}")

    def _revoke(self, prefix: str) -> None:
        found = list(ApiToken.objects.filter(prefix=prefix, revoked_at=None))
        if len(found) != 1:
            raise CommandError(f"There is {'more than one' if found else 'no'} live token {prefix}.")
        with within(found[0].organization_id):
            revoke(found[0], by=BY)
        self.stdout.write(f"revoked {prefix}")
