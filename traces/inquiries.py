"""Asking the sealer: a row and the event that tells of it. And fetching what came of it, which is an event too."""

import uuid
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar, Final

from django.db import connection, transaction

from traces.exceptions import DomainError
from traces.inquiry import Inquiry, InquiryPart
from traces.services import Actor, Entry, record

MOST_AT_ONCE: Final = 3
"""Inquiries of one person that may be under way."""
MOST_IN_ALL: Final = 20
"""Inquiries of one organization that may be under way."""
KEPT_HOURS: Final = 24
"""How long the file of an inquiry can be fetched."""
ASKED: Final = {"verify": "verification_asked", "export": "export_asked", "evidence": "evidence_asked"}
FETCHED: Final = {"export": "record_exported", "evidence": "evidence_fetched"}


class InquiryBusy(DomainError):
    """As much is being verified and exported as may be at once. Wait until one of them is ready."""

    http_status: ClassVar[int] = 429
    code: ClassVar[str] = "rate_limited"
    retry: ClassVar[bool] = True


class InquiryGone(DomainError):
    """The file is no longer kept. Ask for it again."""

    http_status: ClassVar[int] = 410
    code: ClassVar[str] = "gone"


def verification(organization: uuid.UUID, *, by: Actor) -> Inquiry:
    """Ask whether the record is as it was sealed. Raises InquiryBusy."""
    return _ask(Inquiry(organization=organization, kind=Inquiry.Kind.VERIFY), by)


def export(organization: uuid.UUID, *, since: datetime | None, until: datetime | None, by: Actor) -> Inquiry:
    """Ask for the record as a file: all of it, or the blocks that were sealed from ``since`` on and before ``until``.

    Raises InquiryBusy.
    """
    return _ask(Inquiry(organization=organization, kind=Inquiry.Kind.EXPORT, since=since, until=until), by)


def evidence(organization: uuid.UUID, *, subject_kind: str, subject: uuid.UUID, by: Actor) -> Inquiry:
    """Ask for a signed archive of one action or run; whether ``by`` may have it, the caller has judged.

    One that the same person has asked for and that is under way is given back instead. Raises InquiryBusy.
    """
    asked = Inquiry(organization=organization, kind=Inquiry.Kind.EVIDENCE, subject_kind=subject_kind, subject=subject)
    return _ask(asked, by)


def fetched(inquiry: Inquiry, *, by: Actor) -> None:
    """Remember in the history of the matter that somebody takes the file. Raises InquiryGone where there is none."""
    with transaction.atomic():
        if not InquiryPart.objects.filter(inquiry=inquiry).exists():
            raise InquiryGone
        record(
            Entry(
                organization=inquiry.organization,
                actor=by,
                verb=FETCHED[inquiry.kind],
                subject_kind=inquiry.subject_kind or "inquiry",
                subject=inquiry.subject or inquiry.pk,
                detail={"inquiry": str(inquiry.pk), "sha256": inquiry.sha256, "size": inquiry.size},
            )
        )


def pieces(inquiry: uuid.UUID) -> Iterator[bytes]:
    """The file, piece by piece, each read when it is asked for."""
    number = 0
    while (piece := piece_of(inquiry, number)) is not None:
        yield piece
        number += 1


def piece_of(inquiry: uuid.UUID, number: int) -> bytes | None:
    """One piece of the file, or None behind the last one."""
    data = InquiryPart.objects.filter(inquiry=inquiry, number=number).values_list("data", flat=True).first()
    return None if data is None else zlib.decompress(bytes(data))


def _ask(asked: Inquiry, by: Actor) -> Inquiry:
    assert by.id is not None, "somebody asks"
    asked.asked_by, asked.asked_name = by.id, by.name
    with transaction.atomic():
        with connection.cursor() as cursor:  # two presses at once are counted one after the other
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"inquiry:{asked.organization}"])
        under_way = list(Inquiry.objects.filter(organization=asked.organization).under_way()[: MOST_IN_ALL + 1])
        own = [one for one in under_way if one.asked_by == by.id]
        for one in own:
            if (one.kind, one.subject, one.since, one.until) == (asked.kind, asked.subject, asked.since, asked.until):
                return one
        if len(own) >= MOST_AT_ONCE or len(under_way) >= MOST_IN_ALL:
            raise InquiryBusy
        asked.save(force_insert=True)
        record(
            Entry(
                organization=asked.organization,
                actor=by,
                verb=ASKED[asked.kind],
                subject_kind="inquiry",
                subject=asked.pk,
                target=asked.state,
                detail={
                    "of": asked.subject_kind,
                    "subject": str(asked.subject or ""),
                    "since": asked.since.isoformat() if asked.since else "",
                    "until": asked.until.isoformat() if asked.until else "",
                },
            )
        )
    return asked
