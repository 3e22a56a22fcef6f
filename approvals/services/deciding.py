"""What every decision has in common: one action under lock, a person who may, a digest that still holds."""

import functools
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ParamSpec, Protocol, TypeVar

from django.db import transaction
from django.db.models.functions import Now

from accounts.actors import person
from accounts.models import User
from approvals.exceptions import (
    ActionNotFound,
    AlreadyDecided,
    DigestMoved,
    Halted,
    NotPermitted,
    PrincipalMayNotDecide,
    SetAside,
    SignInAgain,
    Taken,
    TimeRanOut,
)
from approvals.facts import current_policy, document_of
from approvals.models import Action, Decision, Revision
from approvals.reading.folds import folded
from approvals.reading.looking import seconds
from approvals.services.opened import was_opened
from tools.queries import barred_over, holds
from traces.clock import now
from traces.exceptions import DomainError
from traces.services import Entry, record, refused
from traces.text import storable

P = ParamSpec("P")
R = TypeVar("R")


class Deciding(Protocol):
    """A verb that decides: who, where, on what, having seen which digest."""

    def __call__(
        self, *, actor: User, organization: uuid.UUID, action_id: uuid.UUID, digest: str, reason: str = ""
    ) -> Decision: ...


def remembers_refusals(verb: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Write an event of its own when the decorated verb refuses, after its transaction has been rolled back."""

    def decorate(decide: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(decide)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                with transaction.atomic():
                    return decide(*args, **kwargs)
            except DomainError as error:
                _remember(verb, error, kwargs)
                raise

        return wrapper

    return decorate


def _remember(verb: str, error: DomainError, asked: dict[str, Any]) -> None:
    actor: User = asked["actor"]
    refused(
        Entry(
            organization=asked["organization"],
            actor=person(actor),
            verb="refused",
            subject_kind="action",
            subject=asked["action_id"],
            reason=error.message,
            detail={"attempt": verb, "code": error.code, "digest": storable(str(asked.get("digest", ""))[:80])},
        )
    )


def take(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID) -> Action:
    """The action, locked, if this person may decide on it. Call inside a transaction.

    Raises ActionNotFound for a missing or foreign action alike, PrincipalMayNotDecide, NotPermitted.
    """
    action = Action.objects.within(organization).select_for_update(of=("self",)).filter(id=action_id).first()
    if action is None:
        raise ActionNotFound
    if actor.pk in action.principals:
        raise PrincipalMayNotDecide
    if action.tool_id is None or not holds(actor.pk, action.tool_id, "review_tool"):
        raise NotPermitted
    return action


def shown(action: Action, *, digest: str, status: str) -> Revision:
    """The revision that was decided on, if it is still the one that would run and the action still waits.

    Raises AlreadyDecided, DigestMoved, TimeRanOut or Halted.
    """
    revision = action.revisions.annotate(at=Now()).get(number=action.revision)  # a statement after the lock: its time
    late = action.status == status == "in_review" and action.expires_at <= revision.at
    if action.status == "expired" or late:
        raise TimeRanOut(state=action.status)
    if action.status != status:
        raise AlreadyDecided(state=action.status)
    if action.digest != digest:
        raise DigestMoved(state=action.status, digest=action.digest)
    if status == "in_review":
        halts = barred_over(action.scopes)
        if halts:
            raise Halted(state=action.status, stop=halts[0].reason)
    return revision


def taken_by_other(action: Action, actor: User) -> bool:
    """Whether somebody else looks at an action now. A time that is over makes it anybody's again, without a write."""
    other = action.assignee_id is not None and action.assignee_id != actor.pk
    return other and action.assigned_until is not None and action.assigned_until > now()


def free(action: Action, actor: User) -> None:
    """Raise Taken where somebody else looks at an action: a courtesy, which one press takes over (``assign``)."""
    if taken_by_other(action, actor):
        raise Taken(state=action.status)


def not_aside(action: Action) -> None:
    """Raise SetAside where an action stands aside: nobody says yes to it before somebody takes it up again."""
    if action.held_at is not None:
        raise SetAside(state=action.status)


AHEAD = timedelta(minutes=1)
"""How far a session's clock may be before the database's; a sign-in from farther in the future is none."""


def freshly_signed_in(action: Action, signed_in_at: datetime | None) -> None:
    """On high risk, whoever decides has given a password within the policy's ``fresh_seconds``. Raises SignInAgain.

    It is the age that counts and not the order: a person who signed in a minute ago may decide on what arrived since,
    and the decision's event says when that was. A session that was left open, or taken, decides nothing of this kind.
    """
    if action.risk != "high":
        return
    seconds = document_of(current_policy(action.organization_id)).fresh_seconds
    at = now()
    if signed_in_at is None or not at - timedelta(seconds=seconds) <= signed_in_at <= at + AHEAD:
        raise SignInAgain(state=action.status, within=seconds)


@dataclass(frozen=True)
class Looked:
    """What a decision's form says of how it was looked at: the card's token, and those of what was opened; of a table,
    for how many seconds it had been open."""

    card: str = ""
    opened: Mapping[str, str] = field(default_factory=dict)
    table: float | None = None


def decided(
    action: Action,
    revision: Revision,
    *,
    actor: User,
    verb: str,
    reason: str,
    code: str = "",
    told: str = "",
    signed_in_at: datetime | None = None,
    among: int = 0,
    looked: "Looked | None" = None,
) -> Decision:
    """Write a person's decision and the event that tells of it, which calls it ``told`` where that says more than the
    verb; of one that was made on several calls at once it says ``among`` how many. Raises AlreadyDecided for a second
    vote."""
    if (
        verb in (Decision.Verb.APPROVE, Decision.Verb.REJECT)
        and revision.decisions.filter(decider=actor, verb__in=[Decision.Verb.APPROVE, Decision.Verb.REJECT]).exists()
    ):
        raise AlreadyDecided("You have already voted on this. It waits for somebody else.", state=action.status)
    decision = Decision(
        organization_id=action.organization_id,
        action=action,
        revision=revision,
        decider=actor,
        principals=action.principals,
        verb=verb,
        digest=revision.digest,
        code=code,
        reason=reason,
        seconds=_for_how_long(looked, revision, actor) if looked else None,
        folds=len(folds := folded(revision)),
        opened=sum(1 for one in folds if looked and was_opened(one, revision, actor.pk, looked.opened)),
        among=among,
    )
    decision.save(force_insert=True)
    record(
        Entry(
            organization=action.organization_id,
            actor=person(actor),
            verb=told or verb,
            subject_kind="action",
            subject=action.id,
            reason=reason,
            run=action.run,
            detail={
                "decision": str(decision.id),
                **({"code": code} if code else {}),
                "digest": revision.digest,
                "revision": revision.number,
                **({"signed_in_at": signed_in_at.isoformat()} if signed_in_at else {}),
                **({"among": among} if among else {}),
            },
        )
    )
    return decision


def _for_how_long(looked: Looked, revision: Revision, actor: User) -> float | None:
    """Seconds for which the page had been open; None where nothing of it says so."""
    return seconds(looked.card, revision.digest, actor.pk) if looked.card else looked.table
