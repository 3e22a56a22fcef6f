"""How long an organization keeps what its record tells in detail, what is held longer, and the forgetting by age.

The envelopes of events and their seal stay for ever, so the record can be verified whatever was forgotten. Details and
model calls go once they are older than the organization keeps them, unless somebody holds them: a hold wins over every
period and over erasure. Without a period everything is kept.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from accounts.exceptions import ChangeRefused
from accounts.models import Membership, Organization, User
from accounts.roles import Role
from accounts.standing import administering
from approvals.models import Action
from lam_app.models import Run
from traces.chain import moment
from traces.clock import now
from traces.forgetting import Hold, Retention
from traces.ids import NIL, uuid7
from traces.services import Actor, Entry, record

SLICE: Final = 500
"""Details, and model calls, that one transaction takes away."""
SHORTEST: Final = 30
LONGEST: Final = 36_500
"""Days that may be set."""
KINDS: Final = ("organization", "run", "person")
SWEEPER: Final = Actor.system("sweeper")


@dataclass(frozen=True)
class Forgotten:
    """What one slice, or all of them, took away."""

    details: int = 0
    calls: int = 0
    pieces: int = 0
    """Pieces of prompts that no call needs any more."""

    def __add__(self, other: "Forgotten") -> "Forgotten":
        return Forgotten(self.details + other.details, self.calls + other.calls, self.pieces + other.pieces)


def set_retention(organization: Organization, days: int | None, *, by: User, reason: str) -> bool:
    """Keep details and model calls for so many days, None for ever. Returns whether that is a change.

    Raises MayNotAdminister, or ChangeRefused for fewer than SHORTEST days, more than LONGEST, or no reason.
    """
    row = uuid7()
    with administering(
        "retention_set", by=by, organization=organization.pk, about=("retention", row), reason=reason
    ) as tell:
        if days is not None and not SHORTEST <= days <= LONGEST:
            raise ChangeRefused(f"days: between {SHORTEST} and {LONGEST}, or none at all for ever.")
        before = Retention.objects.of(organization.pk)
        if (before.days if before else None) == days:
            return False
        tell(before=before.days if before else None, after=days)
        Retention.objects.create(id=row, organization=organization.pk, days=days, by=by.pk, reason=reason.strip())
    return True


def hold(organization: Organization, kind: str, target: uuid.UUID, *, by: User, reason: str) -> Hold:
    """Hold all of an organization, a run or what a person did, until somebody lifts it; what is held is not forgotten.

    Raises MayNotAdminister, or ChangeRefused for what there is not here, or what is held already.
    """
    row = uuid7()
    with administering(
        "hold_set",
        by=by,
        organization=organization.pk,
        about=("hold", row),
        reason=reason,
        roles=(Role.ADMINISTRATOR, Role.AUDITOR),
    ) as tell:
        if not _is_here(organization, kind, target):
            raise ChangeRefused("There is no such run or person in this organization.")
        if Hold.objects.standing(organization.pk).filter(kind=kind, target=target).exists():
            raise ChangeRefused("It is held already.")
        tell(kind=kind, target=str(target))
        return Hold.objects.create(
            id=row, organization=organization.pk, kind=kind, target=target, by=by.pk, reason=reason.strip()
        )


def lift(held: Hold, *, by: User, reason: str) -> bool:
    """End a hold. Returns whether that is a change.

    Raises MayNotAdminister, or ChangeRefused without a reason.
    """
    with administering(
        "hold_lifted",
        by=by,
        organization=held.organization,
        about=("hold", held.pk),
        reason=reason,
        roles=(Role.ADMINISTRATOR, Role.AUDITOR),
    ) as tell:
        changed = (
            Hold.objects.standing(held.organization)
            .filter(pk=held.pk)
            .update(lifted_by=by.pk, lifted_at=now(), lifted_reason=reason.strip())
        )
        if changed:
            tell(kind=held.kind, target=str(held.target))
    return bool(changed)


def _is_here(organization: Organization, kind: str, target: uuid.UUID) -> bool:
    if kind == "organization":
        return target == organization.pk
    if kind == "person":
        return Membership.objects.filter(organization=organization, user=target).exists()
    if kind == "run":
        of_planner = Run.objects.filter(organization=organization, pk=target).exists()
        return of_planner or Action.objects.filter(organization=organization, run=target).exists()
    return False


def slices(organization: uuid.UUID, *, actor: Actor = SWEEPER, most: int = SLICE) -> Iterator[Forgotten]:
    """Take away what an organization does not keep any longer; each turn is a transaction with its event."""
    after: uuid.UUID | None = NIL
    while after is not None:
        one, after_this = _slice(organization, after, actor, most)
        yield one
        after = after_this or (after if one.calls else None)


def retain(organization: uuid.UUID, *, actor: Actor = SWEEPER, most: int = SLICE) -> Forgotten:
    """All slices of an organization at once; what they took away."""
    return sum(slices(organization, actor=actor, most=most), Forgotten())


def _slice(organization: uuid.UUID, after: uuid.UUID, actor: Actor, most: int) -> tuple[Forgotten, uuid.UUID | None]:
    """One slice, and the id of the event that it came to; None where there were none to look at."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM lam_app_retain(%s, %s, %s)", [organization, after, most])
            row = cursor.fetchone()
        if row is None:
            return Forgotten(), None
        door, before, details, calls, pieces, reached = row
        one = Forgotten(details, calls, pieces)
        if door is not None:
            record(
                Entry(
                    organization=organization,
                    actor=actor,
                    verb="retention_forgot",
                    subject_kind="forgetting",
                    subject=door,
                    reason=told(details, before),
                    detail={"details": details, "calls": calls, "pieces": pieces},
                )
            )
    return one, _next(reached) if reached else None


def told(details: int, before: datetime) -> str:
    """How an event says how many details went, and from before when. Verifiers read it in this form."""
    return f"{details} details from before {moment(before)}"


def _next(event: uuid.UUID) -> uuid.UUID:
    return uuid.UUID(int=event.int + 1)
