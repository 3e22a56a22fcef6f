"""Where each argument comes from, as a reviewer is told: by the facts that the revision was judged with. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from approvals.policy.evidence import Source

WORDS: Final[Mapping[str, str]] = {
    Source.GOAL: "Written in the goal",
    Source.RECORD: "Trusted record",
    Source.MEMORY: "Accepted memory",
    Source.PERSON: "Written by a reviewer",
    Source.OUTSIDE: "Text from outside",
    Source.UNKNOWN: "Nobody knows where from",
}
"""What a source is called on the card. A word that this version does not know is read as one that nobody knows."""
SAID_ALREADY: Final = frozenset({"the goal"})
DOUBTFUL: Final = frozenset({Source.OUTSIDE, Source.UNKNOWN})
VOUCHED: Final = frozenset({Source.GOAL, Source.RECORD, Source.PERSON, Source.MEMORY})


@dataclass(frozen=True)
class Sourced:
    """Where one value comes from, and what shows it."""

    source: str
    words: str
    told: str = ""

    @property
    def doubtful(self) -> bool:
        """Whether to look at the value twice."""
        return self.source in DOUBTFUL


UNTOLD: Final = Sourced("untold", "Not told where this comes from")
"""What is said where nothing was reported: it is neither trusted nor doubted."""


def sourced(path: str, provenance: Iterable[Mapping[str, Any]]) -> Sourced:
    """Where the value at a path comes from: the report that names the longest part of the path counts."""
    best: Mapping[str, Any] | None = None
    for one in provenance:
        at = str(one["path"])
        covers = at in {"", path} or path.startswith((f"{at}.", f"{at}["))
        if covers and (best is None or len(at) >= len(str(best["path"]))):
            best = one
    if best is None:
        return UNTOLD
    source = best["source"] if best["source"] in WORDS else Source.UNKNOWN
    told = str(best.get("told") or "")
    # The words say it already where there is nothing more to tell.
    return Sourced(str(source), WORDS[source], "" if told in SAID_ALREADY else told)
