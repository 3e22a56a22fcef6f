"""``manage.py retention show | set | hold | lift | run``: how long something is kept, what is held, what goes now.

Run as the owner. What is set is set in the name of somebody who may, as on the page; ``run`` does at once what the
sweeper does slice by slice.
"""

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Organization
from lam_app.keeping import KINDS, hold, lift, retain, set_retention
from lam_app.management.commands._named import as_owner, organization_named, person_named
from traces import partitions
from traces.exceptions import DomainError
from traces.forgetting import Hold, Retention


class Command(BaseCommand):
    """Keeping, from the shell."""

    help = (
        "How long details of events and model calls are kept, what is held longer, and taking away what is too old."
        " Run as the owner (LAM_ROLE=owner)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command each."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
        verbs.add_parser("show", help="the period, and what is held")
        days = verbs.add_parser("set", help="keep details and model calls for so many days")
        days.add_argument("--days", required=True, metavar="N", help="a number, or for-ever")
        held = verbs.add_parser("hold", help="keep something whatever its age, and whoever asks for its erasure")
        held.add_argument("--kind", required=True, choices=KINDS)
        held.add_argument("--target", metavar="T", help="a run's id or a person's name")
        end = verbs.add_parser("lift", help="end a hold")
        end.add_argument("--hold", required=True, metavar="ID")
        for one in (days, held, end):
            one.add_argument("--as", dest="by", required=True, metavar="USER", help="who does this")
            one.add_argument("--reason", required=True, metavar="R")
        verbs.add_parser("run", help="take away now what is older than the period, and drop months that are empty")
        for one in verbs.choices.values():
            one.add_argument("--organization", required=True, metavar="O")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked for one organization."""
        as_owner()
        organization = organization_named(options["organization"])
        try:
            self.stdout.write(getattr(self, f"_{options['verb']}")(organization, options))
        except DomainError as refused:
            raise CommandError(refused.message) from None

    def _show(self, organization: Organization, options: dict[str, Any]) -> str:
        now = Retention.objects.of(organization.pk)
        lines = [f"kept for {now.days} days" if now and now.days else "kept for ever"]
        lines += [
            f"held: {one.kind} {one.target} since {one.created:%Y-%m-%d}: {one.reason} ({one.pk})"
            for one in Hold.objects.standing(organization.pk)
        ]
        return "\n".join(lines)

    def _set(self, organization: Organization, options: dict[str, Any]) -> str:
        asked = options["days"]
        if asked != "for-ever" and not (asked.isascii() and asked.isdecimal()):
            raise CommandError("--days: a number, or for-ever")
        days = None if asked == "for-ever" else int(asked[:9])
        changed = set_retention(organization, days, by=person_named(options["by"]), reason=options["reason"])
        return "done" if changed else "it is so already"

    def _hold(self, organization: Organization, options: dict[str, Any]) -> str:
        held = hold(
            organization,
            options["kind"],
            _target(organization, options["kind"], options["target"] or ""),
            by=person_named(options["by"]),
            reason=options["reason"],
        )
        return f"held: {held.pk}"

    def _lift(self, organization: Organization, options: dict[str, Any]) -> str:
        found = Hold.objects.standing(organization.pk).filter(pk=_id("--hold", options["hold"])).first()
        if found is None:
            raise CommandError("--hold: there is none of that id")
        lift(found, by=person_named(options["by"]), reason=options["reason"])
        return "lifted"

    def _run(self, organization: Organization, options: dict[str, Any]) -> str:
        gone = retain(organization.pk)
        dropped = partitions.drop_old()
        return (
            f"{gone.details} details, {gone.calls} model calls and {gone.pieces} pieces of prompts went;"
            f" {dropped} empty months were dropped"
        )


def _target(organization: Organization, kind: str, text: str) -> uuid.UUID:
    if kind == "organization":
        return organization.pk
    if not text:
        raise CommandError("--target: say which")
    return person_named(text, "--target").pk if kind == "person" else _id("--target", text)


def _id(option: str, text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise CommandError(f"{option}: {text} is no id") from None
