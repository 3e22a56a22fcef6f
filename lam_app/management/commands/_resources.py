"""``manage.py tools resource add|list|remove``: which things outside belong to an organization. Run as the owner."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts.models import Organization
from lam_app.management.commands._named import person_named
from tools.models import Resource
from tools.resources import declare, withdraw
from tools.text import display
from traces.exceptions import DomainError


def add_arguments(parser: ArgumentParser) -> list[ArgumentParser]:
    """Describe the three verbs; returns their parsers."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    changes = [
        verbs.add_parser("add", help="say that a thing belongs to the organization"),
        verbs.add_parser("remove", help="say that it belongs to it no more"),
    ]
    for one in changes:
        one.add_argument("kind", help="as contracts call it in their scope: mailbox")
        one.add_argument("identifier", help="exactly as arguments name it")
        one.add_argument("--as", dest="by", required=True, metavar="USER", help="the administrator who does this")
        one.add_argument("--reason", required=True, metavar="R")
    listing = verbs.add_parser("list", help="what belongs to the organization")
    listing.add_argument("--kind", default="")
    return [*changes, listing]


def perform(organization: Organization, options: dict[str, Any]) -> list[str]:
    """Do what was asked; the lines to print. Raises CommandError."""
    if options["verb"] == "list":
        rows = Resource.objects.filter(organization=organization).order_by("kind", "identifier")
        wanted = rows.filter(kind=options["kind"]) if options["kind"] else rows
        return [f"{row.kind} {display(row.identifier, one_line=True)}" for row in wanted]
    kind, identifier = options["kind"], options["identifier"]
    by = person_named(options["by"])
    try:
        if options["verb"] == "remove":
            withdraw(organization, kind, identifier, by=by, reason=options["reason"])
            return [f"{kind} {identifier} belongs to {organization.slug} no more"]
        new = declare(organization, kind, identifier, by=by, reason=options["reason"])
    except DomainError as refused:
        raise CommandError(refused.message) from None
    return [f"{kind} {identifier} belongs to {organization.slug}{'' if new else ' already'}"]
