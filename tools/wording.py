"""What a contract's words are called on pages: one table a kind of word, so that every page says the same. Pure.

Findings say some of it inside a sentence; that wording is the check's own, because it is stored with the ruling.
"""

from typing import Final

from tools.kinds import Category, IdempotencyClass, Tier

REACH: Final = {
    Tier.READ: "Only reads",
    Tier.DRAFT: "Makes a draft",
    Tier.WRITE: "Writes",
    Tier.DELETE: "Deletes",
    Tier.ADMIN: "Changes who may do what",
}
"""What a call does to the world, by its tier."""
TOUCHES: Final = {
    Category.MONEY: "Money",
    Category.DELETION: "Deletion",
    Category.LEGAL: "What binds legally",
    Category.PERSONAL_DATA: "Personal data",
    Category.ACCESS_RIGHTS: "Access rights",
    Category.OUTSIDE_MESSAGE: "Messages to people outside",
    Category.HIGH_STAKES: "High stakes",
}
"""What a call touches that people care about most."""
CLASSES: Final = {
    IdempotencyClass.KEYED: "Keyed: a repeat has no second effect",
    IdempotencyClass.QUERYABLE: "Queryable: can be asked what happened",
    IdempotencyClass.NEITHER: "Neither: never tried again",
}
"""What can be known about a call whose answer was lost."""
ON_FAILURE: Final = {
    IdempotencyClass.KEYED: "it is sent again under the same key, without a second effect",
    IdempotencyClass.QUERYABLE: "the tool is asked what happened before anything else",
    IdempotencyClass.NEITHER: "it is never sent again, and a person finds out",
}
"""What therefore becomes of it, as the end of a sentence."""
KINDS: Final = {
    "string": "Text", "integer": "Whole number", "number": "Number", "boolean": "Yes or no", "array": "List",
    "object": "Group", "null": "Nothing",
}  # fmt: skip
"""What kind of value an argument takes, by its schema's type."""


def span(seconds: int) -> str:
    """A number of seconds as people say it: 30 days, 1 hour, 90 s."""
    for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds and seconds % unit == 0:
            count = seconds // unit
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return f"{seconds} s"
