"""``manage.py tools import-openapi | list | set | resource``: bring tools in, and set how freely they act, and on what.

Run as the owner.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.models import Organization
from accounts.rows import within
from lam_app.management.commands import _resources, _setting
from lam_app.management.commands._named import organization_named
from tools.contract import Contract, ContractRefused
from tools.egress import target
from tools.exceptions import LookAlike
from tools.models import Tool
from tools.offering import offer
from tools.openapi import Document, DocumentRefused, Imported, Skipped, Trust, imported, read
from tools.text import display
from tools.wire import Broken, exchange
from traces.exceptions import DomainError

LARGEST_DOCUMENT = 8_000_000
FETCH_SECONDS = 20


class Command(BaseCommand):
    """The catalogue from the shell."""

    help = "Import tools from an OpenAPI document, list an organization's tools, or set how freely one acts."

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command each."""
        what = parser.add_subparsers(dest="what", required=True, metavar="COMMAND")
        bring = what.add_parser("import-openapi", help="every operation of a document becomes a tool, in the loop")
        bring.add_argument("source", metavar="FILE-OR-URL")
        bring.add_argument("--server", default="", help="the service's address, in place of the document's own")
        bring.add_argument(
            "--trust-extensions", action="store_true", help="believe x-countersign-… where it makes a tool freer"
        )
        bring.add_argument(
            "--keyed-for",
            type=_setting.seconds,
            metavar="SECONDS",
            help="vouch that the service honours its Idempotency-Key header for so long",
        )
        listing = what.add_parser("list", help="the organization's tools")
        change = what.add_parser("set", help="what a page can set, by the same rules")
        _setting.add_arguments(change)
        things = what.add_parser("resource", help="what belongs to the organization, and may be named in its calls")
        for one in (bring, listing, change, *_resources.add_arguments(things)):
            one.add_argument("--organization", required=True, metavar="O")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked for one organization."""
        organization = organization_named(options["organization"])
        verbs = {"import-openapi": self._import, "list": self._list, "set": self._set, "resource": self._resource}
        command = verbs[options["what"]]
        with within(organization.pk):
            command(organization, options)

    def _resource(self, organization: Organization, options: dict[str, Any]) -> None:
        for line in _resources.perform(organization, options):
            self.stdout.write(line)

    def _import(self, organization: Organization, options: dict[str, Any]) -> None:
        source = options["source"]
        try:
            document = read(_fetched(source))
        except DocumentRefused as refused:
            raise CommandError(refused.message) from None
        document = _at(document, options["server"])
        base = options["server"] or (source if "://" in source else "")
        trust = Trust(extensions=options["trust_extensions"], keyed_for=options["keyed_for"])
        rows: list[tuple[str, str, str]] = []
        places: set[str] = set()
        for found in imported(document, base=base, trust=trust):
            if isinstance(found, Skipped):
                rows.append(("skipped", found.operation, found.reason))
                continue
            status, operation, text = _offered(organization, found)
            rows.append((status, operation, "; ".join((text, *found.notes))))
            if rows[-1][0] != "skipped":
                places |= set(found.contract.network)
        self._table(rows)
        counts = {word: sum(row[0] == word for row in rows) for word in ("imported", "updated", "unchanged", "skipped")}
        self._closed_places(places)
        self.stdout.write(", ".join(f"{count} {word}" for word, count in counts.items()))

    def _closed_places(self, places: set[str]) -> None:
        """Say which addresses no executor will reach as things stand."""
        for place in sorted(places - settings.LAM_EGRESS_PRIVATE):
            asked = target(f"http://{place}/")
            if asked.host == "localhost" or (asked.literal and not asked.literal.is_global):
                self.stderr.write(f"{place} is a private address: calls are refused until LAM_EGRESS_PRIVATE names it")

    def _list(self, organization: Organization, options: dict[str, Any]) -> None:
        rows = []
        for tool in Tool.objects.within(organization.pk):
            contract = Contract.from_json(tool.version.contract) if tool.version else None
            state = "forbidden" if tool.forbidden else "on" if tool.enabled else "off"
            kind = contract.idempotency.kind.value if contract else "?"
            where = ", ".join(contract.network) or contract.connector if contract else "?"
            number = f"v{tool.version.number}" if tool.version else "-"
            rows.append((tool.name, tool.tier, tool.maturity, str(tool.veto_seconds), kind, state, number, where))
        self._table([("NAME", "TIER", "MATURITY", "VETO", "CLASS", "STATE", "VERSION", "WHERE"), *rows])

    def _set(self, organization: Organization, options: dict[str, Any]) -> None:
        self.stdout.write(_setting.perform(organization, options))

    def _table(self, rows: Sequence[tuple[str, ...]]) -> None:
        """Columns as wide as they need to be; a stranger's words with their odd characters visible."""
        shown = [tuple(display(cell, one_line=True) for cell in row) for row in rows]
        widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
        for row in shown:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _fetched(source: str) -> str:
    """The document's text. A URL that the administrator typed is fetched from that very host and port, whatever the
    class of its address; raises CommandError."""
    if "://" not in source:
        try:
            return Path(source).read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise CommandError(f"{source}: {error}") from None
    try:
        place = target(source).place
    except DomainError as refused:
        raise CommandError(f"{source}: {refused.message}") from None
    headers = {"Accept": "application/json, application/yaml;q=0.9, */*;q=0.1"}
    only = frozenset({place})
    found = exchange(
        "GET", source, headers, None, network=only, private=only, seconds=FETCH_SECONDS, largest=LARGEST_DOCUMENT
    )
    if isinstance(found, Broken):
        raise CommandError(f"{source}: {found.text}")
    if found.status != 200:
        raise CommandError(f"{source}: answered {found.status}")
    try:
        return found.body.decode("utf-8")
    except UnicodeError:
        raise CommandError(f"{source}: is not UTF-8") from None


def _at(document: Document, server: str) -> Document:
    """The document with one address for all of its operations, where the administrator names one."""
    if not server:
        return document
    whole = json.loads(json.dumps({**document.whole, "servers": [{"url": server}]}))
    for item in whole.get("paths", {}).values():
        for holder in (item, *(item.values() if isinstance(item, dict) else ())):
            if isinstance(holder, dict):
                holder.pop("servers", None)
    return Document(whole, document.minor)


def _offered(organization: Organization, found: Imported) -> tuple[str, str, str]:
    """Put one imported tool into the catalogue: what became of it, its operation, and what to say about it."""
    contract = found.contract
    with transaction.atomic():
        before = (
            Tool.objects.select_for_update(of=["self"])
            .select_related("version")
            .filter(organization=organization, name=contract.name)
            .first()
        )
        if before is not None and before.version is not None:
            old = before.version.contract
            if old["connector"] != "http" or old["binding"].get("document") != contract.binding["document"]:
                origin = old["binding"].get("document") or f"a {old['connector']} tool"
                return "skipped", found.operation, f"the catalogue has another {contract.name} ({origin})"
        try:
            tool = offer(organization, contract)
        except (ContractRefused, LookAlike) as refused:
            return "skipped", found.operation, refused.message
        said = f"{contract.name} ({tool.tier}, {contract.idempotency.kind}) at {', '.join(contract.network)}"
        if before is None or before.version is None:
            return "imported", found.operation, said
        if tool.version_id == before.version_id:
            return "unchanged", found.operation, said
        if before.maturity != tool.maturity:
            said += ", back in the loop because it changed"
        return "updated", found.operation, said
