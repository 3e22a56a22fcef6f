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


class NotOpened(DomainError):
    """Something here is folded and was not opened. Open every folded value, then decide; nothing was decided so far."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "not_opened"


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


class TooEarly(DomainError):
    """There is time enough still. More can be given in its last part."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "too_early"


class NoMoreTime(DomainError):
    """This has been given all the time that it may have. Decide on it, or let it expire, which is a no."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "no_more_time"


class CanaryRefused(DomainError):
    """This would be no canary: it would never come before a reviewer."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"


class NoSuchCanary(DomainError):
    """There is no such canary, or it was taken out already."""

    http_status: ClassVar[int] = 404
    code: ClassVar[str] = "not_found"


class NotAuditor(DomainError):
    """Only an auditor of the organization defines canaries and says how many there are."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "not_permitted"


class DeskFull(DomainError):
    """The desk is full: as many requests wait for people as may. Try again when some of them are decided."""

    http_status: ClassVar[int] = 429
    code: ClassVar[str] = "rate_limited"
    retry: ClassVar[bool] = True


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


class SetAside(DomainError):
    """This was set aside. Take it up again, then decide; its time runs on meanwhile."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "set_aside"


class Taken(DomainError):
    """Somebody else has taken this. Take it over to decide on it; that is remembered."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "taken"


class NotYours(DomainError):
    """You have not taken this, or your time with it is over."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "not_taken"


class NobodyToTakeIt(DomainError):
    """Nobody of that name may decide on this. Name somebody who may review the tool and for whom this does not act."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"


class NothingTicked(DomainError):
    """Nothing is ticked, so nothing was decided. Tick the rows that you decide on."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "nothing_ticked"


class NotInTheTable(DomainError):
    """This was not in the table that you were shown, as it was shown. Nothing was decided; look at the table anew."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "not_shown"


class NoTableAnyMore(DomainError):
    """You were shown this table too long ago. Nothing was decided; look at it as it is now."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "not_shown"


class Unlike(DomainError):
    """It is not like the others any more, so it is decided by itself. Read it, then decide."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "unlike"


class TooLate(DomainError):
    """It was too late: this is leaving already, or has left. Nothing was changed; a stop may still catch it."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "already_decided"


class NothingToTakeBack(DomainError):
    """There is no yes of yours to what is about to leave."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "already_decided"


class NothingAsked(DomainError):
    """Nobody waits for an answer about this."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "already_decided"


class NotAPrincipal(DomainError):
    """Only somebody for whom this action acts can answer or withdraw."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "not_permitted"


class NotAReader(DomainError):
    """You may not say anything about this action."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "not_permitted"


class WordsMissing(DomainError):
    """Write what you want to say."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"


class TooMuchSaid(DomainError):
    """So much was said about this action that nothing more is kept. Decide, or talk elsewhere."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "too_much_said"


class NotACandidate(DomainError):
    """This tool is none that the agent left aside, it is not in the catalogue, or you may not review it."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"


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


class PolicyWaits(PolicyMoved):
    """A change of the policy waits for a second administrator already. It is accepted or withdrawn first."""


class SecondAdministratorNeeded(DomainError):
    """You asked for this change yourself. Another administrator has to agree before it is in force."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "second_administrator_needed"


class PolicyProposalNotFound(DomainError):
    """There is no such change that waits. It may have been answered in the meantime."""

    http_status: ClassVar[int] = 404
    code: ClassVar[str] = "not_found"


class NotAdministrator(DomainError):
    """Only an administrator of the organization may change its policy."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "not_permitted"


class TrialNotFound(DomainError):
    """There is no such trial."""

    http_status: ClassVar[int] = 404
    code: ClassVar[str] = "not_found"


class ReplayBusy(DomainError):
    """A replay is under way already. Wait until it is done, or call it off, then ask again."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "busy"


class ViewRefused(DomainError):
    """This view cannot be kept."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"


class NoSuchView(DomainError):
    """You keep no such view."""

    http_status: ClassVar[int] = 404
    code: ClassVar[str] = "not_found"


class GrantRefused(DomainError):
    """Calls like this one cannot be allowed beforehand."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"


class GrantNotFound(DomainError):
    """There is no such grant, or it was revoked already."""

    http_status: ClassVar[int] = 404
    code: ClassVar[str] = "not_found"
