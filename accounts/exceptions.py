"""What can be wrong with changing who may do what. The docstring is the message; the class says what HTTP answers."""

from typing import ClassVar

from traces.exceptions import DomainError


class MayNotAdminister(DomainError):
    """Only an administrator of this organization may change who may do what."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "not_permitted"


class NotOneself(DomainError):
    """Nobody changes what they themselves may do. Another administrator has to."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "not_permitted"


class NotOfThisOrganization(DomainError):
    """There is nobody and nothing of that name in this organization."""

    http_status: ClassVar[int] = 404
    code: ClassVar[str] = "not_found"


class ChangeRefused(DomainError):
    """This change cannot be made."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"


class PasswordAgain(DomainError):
    """This asks for a password that was given within the last minutes. Sign in again; nothing was changed so far."""

    http_status: ClassVar[int] = 401
    code: ClassVar[str] = "sign_in_again"


class UsedElsewhere(DomainError):
    """This account is used in another organization too. Take its roles and teams away here instead."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "used_elsewhere"
