"""What notices say. Only these sentences, a tool's title, a risk and a name: no argument ever gets here. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tools.text import display

LONGEST_NAME: Final = 60
"""Characters of a tool's title or of a person's name."""
RISKS: Final = ("low", "medium", "high")
"""Mildest first. What is of no tool has none."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of notice."""

    says: str
    """The sentence; ``{tool}``, ``{who}`` and ``{why}`` are all that it may name."""
    lasts: frozenset[str] = frozenset()
    """The statuses of its action while it is still worth saying; none where it always is."""
    urgent: bool = False
    """Whether it is said at once, whatever was said just before."""
    own: bool = False
    """Whether it tells whoever asked what became of it."""
    icon: str = "info"
    many: str = "{count} notices"
    """The sentence for several at once."""


_WAITING: Final = frozenset({"in_review"})
KINDS: Final[Mapping[str, Kind]] = {
    "waits": Kind("{tool} waits for a decision, for {who}", _WAITING, icon="inbox", many="{count} requests wait"),
    "leaving": Kind(
        "{tool} leaves by itself unless somebody objects, for {who}", frozenset({"scheduled"}), icon="hourglass"
    ),
    "expiring": Kind("{tool} runs out soon, and nobody has decided, for {who}", _WAITING, icon="hourglass"),
    "escalated": Kind("{tool} is escalated by {who}", _WAITING, icon="flag"),
    "escalated_high": Kind("{tool} is escalated by {who}", _WAITING, urgent=True, icon="flag"),
    "brought": Kind("{tool} waits and nobody has taken it, for {who}", _WAITING, icon="flag"),
    "brought_high": Kind("{tool} waits and nobody has taken it, for {who}", _WAITING, urgent=True, icon="flag"),
    "handed": Kind("{who} handed {tool} to you", frozenset({"in_review", "uncertain"}), icon="circle-user"),
    "stuck": Kind("Nobody can decide on {tool}, for {who}", _WAITING, icon="users"),
    "unknown": Kind(
        "Nobody knows whether {tool} happened, for {who}", frozenset({"uncertain"}), icon="circle-question-mark"
    ),
    "stopped": Kind("{why}, by {who}", urgent=True, icon="octagon-minus"),
    "asked": Kind("{who} asks you about {tool}", _WAITING, own=True, icon="message-square"),
    "done": Kind("{tool} is done", own=True, icon="check"),
    "approved": Kind("{tool} was approved by {who} and is done", own=True, icon="check"),
    "rejected": Kind("{tool} was rejected by {who}: {why}", own=True, icon="hand"),
    "expired": Kind("{tool} expired: nobody decided in time", own=True, icon="hourglass"),
    "failed": Kind("{tool} failed: nothing was done", own=True, icon="x"),
    "uncertain": Kind("Nobody knows yet whether {tool} happened", own=True, icon="circle-question-mark"),
    "halted": Kind("{tool} was halted by a stop", own=True, icon="octagon-minus"),
    "run_succeeded": Kind("Your run has succeeded", own=True, icon="check"),
    "run_failed": Kind("Your run has failed", own=True, icon="x"),
    "run_needs_input": Kind("Your run asks you something", own=True, icon="message-square"),
    "run_needs_human": Kind("Your run needs a person", own=True, icon="circle-user"),
    "run_cancelled": Kind("Your run was cancelled by {who}", own=True, icon="ban"),
    "run_halted": Kind("Your run was halted by a stop", own=True, icon="octagon-minus"),
    "run_undone": Kind("Your run was taken back", own=True, icon="undo-2"),
    "trial": Kind("This is a test. Notices reach you here", urgent=True, icon="bell"),
}
"""Every sort of notice there is."""


def title(kind: str, *, tool: str = "", who: str = "", why: str = "") -> str:
    """The sentence of a notice, on one line. ``why`` is one of our own words, never a person's.

    Raises KeyError for a kind that there is not.
    """
    words = {"tool": plain(tool) or "A call", "who": plain(who) or "somebody", "why": why}
    said = KINDS[kind].says.format_map(words)
    return said[:1].upper() + said[1:]


def plain(name: str) -> str:
    """A title or name on one line, odd characters visible, cut where it is long."""
    return display(name, one_line=True, limit=LONGEST_NAME).strip()


def risk_words(risk: str) -> str:
    """How risky, as the end of a line; nothing where there is no risk."""
    return f"{risk} risk" if risk in RISKS else ""


def headline(titles: list[str], risk: str, count: int) -> str:
    """What stands above a letter of one notice, or of several that were gathered."""
    if count > 1:
        return f"{count} notices, the first: {titles[0]}" if titles else f"{count} notices"
    first, how = titles[0] if titles else "Notice", risk_words(risk)
    return f"{first} ({how})" if how else first


def reaches(least: str, risk: str) -> bool:
    """Whether a route that begins at ``least`` takes what has this risk. What has none goes with the mildest."""
    return RISKS.index(least) <= (RISKS.index(risk) if risk in RISKS else 0)
