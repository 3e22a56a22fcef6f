"""``manage.py audit verify|export``: is the record as it was sealed, and all of it in a file for somebody else."""

import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Organization
from accounts.rows import within
from lam_app.management.commands._named import organization_named
from lam_app.sealing import verifying
from tools.dial import SETUP
from traces import checkpoints
from traces.attested import verify_evidence
from traces.exceptions import DomainError
from traces.exporting import export, verify_database, verify_export
from traces.services import Entry, record
from traces.verifier import Report, Signed

Heads = Mapping[str, Mapping[tuple[int, int], str]]
ZIP = b"PK\3\4"
"""How an archive of evidence begins."""
NEWER = (
    "Its end is cut off, or the export is older than the newest checkpoint:"
    " verify it with the checkpoints that were kept beside it, or export anew."
)
"""An export of everything does not say where it ends, so only checkpoints of the same moment can."""


class Command(BaseCommand):
    """The record, verified and exported."""

    help = "Verify that nobody changed the record, or export it for a verifier that needs only the public key."

    def add_arguments(self, parser: CommandParser) -> None:
        """``verify`` and ``export``."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verify = verbs.add_parser("verify", help="exit status 0 only for an intact record")
        verify.add_argument("--organization", metavar="O", help="its slug; without it, every organization")
        verify.add_argument("--export", metavar="FILE", help="verify this export or evidence, not the database")
        verify.add_argument("--key", metavar="FILE", type=Path, help="the public key (the instance's own)")
        verify.add_argument("--checkpoints", metavar="FILE", type=Path, help="kept elsewhere (the instance's own)")
        out = verbs.add_parser("export", help="JSON Lines; what is not sealed yet is not in it")
        out.add_argument("--organization", metavar="O", required=True)
        out.add_argument(
            "--to", metavar="FILE", default="-", help="a file, and FILE.checkpoints (- for standard output)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """One of the two."""
        try:
            if options["verb"] == "export":
                self._export(organization_named(options["organization"]), options["to"])
            else:
                self._verify(options)
        except DomainError as refused:
            raise CommandError(refused.message) from None
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from None

    def _verify(self, options: dict[str, Any]) -> None:
        signed = verifying(options["key"] or settings.LAM_SEAL_PUBLIC_KEY)
        outside = options["checkpoints"] or settings.LAM_CHECKPOINTS
        if options["checkpoints"] is None and not outside.exists():
            self.stderr.write("There are no checkpoints outside the database: a tail that was cut off is not found.")
            heads: Heads = {}
        else:
            heads = checkpoints.heads(outside, signed)
        began = time.monotonic()
        reports = self._of_export(options["export"], signed, heads) if options["export"] else None
        reports = reports or self._of_database(options["organization"], signed, heads)
        seconds = time.monotonic() - began
        for report in reports:
            self._say(report, seconds, place=options["export"])
        if not all(report.intact for report in reports):
            raise CommandError("The record is not as it was sealed.")

    def _of_export(self, place: str, signed: Signed, heads: Heads) -> list[Report]:
        def known(organization: str) -> Mapping[tuple[int, int], str]:
            return heads.get(organization, {})

        with Path(place).open("rb") as file:
            if file.peek(4)[:4] == ZIP:
                return [verify_evidence(file.read(), signed, outside=known)]
            return [verify_export(file, signed, outside=known)]

    def _of_database(self, slug: str | None, signed: Signed, heads: Heads) -> list[Report]:
        wanted: Iterable[Organization] = [organization_named(slug)] if slug else Organization.objects.order_by("slug")
        reports = []
        for organization in wanted:
            with within(organization.pk):
                known = heads.get(str(organization.pk), {})
                reports.append(verify_database(organization.pk, signed, outside=known))
        return reports

    def _say(self, report: Report, seconds: float, *, place: str | None) -> None:
        for problem in report.problems:
            self.stdout.write(str(problem))
        if place and any("is cut off" in problem.what for problem in report.problems):
            self.stdout.write(NEWER)
        counted = f"{report.events} events in {report.blocks} blocks, {report.checkpoints} of them with a checkpoint"
        counted += f" outside; {report.erased} details erased" if report.erased else " outside"
        said = "intact" if report.intact else f"NOT INTACT, {report.found} problems"
        self.stdout.write(f"{report.organization}: {said}: {counted} ({seconds:.1f} s)")

    def _export(self, organization: Organization, place: str) -> None:
        with ExitStack() as stack:
            stack.enter_context(within(organization.pk))
            entry = Entry(
                organization=organization.pk,
                actor=SETUP,
                verb="record_exported",
                subject_kind="organization",
                subject=organization.pk,
                detail={"to": "standard output" if place == "-" else Path(place).name},
            )
            record(entry)
            if place != "-" and settings.LAM_CHECKPOINTS.exists():
                checkpoints.copy(settings.LAM_CHECKPOINTS, str(organization.pk), Path(f"{place}.checkpoints"))
            out = sys.stdout if place == "-" else stack.enter_context(open(place, "w", encoding="utf-8", newline="\n"))
            count = sum(bool(out.write(line)) for line in export(organization.pk))
        if place != "-":
            self.stdout.write(f"{count} lines")
