"""The words a tool's contract is written in. Pure, and importable by the deciding modules without anything else."""

from enum import StrEnum


class Ranked(StrEnum):
    """Words in order, lowest first: compared by their place, never by their spelling."""

    rank: int

    def __init__(self, _word: str) -> None:
        # Members are made one after the other, and each is entered behind the last.
        self.rank = len(type(self)._member_names_)

    def _place(self, other: object) -> int:
        if type(other) is not type(self):
            raise TypeError(f"{self!r} has no order with {other!r}")
        return other.rank

    def __lt__(self, other: str) -> bool:
        return self.rank < self._place(other)

    def __le__(self, other: str) -> bool:
        return self.rank <= self._place(other)

    def __gt__(self, other: str) -> bool:
        return self.rank > self._place(other)

    def __ge__(self, other: str) -> bool:
        return self.rank >= self._place(other)


class Tier(Ranked):
    """How deep a tool reaches; a party's tier is the deepest it may use."""

    READ = "read"
    DRAFT = "draft"
    """Makes something that nobody outside sees and that is thrown away without loss."""
    WRITE = "write"
    DELETE = "delete"
    ADMIN = "admin"
    """Changes who may do what."""


class Risk(Ranked):
    """Computed by the gate, never taken from an agent."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Maturity(StrEnum):
    """A tool's dial: how much a person is asked."""

    IN_THE_LOOP = "in_the_loop"
    """A person approves each call."""
    ON_THE_LOOP = "on_the_loop"
    """It runs after a veto window in which a person may stop it."""
    AUDIT_ONLY = "audit_only"
    """It runs; samples are read afterwards."""


class IdempotencyClass(StrEnum):
    """What can be known about a call whose answer was lost."""

    KEYED = "keyed"
    """The tool honours our key for a stated time: the same call again has no second effect."""
    QUERYABLE = "queryable"
    """The tool can be asked what happened to our key."""
    NEITHER = "neither"
    """Nothing: the call is never repeated, and a person looks."""


class Category(StrEnum):
    """What a call touches that people care about most; each keeps a tool in the loop until lifted with a reason."""

    MONEY = "money"
    DELETION = "deletion"
    LEGAL = "legal"
    PERSONAL_DATA = "personal_data"
    ACCESS_RIGHTS = "access_rights"
    OUTSIDE_MESSAGE = "outside_message"
    HIGH_STAKES = "high_stakes"


class OutcomeStatus(StrEnum):
    """How a call ended, as far as is known."""

    DONE = "done"
    FAILED = "failed"
    """It is known that there was no effect, or that the tool refused."""
    UNCERTAIN = "uncertain"
    """Nobody knows yet whether there was an effect."""
