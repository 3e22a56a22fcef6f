"""What can be wrong with a tool or a stop. The docstring is the message; the class says what HTTP answers."""

from typing import ClassVar

from traces.exceptions import DomainError


class StopNotFound(DomainError):
    """There is no such stop."""

    http_status: ClassVar[int] = 404
    code: ClassVar[str] = "not_found"


class StopRefused(DomainError):
    """This stop cannot be engaged."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"


class MayNotStop(DomainError):
    """You may not stop this. Reviewers and administrators may stop the organization, its tools and its runs."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "not_permitted"


class SecondPersonNeeded(DomainError):
    """Somebody else has to release this: whoever engaged a stop cannot take it back alone."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "not_permitted"


class NotEased(DomainError):
    """Let people decide again first; then it can be lifted."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "not_eased"


class AlreadyReleased(DomainError):
    """This stop was released already."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "already_decided"


class LookAlike(DomainError):
    """This name may be taken for that of another tool."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "contract_invalid"


class ResourceTaken(DomainError):
    """This is declared already, or may be taken for something that is."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "resource_taken"


class ResourceNotFound(DomainError):
    """Nothing of that kind is declared under this name."""

    http_status: ClassVar[int] = 404
    code: ClassVar[str] = "not_found"


class MayNotSet(DomainError):
    """You may not set this tool. Whoever may configure it sets it; whoever may stop it turns it down."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "not_permitted"


class NotReady(DomainError):
    """This tool is not ready to act more freely."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "not_ready"


class DialRefused(DomainError):
    """A tool cannot be set like that."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"


class DialMoved(DomainError):
    """Somebody changed this tool in the meantime. Look at it as it is now, then decide again."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "already_decided"


class SecondOpinionNeeded(DomainError):
    """This tool is of high risk: a second person, not the one who asked, has to agree before it becomes freer."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "second_person_needed"


class ProposalNotFound(DomainError):
    """No such change is waiting."""

    http_status: ClassVar[int] = 404
    code: ClassVar[str] = "not_found"
