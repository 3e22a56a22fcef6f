"""away, back: a person says that they are not here for a while, and that they are again. It changes nobody's rights."""

import uuid
from datetime import datetime, timedelta
from typing import Final

from accounts.actors import person
from accounts.exceptions import ChangeRefused
from accounts.models import Absence, User
from traces.clock import now
from traces.ids import uuid7
from traces.services import Entry, record

LONGEST: Final = timedelta(days=90)


def go_away(*, who: User, organization: uuid.UUID, until: datetime, stand_in: User | None) -> Absence:
    """Write down that a person is away, instead of whatever was written of it before. Call it inside a transaction.

    Raises ChangeRefused for a time that is past, or more than LONGEST ahead.
    """
    at = now()
    if not at < until <= at + LONGEST:
        raise ChangeRefused(f"Say until when: a time to come, {LONGEST.days} days ahead at most.")
    come_back(who=who, organization=organization)
    absence = Absence(id=uuid7(), organization_id=organization, person=who, stand_in=stand_in, until=until)
    absence.save(force_insert=True)
    named = {"stand_in": stand_in.username} if stand_in else {}
    _tell(absence, who, "away", until=until.isoformat(), **named)
    return absence


def come_back(*, who: User, organization: uuid.UUID) -> bool:
    """End what was written of a person's absence. Returns whether there was any. Call it inside a transaction."""
    rows = Absence.objects.select_for_update().filter(organization_id=organization, person=who, ended_at=None)
    absence = rows.first()
    if absence is None:
        return False
    Absence.objects.filter(pk=absence.pk).update(ended_at=now())
    _tell(absence, who, "back")
    return True


def _tell(absence: Absence, who: User, verb: str, **detail: str) -> None:
    record(
        Entry(
            organization=absence.organization_id,
            actor=person(who),
            verb=verb,
            subject_kind="absence",
            subject=absence.id,
            detail=detail,
        )
    )
