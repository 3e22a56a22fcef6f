"""Keeping what was attached: the bytes once an organization, within its room, and a row for each run that has them."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet, Sum

from lam_app.attachments.exceptions import NoRoomLeft
from lam_app.attachments.files import Read
from lam_app.models import Attachment, Content, Run
from traces.turns import alone

MEGABYTE: Final = 1_000_000
SHARE: Final = 2
"""Nobody's goals take more than one part in so many of the organization's room: one hook or schedule fills not all."""


@dataclass(frozen=True)
class Sees:
    """An attachment as people see it beside its run, with what the agent was given of it."""

    attachment: Attachment
    notes: tuple[str, ...]
    text: str
    """The beginning of what the agent can be told."""
    more: int
    """Characters behind it."""


SHOWN: Final = 1_500
UNSEEN: Final = "The agent does not see it: the model here is not set up for images (LAM_MODEL_IMAGES)."


def keep(run: Run, reads: Sequence[Read]) -> list[dict[str, Any]]:
    """Store these files with a run that is being given, in the caller's transaction; what an event says of them.

    Raises NoRoomLeft where the organization's room, or the initiator's share of it, is used up.
    """
    if not reads:
        return []
    organization = run.organization_id
    alone(f"attachments:{organization}")  # of two at once, the second counts what the first has kept
    wanted = {one.sha256: one for one in reads}
    known = _known(organization, wanted)
    new = [
        Content(
            organization_id=organization,
            sha256=digest,
            kind=one.kind,
            media=one.media,
            size=len(one.data),
            text=one.text,
            notes=list(one.notes),
            data=one.data,
        )
        for digest, one in wanted.items()
        if digest not in known
    ]
    room, more = settings.LAM_ATTACHMENTS_MB * MEGABYTE, sum(one.size for one in new)
    everybody = Content.objects.filter(organization_id=organization)
    theirs = Attachment.objects.filter(organization_id=organization, run__initiator=run.initiator_id)
    if new and _size(everybody) + more > room:
        raise NoRoomLeft
    if new and _size(everybody.filter(pk__in=theirs.values("content"))) + more > room // SHARE:
        raise NoRoomLeft("Files of your goals take your share of the organization's room. Give the goal without them.")
    for content in new:
        content.save(force_insert=True)
    contents = {**known, **{content.sha256: content.pk for content in new}}
    for number, one in enumerate(reads, 1):
        Attachment(
            organization_id=organization, run=run, number=number, name=one.name, content_id=contents[one.sha256]
        ).save(force_insert=True)
    return [{"name": one.name, "kind": one.kind, "sha256": one.sha256, "size": len(one.data)} for one in reads]


def attached(run: Run) -> list[Sees]:
    """What came with a run's goal, in order. One query."""
    rows = Attachment.objects.filter(run=run, organization_id=run.organization_id).select_related("content")
    found = []
    for row in rows.defer("content__data").order_by("number"):
        text: str = row.content.text
        notes = list(row.content.notes)
        if row.content.kind == Content.Kind.IMAGE and not settings.LAM_MODEL_IMAGES:
            notes.append(UNSEEN)
        found.append(Sees(row, tuple(notes), text[:SHOWN], max(0, len(text) - SHOWN)))
    return found


def same(run: Run, reads: Sequence[Read]) -> bool:
    """Whether a run has exactly these files, under these names."""
    has = Attachment.objects.filter(run=run).order_by("number").values_list("name", "content__sha256")
    return list(has) == [(one.name, one.sha256) for one in reads]


def _size(contents: QuerySet[Content]) -> int:
    return int(contents.aggregate(all=Sum("size"))["all"] or 0)


def _known(organization: uuid.UUID, wanted: Mapping[str, Read]) -> dict[str, uuid.UUID]:
    found = Content.objects.filter(organization_id=organization, sha256__in=wanted)
    return dict(found.values_list("sha256", "pk"))
