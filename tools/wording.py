"""What a contract's words are called on pages: one table a kind of word, so that every page says the same. Pure.

Findings say some of it inside a sentence; that wording is the check's own, because it is stored with the ruling.
"""

import re
from decimal import Decimal
from typing import Final

from tools.kinds import Category, IdempotencyClass, Tier

APART: Final = "\u202f"
"""Between the threes of a figure: narrow, and no line breaks there."""
_FIGURE: Final = re.compile(r"^([-+\u2212]?)(\d{5,})((?:\.\d+)?(?: [A-Z]{3})?)$")
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


def counted(number: Decimal | int) -> str:
    """So many calls, as people say it: 1 call, 20 calls."""
    return f"{Decimal(number):f} {'call' if number == 1 else 'calls'}"


def grouped(figure: str) -> str:
    """The digits of a figure in threes where there are five or more before the point: 1 000 000.00.

    They stand apart by a narrow space that no line breaks at, which means a thousand in every country. Text that is no
    plain figure stays as it is, and what is hashed and sent is never this.
    """
    found = _FIGURE.match(figure)
    if found is None:
        return figure
    sign, whole, rest = found.groups()
    head = len(whole) % 3
    parts = [whole[:head]] if head else []
    return sign + APART.join([*parts, *(whole[at : at + 3] for at in range(head, len(whole), 3))]) + rest


def span(seconds: int) -> str:
    """A number of seconds as people say it: 30 days, 1 hour, 90 s."""
    for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds and seconds % unit == 0:
            count = seconds // unit
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return f"{seconds} s"
