"""Evidence, verified as a whole: its list and documents, and then its part of the record, of the same organization."""

from collections.abc import Mapping
from typing import Any

from traces.archives import RECORD, opened
from traces.exceptions import ExportBroken
from traces.exporting import Outside, verify_export
from traces.verifier import Report, Signed


def verify_evidence(data: bytes, signed: Signed, *, outside: Outside = lambda _: {}) -> Report:
    """Verify an archive of evidence. Where nothing of it was sealed when it was made, its part of the record is empty.

    Raises ExportBroken for what is no archive of evidence, or not as it was signed.
    """
    told, members = opened(data, signed)
    organization = _organization(told, members)
    if not members[RECORD]:
        return Report(organization)
    report = verify_export(members[RECORD].splitlines(keepends=True), signed, outside=outside)
    if report.organization != organization:
        raise ExportBroken(f"{RECORD}: the record of another organization")
    return report


def _organization(told: Mapping[str, Any], members: Mapping[str, bytes]) -> str:
    """Whose it is, as the list says. Raises ExportBroken where it does not, or there is no part of the record."""
    if RECORD not in members:
        raise ExportBroken(f"{RECORD}: it is missing")
    if not isinstance(told.get("organization"), str):
        raise ExportBroken("the list does not say whose evidence it is")
    return str(told["organization"])
