"""Bearer tokens: made once, kept as a hash, looked up with the same work whether they exist or not."""

import hashlib
import secrets
import string
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final

from django.db import models, transaction
from django.db.models.functions import Now

from accounts.models import Agent, ApiToken, Membership, Organization, User
from accounts.roles import Role
from traces.clock import later
from traces.exceptions import DomainError
from traces.services import Actor, Entry, record

_ALPHABET: Final = string.ascii_letters + string.digits
SECRET_CHARACTERS: Final = 43  # 256 bits
LONGEST: Final = 200
"""Characters of a presented token that are looked at; ours are shorter."""
MOST_DAYS: Final = 366


class TokenNotMade(DomainError):
    """This token cannot be made."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"


@dataclass(frozen=True)
class Found:
    """A token that exists, its person's place, and why it does not count any more; empty while it does."""

    token: ApiToken
    membership: Membership | None
    dead: str


def issue(
    *, user: User, organization: Organization, scope: str, agent: Agent | None, days: int, by: Actor
) -> tuple[ApiToken, str]:
    """A new token and its text, which is nowhere kept.

    Raises TokenNotMade for somebody who does not belong here, an auditor's scope without the role, or an agent that
    is missing, foreign, off, or our own planner, whose name nobody else may bear.
    """
    member = Membership.objects.of(user).filter(organization=organization).first()
    if member is None:
        raise TokenNotMade(f"{user.username} is no active member of {organization.slug}.")
    if scope == ApiToken.Scope.AUDIT and not member.has(Role.AUDITOR):
        raise TokenNotMade(f"{user.username} is no auditor, so there is nothing that such a token could read.")
    if (scope == ApiToken.Scope.AGENT) != (agent is not None):
        raise TokenNotMade("A token names an agent if its scope is agent, and only then.")
    if agent is not None and (agent.organization_id != organization.pk or not agent.enabled or agent.builtin):
        raise TokenNotMade(f"{agent.name} is no enabled outside agent of {organization.slug}.")
    if not 1 <= days <= MOST_DAYS:
        raise TokenNotMade(f"A token lives from 1 to {MOST_DAYS} days.")
    prefix = _random(8)
    text = f"cs_{prefix}_{_random(SECRET_CHARACTERS)}"
    token = ApiToken(
        organization=organization,
        user=user,
        agent=agent,
        scope=scope,
        prefix=prefix,
        sha256=_hash(text),
        expires_at=later(timedelta(days=days).total_seconds()),
    )
    with transaction.atomic():
        token.save(force_insert=True)
        detail = {"prefix": prefix, "scope": scope, "user": user.username, "agent": agent.name if agent else ""}
        record(_entry(token, by, "token_created", {**detail, "days": days}))
    return token, text


def revoke(token: ApiToken, *, by: Actor) -> bool:
    """End a token now. Returns whether this caller was the one to end it."""
    with transaction.atomic():
        if not ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=later(0)):
            return False
        record(_entry(token, by, "token_revoked", {"prefix": token.prefix}))
    return True


def find(presented: str) -> Found | None:
    """What stands behind a presented token. Time and expiry are the database's.

    Whatever was presented costs one hash and one look-up by it: nothing about the text is judged before.
    """
    token = (
        ApiToken.objects.select_related("user", "organization", "agent", "agent__owner")
        .annotate(expired=models.ExpressionWrapper(models.Q(expires_at__lte=Now()), models.BooleanField()))
        .filter(sha256=_hash(presented[:LONGEST]))
        .first()
    )
    if token is None:
        return None
    membership = Membership.objects.of(token.user).filter(organization=token.organization_id).first()
    return Found(token, membership, _dead(token, membership))


def _dead(token: ApiToken, membership: Membership | None) -> str:
    if token.revoked_at is not None:
        return "The token was revoked."
    if token.expired:  # type: ignore[attr-defined]
        return "The token has expired."
    if not token.user.is_active:
        return "The token's person is no longer active."
    if membership is None:
        return "The token's person no longer belongs to its organization."
    if token.agent is not None and not token.agent.enabled:
        return "The token's agent is switched off."
    return ""


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _random(characters: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(characters))


def _entry(token: ApiToken, by: Actor, verb: str, detail: dict[str, object]) -> Entry:
    return Entry(
        organization=token.organization_id, actor=by, verb=verb, subject_kind="token", subject=token.pk, detail=detail
    )
