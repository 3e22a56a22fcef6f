"""Erasing a person: what would go, who asks, who else says so, and the going itself.

One administrator asks and a second person, an administrator or an auditor, confirms; neither may be the person. The
sweeper then empties what is over, slice by slice, and waits for what is in flight or held; last of all the account
loses its name. What stays are the sealed envelopes (who did what to which row, when, and the reason given) because the
chain is made of them; each detail that goes has an event of its own that says so, so both verifiers find the record
intact. None of these events repeats what was erased.
"""

import uuid
from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction

from accounts.exceptions import ChangeRefused, NotOfThisOrganization, NotOneself
from accounts.models import Membership, Organization, User
from accounts.roles import Role
from accounts.standing import administering
from lam_app.keeping import SWEEPER
from lam_app.models import Erasure
from traces.clock import now
from traces.ids import uuid7
from traces.services import Actor, Entry, record
from traces.working import begin_anew

SLICE: Final = 400
"""Details that one transaction takes away."""
TURNS: Final = 20
"""Slices of one erasure in a row: the sweeper has other things to do as well."""
SECOND: Final = (Role.ADMINISTRATOR, Role.AUDITOR)
"""Who may confirm or withdraw what an administrator asked for."""


@dataclass(frozen=True)
class Preview:
    """What an erasure would take away, and what it would wait for, counted by the conditions of the erasure."""

    runs: int
    """Of the planner and of agents from outside."""
    flying: int
    """Of these, runs in flight: they are emptied once they are over."""
    held: int
    """Of these, runs that somebody holds: they stay until that is lifted."""
    calls: int
    """Calls of a model."""
    files: int
    details: int
    """Of events: of everything that happened in these runs, and of what the person did elsewhere."""


def preview(organization: Organization, whom: User) -> Preview:
    """Count what would go. Raises NotOfThisOrganization."""
    if not Membership.objects.filter(organization=organization, user=whom).exists():
        raise NotOfThisOrganization
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM lam_app_would_go(%s, %s)", [organization.pk, whom.pk])
        return Preview(*cursor.fetchone())


def ask(organization: Organization, whom: User, *, by: User, reason: str) -> Erasure:
    """Ask for somebody's erasure. Nothing goes before a second person confirms it.

    Raises MayNotAdminister, NotOneself, NotOfThisOrganization, or ChangeRefused where it was asked for already.
    """
    row = uuid7()
    with administering(
        "erasure_asked", by=by, organization=organization.pk, about=("erasure", row), reason=reason
    ) as tell:
        if whom.pk == by.pk:
            raise NotOneself
        if not Membership.objects.filter(organization=organization, user=whom).exists():
            raise NotOfThisOrganization
        if Erasure.objects.within(organization.pk).filter(person=whom, done_at=None, withdrawn_at=None).exists():
            raise ChangeRefused("It was asked for already.")
        tell(person=str(whom.pk))
        return Erasure.objects.create(
            id=row, organization=organization, person=whom, asked_by=by, reason=reason.strip()
        )


def confirm(erasure: Erasure, *, by: User, reason: str) -> None:
    """Say so as the second person.

    Raises MayNotAdminister, NotOneself for whoever asked or is to be erased, ChangeRefused.
    """
    _said(erasure, "erasure_confirmed", by, reason)


def withdraw(erasure: Erasure, *, by: User, reason: str) -> None:
    """Take back what was asked for and not confirmed yet. Raises MayNotAdminister, ChangeRefused."""
    _said(erasure, "erasure_withdrawn", by, reason)


def _said(erasure: Erasure, verb: str, by: User, reason: str) -> None:
    where = erasure.organization_id
    with administering(
        verb, by=by, organization=where, about=("erasure", erasure.pk), reason=reason, roles=SECOND
    ) as tell:
        confirming = verb == "erasure_confirmed"
        if confirming and by.pk in {erasure.asked_by_id, erasure.person_id}:
            raise NotOneself("A second person confirms it, who is not the one to be erased.")
        waiting = Erasure.objects.filter(pk=erasure.pk, confirmed_at=None, withdrawn_at=None)
        at = now()
        changed = (
            waiting.update(confirmed_by=by, confirmed_at=at)
            if confirming
            else waiting.update(withdrawn_by=by, withdrawn_at=at)
        )
        if not changed:
            raise ChangeRefused("Somebody confirmed or withdrew it already.")
        tell(person=str(erasure.person_id))


def erase_due(*, actor: Actor = SWEEPER, turns: int = TURNS) -> int:
    """Go on with every erasure that was confirmed, no longer than so many slices each; how many details went."""
    return sum(erase(pk, actor=actor, turns=turns) for pk in Erasure.objects.to_do().values_list("pk", flat=True))


def erase(pk: uuid.UUID, *, actor: Actor = SWEEPER, most: int = SLICE, turns: int = TURNS) -> int:
    """Empty what of one erasure can be emptied now; returns how many details of events went. Safe to be killed
    anywhere: every slice is a transaction with its events.
    """
    gone = 0
    for _ in range(turns):
        found = _slice(pk, actor, most)
        if found is None:
            break
        gone += found
    return gone


def _slice(pk: uuid.UUID, actor: Actor, most: int) -> int | None:
    """One transaction, and how many details it removed; None where there is nothing to do, or nothing yet."""
    of = Erasure.objects.to_do().filter(pk=pk).values_list("organization_id", flat=True).first()
    if of is None:
        return None
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM lam_app_erase(%s, %s)", [pk, most])
            row = cursor.fetchone()
        if row is None:  # all of it is held, or what is left is in flight
            return None
        door, runs, events, waits, done = row
        told = {"runs": runs, "details": len(events or ()), "waits": waits}

        def entry(verb: str, kind: str, subject: uuid.UUID, **detail: object) -> Entry:
            return Entry(organization=of, actor=actor, verb=verb, subject_kind=kind, subject=subject, detail=detail)

        record(
            entry("erasure_forgot", "forgetting", door, erasure=str(pk), **told),
            *(entry("erased", "event", event) for event in events or ()),
            *([entry("erasure_done", "erasure", pk)] if done else []),
        )
        begin_anew(of)
    return len(events or ())
