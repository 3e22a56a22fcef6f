"""Bearer tokens: made once, kept as a hash, looked up with the same work whether they exist or not."""

import hashlib
import secrets
import string
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final

from django.db import connection, models, transaction
from django.db.models.functions import Now

from accounts.actors import person
from accounts.exceptions import MayNotAdminister
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
LONGEST_NAME: Final = 80
USED_SECONDS: Final = 60
"""How old what stands in ``last_used_at`` may become while the token is used."""
_USED: Final = """
UPDATE accounts_apitoken SET last_used_at = statement_timestamp()
WHERE id IN (SELECT id FROM accounts_apitoken WHERE id = %s FOR UPDATE SKIP LOCKED)
"""


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


def make(
    *, by: User, organization: Organization, scope: str, agent: Agent | None, days: int, name: str
) -> tuple[ApiToken, str]:
    """A token that an administrator makes: for an agent, in its owner's name, or for themselves. It and its text.

    A token speaks in its person's name, so nobody makes one for somebody else's goals. An agent's text is seen by
    whoever makes it, who then counts among those for whom its calls are made, and decides on none of them. Raises
    MayNotAdminister, and TokenNotMade as ``issue`` does or without a name.
    """
    _administers(organization, by)
    if not 1 <= len(name.strip()) <= LONGEST_NAME:
        wrong = f"Say what it is for, in at most {LONGEST_NAME} characters."
        raise TokenNotMade(wrong, errors={"name": wrong})
    user = agent.owner if agent is not None else by
    return issue(
        user=user,
        organization=organization,
        scope=scope,
        agent=agent,
        days=days,
        by=person(by),
        name=name.strip(),
        made_by=by,
    )


def end(token: ApiToken, *, by: User) -> bool:
    """End a token as an administrator, now. Returns whether this was the one to end it. Raises MayNotAdminister."""
    _administers(token.organization, by)
    return revoke(token, by=person(by))


def _administers(organization: Organization, by: User) -> None:
    if not Membership.objects.holds(by, organization.pk, Role.ADMINISTRATOR):
        raise MayNotAdminister


def issue(
    *,
    user: User,
    organization: Organization,
    scope: str,
    agent: Agent | None,
    days: int,
    by: Actor,
    name: str = "",
    made_by: User | None = None,
) -> tuple[ApiToken, str]:
    """A new token and its text, which is nowhere kept.

    Raises TokenNotMade for somebody who does not belong here, an auditor's scope without the role, an agent that
    is missing, foreign, off, or our own planner, whose name nobody else may bear, and for anybody but its owner.
    """
    if scope not in ApiToken.Scope.values:
        raise TokenNotMade("A token's scope is agent, operate or audit.", errors={"scope": "Choose one of them."})
    member = Membership.objects.of(user).filter(organization=organization).first()
    if member is None:
        raise TokenNotMade(f"{user.username} is no active member of {organization.slug}.")
    if scope == ApiToken.Scope.AUDIT and not member.has(Role.AUDITOR):
        raise TokenNotMade(f"{user.username} is no auditor, so there is nothing that such a token could read.")
    if (scope == ApiToken.Scope.AGENT) != (agent is not None):
        raise TokenNotMade("A token names an agent if its scope is agent, and only then.")
    if agent is not None and (agent.organization_id != organization.pk or not agent.enabled or agent.builtin):
        raise TokenNotMade(f"{agent.name} is no enabled outside agent of {organization.slug}.")
    if agent is not None and agent.owner_id != user.pk:
        raise TokenNotMade(f"{agent.name}'s token names {agent.owner.username}, who answers for it, and nobody else.")
    if not 1 <= days <= MOST_DAYS:
        wrong = f"A token lives from 1 to {MOST_DAYS} days."
        raise TokenNotMade(wrong, errors={"days": wrong})
    prefix = _random(8)
    text = f"cs_{prefix}_{_random(SECRET_CHARACTERS)}"
    token = ApiToken(
        organization=organization,
        user=user,
        agent=agent,
        scope=scope,
        name=name,
        made_by=made_by,
        prefix=prefix,
        sha256=_hash(text),
        expires_at=later(timedelta(days=days).total_seconds()),
    )
    with transaction.atomic():
        token.save(force_insert=True)
        detail = {"prefix": prefix, "scope": scope, "user": user.username, "agent": agent.name if agent else ""}
        detail |= {"name": name} if name else {}
        record(_entry(token, by, "token_created", {**detail, "days": days}))
    return token, text


def revoke(token: ApiToken, *, by: Actor) -> bool:
    """End a token now. Returns whether this caller was the one to end it."""
    with transaction.atomic():
        if not ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=later(0)):
            return False
        record(_entry(token, by, "token_revoked", {"prefix": token.prefix}))
    return True


def used(token: ApiToken) -> None:
    """Write down that a token was used, once a minute at the most, and never waiting for anybody."""
    if token.unused_for_a_while:  # type: ignore[attr-defined]
        with connection.cursor() as cursor:
            cursor.execute(_USED, [token.pk])


def find(presented: str) -> Found | None:
    """What stands behind a presented token. Time and expiry are the database's.

    Whatever was presented costs one hash and one look-up by it: nothing about the text is judged before.
    """
    token = (
        ApiToken.objects.select_related("user", "organization", "agent", "agent__owner")
        .annotate(
            expired=models.ExpressionWrapper(models.Q(expires_at__lte=Now()), models.BooleanField()),
            unused_for_a_while=models.ExpressionWrapper(
                models.Q(last_used_at=None) | models.Q(last_used_at__lt=Now() - timedelta(seconds=USED_SECONDS)),
                models.BooleanField(),
            ),
        )
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
    if token.agent is not None:
        return _dead_agent(token.agent, token.user_id)
    return ""


def _dead_agent(agent: Agent, person: uuid.UUID) -> str:
    if not agent.enabled:
        return "The token's agent is switched off."
    return "" if agent.owner_id == person else "The token's person no longer answers for its agent."


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _random(characters: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(characters))


def _entry(token: ApiToken, by: Actor, verb: str, detail: dict[str, object]) -> Entry:
    return Entry(
        organization=token.organization_id, actor=by, verb=verb, subject_kind="token", subject=token.pk, detail=detail
    )
