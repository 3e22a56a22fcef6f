"""How much is remembered of model calls: counted with every call, and asked before the next one is made.

What fills the disk is one organization's affair (THREATS T92): its runs wait, or one of them ends, while others' go on.
The day's row of an organization is locked for as long as one call is written; planners of one organization take turns
there for a moment and nowhere else.
"""

import uuid
from dataclasses import dataclass
from typing import ClassVar, Final

from django.conf import settings
from django.db import connection, models

from traces.ids import uuid7

MB: Final = 1_000_000
_COUNT: Final = """
INSERT INTO traces_volume AS v (id, organization, of, day, bytes)
SELECT id, %(organization)s, of, (clock_timestamp() AT TIME ZONE 'UTC')::date, %(size)s
FROM unnest(%(ids)s::uuid[], %(counted)s::uuid[]) WITH ORDINALITY AS t(id, of, place) ORDER BY place
ON CONFLICT (organization, of, day) DO UPDATE SET bytes = v.bytes + excluded.bytes
"""
_FULL: Final = """
SELECT coalesce(sum(bytes) FILTER (WHERE of = %(run)s), 0), coalesce(sum(bytes) FILTER (WHERE of = %(organization)s), 0)
FROM traces_volume WHERE organization = %(organization)s
    AND (of = %(run)s OR (of = %(organization)s AND day = (clock_timestamp() AT TIME ZONE 'UTC')::date))
"""


class Volume(models.Model):
    """Bytes that were kept of model calls on one day (UTC): ``of`` an organization, and of each of its runs."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.UUIDField()
    of = models.UUIDField()
    day = models.DateField()
    bytes = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "of", "day"], name="one_volume_a_day"),
            models.CheckConstraint(condition=models.Q(bytes__gte=0), name="volume_counts_up"),
        ]


@dataclass(frozen=True)
class Full:
    """Why the model is not asked again: for this run, or for any of the organization today. Empty where it may be."""

    run: str = ""
    organization: str = ""


def count(organization: uuid.UUID, run: uuid.UUID, size: int) -> None:
    """Count so many bytes, in the transaction that keeps them. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT,
            {"ids": [uuid7(), uuid7()], "counted": [organization, run], "organization": organization, "size": size},
        )


def full(organization: uuid.UUID, run: uuid.UUID) -> Full:
    """Whether a run, or its organization today, has as much remembered as it may. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_FULL, {"organization": organization, "run": run})
        row = cursor.fetchone()
    assert row is not None
    a_run, a_day = settings.LAM_TRACE_MB_RUN, settings.LAM_TRACE_MB_DAY
    return Full(
        run=f"The model calls of this run fill {a_run} MB, which is as much as is remembered of one run."
        if row[0] >= a_run * MB
        else "",
        organization=f"The model calls of the organization fill {a_day} MB today, which is as much as is remembered"
        " of one day. It goes on tomorrow (UTC), or when an operator raises LAM_TRACE_MB_DAY."
        if row[1] >= a_day * MB
        else "",
    )
