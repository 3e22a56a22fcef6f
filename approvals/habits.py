"""Whether somebody decides or stamps: a pure judgement over a person's decisions, with stated thresholds.

Kindly: one fast yes says nothing, and neither does one canary that was let through. Only a share counts, and only once
there are enough decisions that chance does not explain it. A share is called more than half when the lower end of its
Wilson interval (95 %) is above one half: 20 of 20, 31 of 45, 4 of 4.

Four patterns are told of, each for itself:

* ``hasty``: of the newest WINDOW decisions at least LEAST are approvals, and more than half of these came faster than
  anybody reads (``reading_seconds``), or without the card having been open at all.
* ``unopened``: of those approvals at least LEAST had folded values, and on none of them a single one was opened.
* ``canaries``: more than half of the canaries that came before this person were approved.
* ``never_no``: not one no among NEVER decisions, and a canary among what was approved; or half of ten approvals were
  hasty, and a canary was among them.

What was decided together, in a table of like requests, has the table's time: hasty is who decides on a table faster
than one request of it is read. Of one press no more than TOGETHER rows count for haste, so that no single one says
anything; where nothing says how old the table was, none counts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from math import sqrt
from typing import Final

WINDOW: Final = 50
"""Decisions in which haste is looked for, the newest."""
LEAST: Final = 20
"""Approvals below which nothing is said about haste."""
FEW: Final = 10
"""Approvals that say enough where a canary was among them."""
NEVER: Final = 200
"""Decisions without a no that are remarkable where a canary was among them."""
MOST: Final = 500
"""Decisions that are looked at, the newest."""
TOGETHER: Final = 5
"""Rows of one table that count for haste, at most."""
CHARACTERS_A_SECOND: Final = 60.0
"""About 700 words a minute, which is three times as fast as people read."""
LEAST_SECONDS, MOST_SECONDS = 1.5, 20.0
"""Reading takes at least so long, however short the card is; above the second figure nobody is called hasty."""
Z: Final = 1.96


@dataclass(frozen=True, slots=True)
class Judgement:
    """One decision of a person, and how it came about."""

    approved: bool
    seconds: float | None
    """From the opening of the card, or of the table, to the decision; None where nothing was open."""
    characters: int
    """Of what was shown: the sentence and the arguments."""
    folds: int = 0
    opened: int = 0
    canary: bool = False
    among: int = 0
    """Of a table of like requests, how many were decided at once; 0: this one alone."""


@dataclass(frozen=True, slots=True)
class Habit:
    """What a person's decisions look like together."""

    decisions: int
    approvals: int
    """Of the newest WINDOW that count for haste, those that were yes."""
    noes: int
    """Of all that were looked at."""
    hasty: int
    """Of ``approvals``, those that came faster than reading."""
    folded: int
    """Of ``approvals``, those whose card had folded values; a table has no folds."""
    unopened: int
    """Of ``folded``, those on which nothing was opened."""
    together: int
    """Of all that were looked at, those that were decided with others in one press."""
    median: float | None
    """Seconds on a card, of all that were looked at."""
    canaries: int
    canaries_approved: int
    patterns: tuple[str, ...]
    """What is remarkable, in the order of this module's head; empty for most people."""

    @property
    def flagged(self) -> bool:
        """Whether an auditor should talk with this person."""
        return bool(self.patterns)


def reading_seconds(characters: int) -> float:
    """How long reading so many characters takes the fastest reader."""
    return min(MOST_SECONDS, LEAST_SECONDS + characters / CHARACTERS_A_SECOND)


def hasty(one: Judgement) -> bool:
    """Whether a yes came faster than anybody reads; of a table, faster than one of its rows would be read alone."""
    return one.approved and (one.seconds is None or one.seconds < reading_seconds(one.characters))


def timed(judgements: Iterable[Judgement]) -> Iterator[Judgement]:
    """Those that count for haste. Rows of one press stand beside each other and have one and the same time."""
    for press, rows in groupby(judgements, key=lambda one: (one.among, one.seconds) if one.among else None):
        if press is None:
            yield from rows
        elif press[1] is not None:
            yield from islice(rows, TOGETHER)


def habit(judgements: Iterable[Judgement]) -> Habit:
    """The habit in a person's decisions, given newest first. Those beyond MOST are not looked at."""
    every = list(judgements)[:MOST]
    newest = list(islice(timed(every), WINDOW))
    yes = [one for one in newest if one.approved]
    fast = sum(map(hasty, yes))
    folded = [one for one in yes if one.folds and not one.among]  # a table unfolds nothing
    closed = sum(1 for one in folded if not one.opened)
    canaries = [one for one in every if one.canary]
    missed = sum(1 for one in canaries if one.approved)
    missed_lately = any(one.canary for one in yes)
    times = sorted(one.seconds for one in every if one.seconds is not None and not one.among)
    found = {
        "hasty": len(yes) >= LEAST and more_than_half(fast, len(yes)),
        "unopened": len(folded) >= LEAST and closed == len(folded),
        "canaries": more_than_half(missed, len(canaries)),
        "never_no": (len(every) >= NEVER and missed > 0 and all(one.approved for one in every[:NEVER]))
        or (len(yes) >= FEW and missed_lately and 2 * fast >= len(yes)),
    }
    return Habit(
        decisions=len(every),
        approvals=len(yes),
        noes=sum(1 for one in every if not one.approved),
        hasty=fast,
        folded=len(folded),
        unopened=closed,
        together=sum(1 for one in every if one.among),
        median=times[len(times) // 2] if times else None,
        canaries=len(canaries),
        canaries_approved=missed,
        patterns=tuple(name for name, there in found.items() if there),
    )


def more_than_half(part: int, whole: int) -> bool:
    """Whether a share is above one half beyond chance."""
    return wilson_lower(part, whole) > 0.5


def wilson_lower(part: int, whole: int) -> float:
    """The lower end of the Wilson interval (95 %) of a share; 0 where there is nothing."""
    if not whole:
        return 0.0
    share = part / whole
    middle = share + Z * Z / (2 * whole)
    spread = Z * sqrt(share * (1 - share) / whole + Z * Z / (4 * whole * whole))
    return (middle - spread) / (1 + Z * Z / whole)
