"""``manage.py erase preview | ask | confirm | withdraw | run``: a person's data, as on the page. Run as the owner.

Two people say so from the shell too: one asks, another confirms. ``run`` goes on with what was confirmed, which the
sweeper does by itself.
"""

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Organization, User
from lam_app.erasing import ask, confirm, erase_due, preview, withdraw
from lam_app.management.commands._named import as_owner, organization_named, person_named
from lam_app.models import Erasure
from traces.exceptions import DomainError


class Command(BaseCommand):
    """Erasure, from the shell."""

    help = (
        "Erase a person's data: look first, ask, let somebody else confirm; the record stays verifiable."
        " Run as the owner (LAM_ROLE=owner)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command each."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
        for verb, says in (("preview", "what would go, and what it would wait for"), ("ask", "ask for it")):
            verbs.add_parser(verb, help=says).add_argument("--person", required=True, metavar="U")
        for verb, says in (("confirm", "say so as the second person"), ("withdraw", "take it back")):
            verbs.add_parser(verb, help=says).add_argument("--erasure", required=True, metavar="ID")
        for verb in ("ask", "confirm", "withdraw"):
            verbs.choices[verb].add_argument("--as", dest="by", required=True, metavar="USER")
            verbs.choices[verb].add_argument("--reason", required=True, metavar="R")
        verbs.add_parser("run", help="go on with what was confirmed, in every organization")
        for verb in ("preview", "ask", "confirm", "withdraw"):
            verbs.choices[verb].add_argument("--organization", required=True, metavar="O")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked."""
        as_owner()
        try:
            self.stdout.write(getattr(self, f"_{options['verb']}")(options))
        except DomainError as refused:
            raise CommandError(refused.message) from None

    def _preview(self, options: dict[str, Any]) -> str:
        organization = organization_named(options["organization"])
        would = preview(organization, _person(organization, options["person"]))
        return (
            f"{would.runs} runs ({would.flying} in flight, {would.held} held), {would.calls} model calls,"
            f" {would.files} files, details of {would.details} events"
        )

    def _ask(self, options: dict[str, Any]) -> str:
        organization = organization_named(options["organization"])
        whom, by = _person(organization, options["person"]), person_named(options["by"])
        return f"asked for: {ask(organization, whom, by=by, reason=options['reason']).pk}"

    def _confirm(self, options: dict[str, Any]) -> str:
        confirm(_asked(options), by=person_named(options["by"]), reason=options["reason"])
        return "confirmed"

    def _withdraw(self, options: dict[str, Any]) -> str:
        withdraw(_asked(options), by=person_named(options["by"]), reason=options["reason"])
        return "withdrawn"

    def _run(self, options: dict[str, Any]) -> str:
        gone = erase_due()
        return f"{gone} details went; {Erasure.objects.to_do().count()} erasures are not done yet"


def _person(organization: Organization, name: str) -> User:
    """A member, active or not. Raises CommandError."""
    found = User.objects.defer("password").filter(username=name, memberships__organization=organization).first()
    if found is None:
        raise CommandError(f"--person: nobody here is called {name}")
    return found


def _asked(options: dict[str, Any]) -> Erasure:
    organization = organization_named(options["organization"])
    try:
        found = Erasure.objects.within(organization.pk).filter(pk=uuid.UUID(options["erasure"])).first()
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"--erasure: there is none of id {options['erasure']}")
    return found
