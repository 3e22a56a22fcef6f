"""What a tool's own check says after a call: does the effect that the answer speaks of hold? Pure.

It is asked before anything is recorded, read-only. An answer that says "done" while the check does not find it is two
pieces of evidence that contradict each other: the outcome is then not known, and a person finds out. A check that could
not be asked says nothing against the answer; that it was not asked is recorded.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from tools.contract import Error, Outcome, OutcomeStatus
from tools.text import display
from traces.canonical import JSON

LONGEST_TEXT: Final = 500
FROM_ANSWER: Final = "answer:"
"""Begins the name of what a check takes from the call's answer, a JSON pointer, and not from its arguments."""
NOT_VERIFIED: Final = "not_verified"
"""The code of a call that the tool called done and its own check did not find."""


class VerifyState(StrEnum):
    """How a check ended."""

    HELD = "held"
    MISSING = "missing"
    """The effect is not there."""
    NOT_ASKED = "not_asked"
    """The tool could not be asked."""


@dataclass(frozen=True)
class Verified:
    """What a check found, in the tool's words."""

    state: VerifyState
    text: str = ""

    @classmethod
    def held(cls, text: str = "") -> "Verified":
        """The effect is there."""
        return cls(VerifyState.HELD, text)

    @classmethod
    def missing(cls, text: str = "") -> "Verified":
        """The effect is not there, or is another one."""
        return cls(VerifyState.MISSING, text)

    @classmethod
    def not_asked(cls, text: str) -> "Verified":
        """Whether it is there could not be asked."""
        return cls(VerifyState.NOT_ASKED, text)


def weighed(outcome: Outcome, found: Verified) -> Outcome:
    """The outcome of a call that said "done", with what the check found: UNCERTAIN where the effect is missing."""
    text = display(str(found.text), one_line=True, limit=LONGEST_TEXT).strip()
    said: dict[str, JSON] = {"state": found.state.value, "text": text}
    evidence = {**outcome.evidence, "verified": said}
    if found.state is not VerifyState.MISSING:
        return replace(outcome, evidence=evidence)
    words = f"Done, says the tool, but its own check does not find it. {text}".strip()
    error = Error(NOT_VERIFIED, words)
    return replace(outcome, status=OutcomeStatus.UNCERTAIN, error=error, evidence=evidence)
