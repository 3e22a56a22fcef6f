"""count_hits: how often each entry of a policy was met, from what rulings' findings name. Done by the sweep."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from approvals.models import HitsCounted
from approvals.policy import Verdict
from traces.clock import now
from traces.ids import first_of, uuid7

BATCH: Final = 2_000
"""How many revisions one pass looks at."""
SETTLES: Final = timedelta(seconds=60)
"""Younger revisions are left for a later pass: one that is written now may commit behind a newer one."""
LOOKS_BACK: Final = timedelta(days=30)
"""How much of the past is counted when the counting begins."""

_ADD = """
INSERT INTO approvals_hits AS h (id, organization_id, entry, day, number)
SELECT * FROM unnest(%(id)s::uuid[], %(organization)s::uuid[], %(entry)s::text[], %(day)s::date[], %(number)s::bigint[])
ON CONFLICT (organization_id, entry, day) DO UPDATE SET number = h.number + excluded.number
"""
_ROWS = """
SELECT r.id, r.organization_id, r.created, CASE
    WHEN strpos(r.ruling, '"rule":') > 0
        AND NOT EXISTS (SELECT 1 FROM approvals_canary c WHERE c.action_id = r.action_id) THEN r.ruling ELSE '' END
FROM approvals_revision r WHERE r.id > %s AND r.id < %s ORDER BY r.id LIMIT %s
"""
_MET: Final = frozenset({Verdict.VETO_WINDOW.value, Verdict.REVIEW.value, Verdict.DENY.value})
"""A finding that lets a call through names a limit that was only looked at: that is no hit."""


def count_hits(batch: int = BATCH) -> int:
    """Add what rulings named since the last pass. Returns how many revisions were looked at.

    Whoever else is counting this moment is left to it. A revision is counted once, whatever dies in between.
    """
    with transaction.atomic():
        mark = HitsCounted.objects.select_for_update(skip_locked=True).first()
        if mark is None:
            if not HitsCounted.objects.exists():
                HitsCounted.objects.bulk_create(
                    [HitsCounted(id=1, upto=first_of(now() - LOOKS_BACK))], ignore_conflicts=True
                )
            return 0
        with connection.cursor() as cursor:
            cursor.execute(_ROWS, [mark.upto, first_of(now() - SETTLES), batch])
            rows = cursor.fetchall()
            if not rows:
                return 0
            hits = Counter(
                (organization, entry, at.astimezone(UTC).date())
                for _, organization, at, ruling in rows
                for entry in _entries(ruling)
            )
            if hits:
                cursor.execute(_ADD, _columns(hits))
        HitsCounted.objects.filter(pk=mark.pk).update(upto=rows[-1][0])
    return len(rows)


def _entries(ruling: str) -> set[str]:
    """The ids of the entries that one ruling's findings say were met; none where it cannot be read."""
    if not ruling:
        return set()
    try:
        findings = json.loads(ruling)["findings"]
        return {str(one["rule"])[:80] for one in findings if one.get("rule") and one["verdict"] in _MET}
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()


def _columns(hits: Counter[tuple[UUID, str, date]]) -> dict[str, list[object]]:
    keys = sorted(hits, key=str)  # in one order everywhere
    return {
        "id": [uuid7() for _ in keys],
        "organization": [organization for organization, _, _ in keys],
        "entry": [entry for _, entry, _ in keys],
        "day": [day for _, _, day in keys],
        "number": [hits[key] for key in keys],
    }


def since(days: int) -> date:
    """The first day of so many days that end today (UTC)."""
    return datetime.now(UTC).date() - timedelta(days=days - 1)
