"""Who asks the API: a bearer token in the header, and nothing else. Every route's scopes are checked in this one place.

No session opens the API and no token opens a page: decisions are made on pages, so a token can never reach one.
"""

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from django.http import HttpRequest
from ninja.security import HttpBearer

from accounts.actors import machine, person
from accounts.models import Agent, ApiToken, Membership, Organization, User
from accounts.roles import Role
from accounts.rows import enter, within
from accounts.tokens import Found, find, used
from traces.exceptions import DomainError
from traces.problems import DETAILS
from traces.services import Entry, refused

logger = logging.getLogger(__name__)

AGENT: Final = ApiToken.Scope.AGENT.value
OPERATE: Final = ApiToken.Scope.OPERATE.value
AUDIT: Final = ApiToken.Scope.AUDIT.value


class NotSignedIn(DomainError):
    """Sign in, or send a valid token."""

    http_status: ClassVar[int] = 401
    code: ClassVar[str] = "not_signed_in"


class NotInScope(DomainError):
    """This token's scope does not reach this."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "not_permitted"


@dataclass(frozen=True)
class Identity:
    """Whoever asks: the token's person, where they belong, and for an agent's token the agent."""

    token: ApiToken
    membership: Membership

    @property
    def scope(self) -> str:
        """What the token may reach."""
        return self.token.scope

    @property
    def user(self) -> User:
        """The person who answers for what is asked."""
        return self.token.user

    @property
    def agent(self) -> Agent | None:
        """The agent that asks; nothing unless the scope is agent."""
        return self.token.agent if self.scope == AGENT else None

    @property
    def behind(self) -> tuple[uuid.UUID, ...]:
        """Everybody for whom something is asked with this token: its person, and whoever has seen its text."""
        return (self.user.pk, *([self.token.made_by_id] if self.token.made_by_id else []))

    @property
    def organization(self) -> Organization:
        """The only organization that this token knows of. Never taken from the request."""
        return self.token.organization

    @property
    def organization_id(self) -> uuid.UUID:
        """Its id."""
        return self.token.organization_id


class ApiRequest(HttpRequest):
    """A request with a token that counts."""

    auth: Identity


class Bearer(HttpBearer):
    """Opens a route to tokens of the named scopes. Anything else is 401, or 403 for a token of another scope."""

    def __init__(self, *scopes: str) -> None:
        super().__init__()
        self.scopes = scopes

    def __call__(self, request: HttpRequest) -> Identity:
        """The identity behind the request. Raises NotSignedIn or NotInScope; both are remembered where it is known
        whose record they belong to."""
        scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not presented.strip():
            raise NotSignedIn
        return self.authenticate(request, presented.strip())

    def authenticate(self, request: HttpRequest, token: str) -> Identity:
        """See ``__call__``."""
        found = find(token)
        if found is None:
            logger.warning("a bearer token was refused", extra={"path": request.path, "why": "unknown"})
            raise NotSignedIn
        if found.dead or found.membership is None:
            _remember(found, request, found.dead, NotSignedIn.code)
            raise NotSignedIn(DETAILS[401])
        identity = Identity(found.token, found.membership)
        if identity.scope not in self.scopes:
            why = f"This token's scope is {identity.scope}; this asks for {' or '.join(self.scopes)}."
        elif identity.scope == AUDIT and not identity.membership.has(Role.AUDITOR):
            why = "The token's person is no longer an auditor."
        else:
            enter(identity.organization_id)
            used(found.token)
            return identity
        _remember(found, request, why, NotInScope.code)
        raise NotInScope(why)


@contextmanager
def refusals_remembered(request: ApiRequest) -> Iterator[None]:
    """Write an event for what the verb inside refuses as not permitted. Keep it outside of any transaction."""
    try:
        yield
    except DomainError as error:
        if error.http_status == 403:
            _remember(Found(request.auth.token, request.auth.membership, ""), request, error.message, error.code)
        raise


def _remember(found: Found, request: HttpRequest, why: str, code: str) -> None:
    token = found.token
    attempt = f"{request.method} {request.path}"[:200]
    detail: dict[str, Any] = {"attempt": attempt, "code": code, "token": token.prefix, "user": token.user.username}
    entry = Entry(
        organization=token.organization_id,
        actor=machine(token.agent) if token.scope == AGENT and token.agent else person(token.user),
        verb="refused",
        subject_kind="token",
        subject=token.pk,
        reason=why,
        detail=detail,
    )
    with within(token.organization_id):  # it is theirs to read, though the token opens nothing
        refused(entry)
