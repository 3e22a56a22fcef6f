"""Why people say no, in words that can be counted; and what each of them tells the planner. Pure."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Code:
    """One reason: what people pick, and what the planner is told beside their own words."""

    value: str
    words: str
    told: str


CODES: Final = (
    Code("wrong_target", "Wrong target", "It was aimed at the wrong record or person."),
    Code("wrong_value", "Wrong amount or value", "An amount or a value was wrong."),
    Code("wrong_tool", "Wrong tool", "This is the wrong tool for it."),
    Code("missing_information", "Information is missing", "Something was not known that has to be known first."),
    Code("duplicate", "It was done already", "The same was done or asked for already."),
    Code("not_needed", "Not needed", "It is not needed for the goal."),
    Code("not_allowed", "Not allowed", "It may not be done at all, whatever the arguments."),
    Code("other", "Something else", ""),
)
BY_VALUE: Final = {code.value: code for code in CODES}


def words(value: str) -> str:
    """What people read for a code; empty for none."""
    found = BY_VALUE.get(value)
    return found.words if found else ""


def told(value: str, reason: str) -> str:
    """What the planner is told about a no: the code's sentence, the person's own words, and not to try the same again.

    The person's words are theirs: they are data to the planner, and grant nothing.
    """
    found = BY_VALUE.get(value)
    return " ".join(filter(None, (found.told if found else "", reason.strip(), "Do not retry this call.")))
