"""What can be wrong with a run. The docstring is the message; the class says what HTTP answers."""

from typing import ClassVar

from traces.exceptions import DomainError


class RunNotFound(DomainError):
    """There is no such run."""

    http_status: ClassVar[int] = 404
    code: ClassVar[str] = "not_found"


class MayNotSubmit(DomainError):
    """Only operators give goals to agents. An administrator can make you one."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "not_permitted"


class GoalRefused(DomainError):
    """This goal cannot be taken."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"


class NothingToUndo(DomainError):
    """There is nothing here that can be taken back."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "nothing_to_undo"


class RunMovedOn(DomainError):
    """The run has moved on since this page was made."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "already_decided"


class NothingToCorrect(DomainError):
    """The agent has not said yet how it reads the goal."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "nothing_to_correct"


class TooLateToCorrect(DomainError):
    """A step that may change something has begun, so the goal stands. Cancel the run, or undo it and give another."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "already_begun"


class ScheduleNotFound(DomainError):
    """There is no such schedule."""

    http_status: ClassVar[int] = 404
    code: ClassVar[str] = "not_found"


class ScheduleRefused(DomainError):
    """This schedule cannot be kept."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"


class ScheduleEnded(DomainError):
    """The schedule has ended, and an ended one stays so."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "already_decided"


class HookNotFound(DomainError):
    """There is no such webhook."""

    http_status: ClassVar[int] = 404
    code: ClassVar[str] = "not_found"


class HookEnded(DomainError):
    """The webhook has ended, and an ended one stays so."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "already_decided"


class NotSigned(DomainError):
    """No message that is signed for this address and this moment."""

    http_status: ClassVar[int] = 401
    code: ClassVar[str] = "not_signed"


class TooManyMessages(DomainError):
    """More messages have come than this webhook takes in a minute. Send it again later, with the same id."""

    http_status: ClassVar[int] = 429
    code: ClassVar[str] = "rate_limited"
    retry: ClassVar[bool] = True
