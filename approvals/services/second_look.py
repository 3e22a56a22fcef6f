"""A looser policy waits for a second administrator: propose it, accept it as somebody else, or withdraw it.

What is looser, and whether a tool is of high risk, the database says (``approvals_looser``), and it looks again when
the version is put in force: so nobody is asked for a second look by one rule and let through by another.
"""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from accounts.models import Membership, User
from accounts.roles import Role
from approvals import binding
from approvals.exceptions import (
    NotAdministrator,
    PolicyInvalid,
    PolicyMoved,
    PolicyProposalNotFound,
    PolicyWaits,
    SecondAdministratorNeeded,
)
from approvals.models import PolicyProposal, PolicyVersion
from traces.exceptions import DomainError
from traces.ids import uuid7
from traces.services import Actor, Entry, record, refused

LONGEST_REASON = 2_000


def looser(organization: uuid.UUID, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What of one document, as it is stored, the next one lets go of for high-risk tools: paths, in its order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT approvals_looser(%s, %s::jsonb, %s::jsonb)",
            [organization, binding.text(before), binding.text(after)],
        )
        row = cursor.fetchone()
    assert row is not None
    found: list[str] = row[0]
    return found


def proposed(
    organization: uuid.UUID, settings: Mapping[str, Any], *, reason: str, by: User, after: int, lets_go: list[str]
) -> PolicyProposal:
    """Put a next policy down for a second administrator. Raises PolicyWaits where one waits already.

    Called inside the transaction that judged it.
    """
    if PolicyProposal.objects.filter(organization_id=organization, status=PolicyProposal.Status.OPEN).exists():
        raise PolicyWaits
    row = PolicyProposal.objects.create(
        organization_id=organization, follows=after, settings=settings, looser=lets_go, by=by, reason=reason
    )
    detail = {"follows": after, "looser": lets_go}
    record(_entry(row, "policy_proposed", by, reason, detail))
    return row


def accept(proposal: uuid.UUID, *, organization: uuid.UUID, by: User, reason: str = "") -> PolicyVersion:
    """Agree, as a second administrator, to a looser policy: it is in force now, made by whoever proposed it.

    Raises PolicyProposalNotFound, NotAdministrator, SecondAdministratorNeeded for whoever proposed it, and PolicyMoved
    where another version came in between or somebody answered first.
    """
    found = _waiting(proposal, organization)
    try:
        with transaction.atomic():
            _administers(organization, by)
            if found.by_id == by.pk:
                raise SecondAdministratorNeeded
            if not Membership.objects.holds(found.by, organization, Role.ADMINISTRATOR):
                raise PolicyMoved("Whoever asked for this administers nothing here any more. Withdraw it instead.")
            current = PolicyVersion.objects.filter(organization_id=organization).latest("number")
            if current.number != found.follows:
                raise PolicyMoved(current=current.number, expected=found.follows)
            pk = uuid7()
            _close(found, PolicyProposal.Status.ACCEPTED, by, reason, version=pk)
            put(pk, organization, found.settings, reason=found.reason, by=found.by, after=found.follows)
            detail = {"looser": found.looser, "proposed_by": found.by.username, "accepted_by": by.username}
            told = _entry(found, "policy_changed", by, found.reason, detail)
            record(replace(told, subject=pk, source=str(found.follows), target=str(found.follows + 1)))
    except DomainError as error:
        _remember(found, by, error, "policy_accepted")
        raise
    return PolicyVersion.objects.select_related("made_by").get(pk=pk)


def withdraw(proposal: uuid.UUID, *, organization: uuid.UUID, by: User, reason: str) -> None:
    """Close a proposal; the policy stays as it is. By whoever proposed it or any other administrator.

    Raises PolicyProposalNotFound, NotAdministrator, PolicyInvalid without a reason, PolicyMoved.
    """
    found = _waiting(proposal, organization)
    try:
        with transaction.atomic():
            _administers(organization, by)
            if not reason.strip() or len(reason) > LONGEST_REASON:
                raise PolicyInvalid([("reason", f"say why, in at most {LONGEST_REASON} characters")])
            _close(found, PolicyProposal.Status.WITHDRAWN, by, reason)
            record(_entry(found, "policy_withdrawn", by, reason.strip(), {"proposed": found.reason}))
    except DomainError as error:
        _remember(found, by, error, "policy_withdrawn")
        raise


def put(pk: uuid.UUID, organization: uuid.UUID, settings: Any, *, reason: str, by: User, after: int) -> None:
    """Write the next version through the database's own function, which looks at who asks and at what is let go of."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT approvals_put_policy(%s, %s, %s, %s::jsonb, %s, %s)",
            [pk, organization, after, binding.text(settings), reason, by.pk],
        )


def _waiting(proposal: uuid.UUID, organization: uuid.UUID) -> PolicyProposal:
    found = (
        PolicyProposal.objects.filter(pk=proposal, organization_id=organization, status=PolicyProposal.Status.OPEN)
        .select_related("by")
        .first()
    )
    if found is None:
        raise PolicyProposalNotFound
    return found


def _administers(organization: uuid.UUID, person: User) -> None:
    if not Membership.objects.holds(person, organization, Role.ADMINISTRATOR):
        raise NotAdministrator


def _close(found: PolicyProposal, status: str, by: User, reason: str, version: uuid.UUID | None = None) -> None:
    closed = PolicyProposal.objects.filter(pk=found.pk, status=PolicyProposal.Status.OPEN).update(
        status=status, closed_by=by, closed_at=Now(), closed_reason=reason.strip(), version_id=version
    )
    if not closed:
        raise PolicyMoved("Somebody answered this first. Look at what is in force now.")


def _entry(about: PolicyProposal, verb: str, by: User, reason: str, detail: Mapping[str, Any]) -> Entry:
    return Entry(
        organization=about.organization_id,
        actor=Actor("person", by.pk, by.username),
        verb=verb,
        subject_kind="policy",
        subject=about.pk,
        reason=reason,
        detail=detail,
    )


def _remember(found: PolicyProposal, by: User, error: DomainError, attempt: str) -> None:
    refused(_entry(found, "refused", by, error.message, {"attempt": attempt, "code": error.code}))
