"""The rows behind the dial: a change and its event, a proposal and its end, and what is refused. For ``tools.dial``."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import Max
from django.db.models.functions import Now

from accounts.actors import person
from accounts.models import User
from tools import freedom
from tools.changes import DialChange, DialProposal
from tools.exceptions import DialMoved, ProposalNotFound
from tools.models import Tool
from traces.exceptions import DomainError
from traces.guards import REFUSED
from traces.services import Actor, Entry, record, refused


@contextmanager
def attempt(verb: str, tool: Tool, by: User) -> Iterator[None]:
    """One change in a person's name, in a transaction; what is refused inside is remembered.

    Keep it outside of any transaction. Raises DialMoved where the database says that the tool is not as was thought.
    """
    try:
        with transaction.atomic():
            yield
    except DomainError as error:
        told = {"attempt": verb, "code": error.code, "tool": tool.name}
        refused(entry(tool, "refused", person(by), error.message, told))
        raise
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", "") != REFUSED:
            raise
        raise DialMoved from error


def fresh(tool: Tool) -> Tool:
    """The tool as it is now; nobody else changes it before this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"dial:{tool.pk}"])
    return Tool.objects.select_related("version").get(pk=tool.pk)


def entry(tool: Tool, verb: str, actor: Actor, reason: str, detail: Mapping[str, Any]) -> Entry:
    """An event about a tool."""
    return Entry(
        organization=tool.organization_id,
        actor=actor,
        verb=verb,
        subject_kind="tool",
        subject=tool.pk,
        reason=reason,
        detail=detail,
    )


def proposed(  # noqa: PLR0917
    tool: Tool, before: Mapping[str, Any], after: Mapping[str, Any], by: User, reason: str, returns_to: int | None
) -> DialProposal:
    """Put a change down for a second person. Raises DialMoved where one waits already."""
    if DialProposal.objects.filter(tool=tool, status=DialProposal.Status.OPEN).exists():
        raise DialMoved("A change of this tool waits for a second person already: accept or withdraw that one first.")
    row = DialProposal.objects.create(
        organization_id=tool.organization_id,
        tool=tool,
        before=before,
        after=after,
        by=by,
        reason=reason,
        returns_to=returns_to,
    )
    record(entry(tool, "tool_set_proposed", person(by), reason, {"name": tool.name, **_told(before, after)}))
    return row


def changed(tool: Tool, after: Mapping[str, Any], kind: str, actor: Actor, reason: str, **columns: Any) -> DialChange:
    """Write the row that is the change, and the event that tells of it."""
    before = freedom.of(tool)
    number = 1 + (DialChange.objects.filter(tool=tool).aggregate(last=Max("number"))["last"] or 0)
    told = {"name": tool.name, "number": number, **_told(before, after)}
    second = columns.get("second")
    if second is not None:
        told |= {"proposed_by": columns["by"].username, "accepted_by": second.username}
    if columns.get("because"):
        told["because"] = columns["because"]
    record(entry(tool, "tool_set", actor, reason, told))
    row = DialChange.objects.create(
        organization_id=tool.organization_id,
        tool=tool,
        number=number,
        kind=kind,
        before=before,
        after=after,
        reason=reason,
        version=tool.version,
        **columns,
    )
    tool.refresh_from_db()
    return row


def _told(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    return {"changes": {name: list(pair) for name, pair in freedom.differences(before, after).items()}}


def close(found: DialProposal, status: str, by: User, reason: str) -> None:
    """Say what became of a proposal. Raises DialMoved where somebody was first."""
    closed = DialProposal.objects.filter(pk=found.pk, status=DialProposal.Status.OPEN).update(
        status=status, closed_by=by, closed_at=Now(), closed_reason=reason.strip()
    )
    if not closed:
        raise DialMoved


def waiting(proposal: uuid.UUID, organization: uuid.UUID) -> DialProposal:
    """An open proposal of this organization. Raises ProposalNotFound."""
    found = (
        DialProposal.objects.filter(pk=proposal, organization_id=organization, status=DialProposal.Status.OPEN)
        .select_related("tool", "tool__version")
        .first()
    )
    if found is None:
        raise ProposalNotFound
    return found
