"""``manage.py policy show | set | history``: an organization's rules, limits and bounds. ``set`` runs as the owner."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Organization
from accounts.rows import within
from approvals.exceptions import PolicyInvalid
from approvals.facts import current_policy, document_of
from approvals.models import PolicyProposal, PolicyVersion
from approvals.policy import PolicyRefused
from approvals.services.policy import change_policy, changed, unmet
from lam_app.management.commands._named import organization_named, person_named
from tools.text import display
from traces.canonical import BadJSON, parse
from traces.exceptions import DomainError


class Command(BaseCommand):
    """The policy from the shell."""

    help = "Show an organization's policy, put the next version in force, or list its versions."

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command each."""
        what = parser.add_subparsers(dest="what", required=True, metavar="COMMAND")
        show = what.add_parser("show", help="the document in force, as JSON that `set` takes")
        show.add_argument("--number", type=int, metavar="N", help="an older version instead")
        change = what.add_parser("set", help="put a document in force, whole; a looser one waits for a second person")
        change.add_argument("--file", required=True, help="the document, as JSON")
        change.add_argument("--reason", required=True, help="why; it is kept with the version")
        change.add_argument("--as", dest="by", required=True, metavar="USER", help="the administrator who decides it")
        change.add_argument(
            "--after", type=int, metavar="N", help="refuse if another version than this one is in force by now"
        )
        history = what.add_parser("history", help="every version: when, who, why, and what changed")
        for one in (show, change, history):
            one.add_argument("--organization", required=True, metavar="O")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked for one organization."""
        organization = organization_named(options["organization"])
        with within(organization.pk):
            {"show": self._show, "set": self._set, "history": self._history}[options["what"]](organization, options)

    def _show(self, organization: Organization, options: dict[str, Any]) -> None:
        number = options["number"]
        versions = PolicyVersion.objects.filter(organization=organization)
        version = versions.filter(number=number).first() if number else current_policy(organization.pk)
        if version is None:
            raise CommandError(f"--number: {organization.slug} has no version {number}")
        try:
            document = document_of(version).to_json()
        except PolicyRefused as refused:  # written by another version of the product
            raise CommandError(str(refused)) from None
        self.stdout.write(json.dumps(document, indent=2, ensure_ascii=False))

    def _set(self, organization: Organization, options: dict[str, Any]) -> None:
        by = person_named(options["by"])
        before = current_policy(organization.pk)
        after = before.number if options["after"] is None else options["after"]
        try:
            version = change_policy(
                organization.pk, _read(options["file"]), reason=options["reason"], by=by, after=after
            )
        except PolicyInvalid as refused:
            raise CommandError("\n".join(f"{path or 'document'}: {said}" for path, said in refused.problems)) from None
        except DomainError as refused:
            raise CommandError(refused.message) from None
        if isinstance(version, PolicyProposal):
            looser = ", ".join(version.looser)
            self.stdout.write(f"{organization.slug}: waits for a second administrator; looser on risk: {looser}")
            return
        for path, message in unmet(organization.pk, document_of(version)):
            self.stderr.write(f"{path}: {display(message, one_line=True)}")
        entries = ", ".join(changed(before.settings, version.settings)) or "nothing"
        self.stdout.write(f"{organization.slug}: policy {version.number} is in force; changed: {entries}")

    def _history(self, organization: Organization, _options: dict[str, Any]) -> None:
        versions = PolicyVersion.objects.filter(organization=organization).defer("made_by__password")
        before: dict[str, Any] = {}
        for version in versions.select_related("made_by").order_by("number"):
            who = version.made_by.username if version.made_by else "setup"
            why = display(version.reason, one_line=True, limit=200)
            entries = ", ".join(changed(before, version.settings)) or "nothing"
            self.stdout.write(f"{version.number}  {version.created:%Y-%m-%d %H:%M} UTC  {who}  {why}  ({entries})")
            before = version.settings


def _read(file: str) -> Any:
    """The document, as strictly as anything that is judged: no key twice, no number that a double would change."""
    try:
        return parse(Path(file).read_bytes())
    except OSError as error:
        raise CommandError(f"--file: {error}") from None
    except BadJSON as error:
        raise CommandError(f"--file: {error.message}") from None
