"""What can be wrong with a proposal or a decision. The docstring is the message; the class says what HTTP answers."""

from collections.abc import Sequence
from typing import ClassVar

from traces.exceptions import DomainError


class ActionNotFound(DomainError):
    """There is no such action."""

    http_status: ClassVar[int] = 404
    code: ClassVar[str] = "not_found"


class NotPermitted(DomainError):
    """You may not decide on this tool's actions. An administrator can give your team the right to review it."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "not_permitted"


class PrincipalMayNotDecide(DomainError):
    """This action acts for you, so somebody else has to decide on it."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "not_permitted"


class EditorMayNotApprove(DomainError):
    """You wrote this version. On high risk somebody else has to approve it."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "not_permitted"


class UndoIsNotEdited(DomainError):
    """This takes back what was done, with what the tool itself said then. Say no to it, and ask for another call."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "not_editable"


class SignInAgain(DomainError):
    """The risk is high, and you signed in too long ago. Sign in again, then decide; nothing was decided so far."""

    http_status: ClassVar[int] = 401
    code: ClassVar[str] = "sign_in_again"


class AlreadyDecided(DomainError):
    """Somebody was first. The action has moved on since this page was made."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "already_decided"


class DigestMoved(DomainError):
    """What this page showed is no longer what would run. Read it again before you decide."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "args_mismatch"


class TimeRanOut(DomainError):
    """The time to decide is over, and time running out is a no. The agent has to ask again."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "expired"


class Halted(DomainError):
    """A stop is engaged over this action. It can be decided on once the stop is released."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "halted"


class ReasonMissing(DomainError):
    """Say why: the reason is kept, and the agent is told not to try the same again."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"


class NothingChanged(DomainError):
    """These are the arguments as they stand, so there is nothing to change. To let them run, approve."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"


class PreviewAwaited(DomainError):
    """The tool has been asked what this would do and has not answered yet. It can be approved once it has."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "preview_awaited"


class CannotBeAsked(DomainError):
    """This tool cannot say what became of a call. Look at the other side, then say what you found."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "cannot_be_asked"


class StepTaken(DomainError):
    """This step of the run already proposed something else. A changed proposal needs a revision or a new step."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "args_mismatch"


class LimitsBusy(DomainError):
    """So many calls are counted against the same limit just now that this one was not. Nothing was kept; try again."""

    http_status: ClassVar[int] = 503
    code: ClassVar[str] = "unavailable"
    retry: ClassVar[bool] = True


class PolicyInvalid(DomainError):
    """This is no policy. ``problems`` holds path and message of everything that is wrong."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "; ".join(f"{path}: {message}" if path else message for path, message in problems),
            problems=[{"path": path, "message": message} for path, message in problems],
        )


class PolicyMoved(DomainError):
    """Somebody changed the policy since you read it. Look at the version that is in force, and change that one."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "policy_moved"


class NotAdministrator(DomainError):
    """Only an administrator of the organization may change its policy."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "not_permitted"
