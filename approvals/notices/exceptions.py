"""Why somebody's wish to be told cannot be kept."""

from typing import ClassVar

from traces.exceptions import DomainError


class NoticesRefused(DomainError):
    """Notices cannot be sent like this."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"


class NoticesNotFound(DomainError):
    """There is no such address or route of yours."""

    http_status: ClassVar[int] = 404
    code: ClassVar[str] = "not_found"


class NotTheirs(DomainError):
    """Only an administrator of the organization sets where a team hears, and where webhooks go."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "not_permitted"


class TooManyTrials(DomainError):
    """This was tried often just now. Wait a few minutes, then try again."""

    http_status: ClassVar[int] = 429
    code: ClassVar[str] = "rate_limited"
    retry: ClassVar[bool] = True
