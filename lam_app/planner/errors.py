"""What can go wrong between asking a model and holding an intent: one class each, its docstring is the message.

`retry` says whether asking again can help, always within the run's own bound. `correct` says how: True means put
`feedback()` into the next context's corrections, so that the model reads what was wrong; False means send exactly the
same request again, because the model may have answered it already and the answer was lost on the way.
"""

from typing import ClassVar

from lam_app.planner.draft import TraceDraft
from traces.exceptions import DomainError

LONGEST_DETAIL = 500
"""Characters of somebody else's text that an error message repeats."""


def shown(text: str, longest: int = LONGEST_DETAIL) -> str:
    """Outside text, cut and without control characters or surrogates, fit for a message, a log line and a database."""
    plain = "".join(c if c.isprintable() else " " for c in text[: longest + 1])
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"


class PlannerError(DomainError):
    """The planner has no intent to offer."""

    http_status: ClassVar[int] = 502
    code: ClassVar[str] = "planner_failed"
    retry: ClassVar[bool] = False
    correct: ClassVar[bool] = False

    def __init__(
        self, detail: str = "", *, path: str = "", retry_after: float | None = None, trace: TraceDraft | None = None
    ) -> None:
        """`path` is the place in the answer; `retry_after` is in seconds; `trace` is what is known of the call."""
        super().__init__()
        self.detail = shown(detail)
        self.path = path
        self.retry_after = retry_after
        self.trace = trace
        if self.detail:
            self.message = f"{self.message.rstrip('.')}: {f'{path}: ' if path else ''}{self.detail}"
        self.args = (self.message,)

    def feedback(self) -> str:
        """What to tell the model about its answer."""
        return self.message


class Malformed(PlannerError):
    """The model's answer is not the JSON that was asked for."""

    code = "malformed"
    retry = True
    correct = True


class Empty(PlannerError):
    """The model answered with nothing."""

    code = "empty"
    retry = True
    correct = True


class Truncated(PlannerError):
    """The model's answer was cut off before its end; a shorter one is needed."""

    code = "truncated"
    retry = True
    correct = True


class TooLarge(PlannerError):
    """The answer is larger than anything that a step needs."""

    code = "too_large"
    retry = True
    correct = True


class Refused(PlannerError):
    """The model refused to answer."""

    code = "refused_by_model"
    retry = True
    correct = True


class Filtered(PlannerError):
    """The provider's content filter stopped the answer."""

    code = "filtered"


class UnknownTool(PlannerError):
    """The model chose a tool that is not in the catalogue."""

    code = "unknown_tool"
    retry = True
    correct = True


class BadArguments(PlannerError):
    """The arguments do not fit the tool's schema."""

    code = "bad_arguments"
    retry = True
    correct = True


class ProviderUnavailable(PlannerError):
    """The model cannot be reached or is too busy."""

    http_status = 503
    code = "provider_unavailable"
    retry = True


class ProviderRejected(PlannerError):
    """The provider does not accept the request, so asking again will not help: its settings need a look."""

    code = "provider_rejected"

    def __init__(self, detail: str = "", *, status: int | None = None, trace: TraceDraft | None = None) -> None:
        """`status` is the HTTP status of the refusal, where there was one."""
        super().__init__(detail, trace=trace)
        self.status = status


def feedback_of(code: str) -> str:
    """What to tell the model about an earlier answer of which only the code is left; empty where nothing helps."""
    for kind in PlannerError.__subclasses__():
        if kind.code == code and kind.correct:
            return (kind.__doc__ or "").strip()
    return ""
