"""Two runs side by side: their steps aligned by what was called, and what differs between them. Reads trails alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Final

from approvals.models import Decision
from lam_app.templatetags.look import ACTION, RUN
from lam_app.trail import ERASED, Trail, Turn

DECIDED: Final = {
    Decision.Verb.APPROVE: "approved",
    Decision.Verb.REJECT: "rejected",
    Decision.Verb.HAPPENED: "found that it happened",
    Decision.Verb.DID_NOT_HAPPEN: "found that it did not happen",
}

OF_CALLS: Final = frozenset(
    {"Model", "Model calls", "Tokens", "Model’s time", "Model’s certainty", "Left aside", "Calls without an answer"}
)
"""Rows that are read from the model's calls."""
STAYS: Final = frozenset({"Ended", "Agent and person", "Steps", "Tool", "Ruling", "Decided", "Outcome"})
"""Rows that an erasure leaves as they are."""


@dataclass(frozen=True)
class Row:
    """One thing that is said of both; ``weighs`` is False for what is never the same twice, like times."""

    name: str
    a: str
    b: str
    weighs: bool = True

    @property
    def differs(self) -> bool:
        """Whether it is marked."""
        return self.weighs and self.a != self.b


@dataclass(frozen=True)
class Pair:
    """A step of each run that stand beside each other, or one that has none beside it."""

    a: Turn | None
    b: Turn | None
    rows: list[Row]

    @property
    def differing(self) -> int:
        """How many things differ."""
        return sum(row.differs for row in self.rows)

    @property
    def alone(self) -> str:
        """Which run alone has it: a, b, or neither."""
        return "a" if self.b is None else "b" if self.a is None else ""


@dataclass(frozen=True)
class Compared:
    """Two runs: what is said of the whole of each, and their steps in pairs."""

    rows: list[Row]
    pairs: list[Pair]

    @property
    def differing(self) -> int:
        """How many pairs of steps differ in anything, or stand alone."""
        return sum(bool(pair.differing or pair.alone) for pair in self.pairs)


def compare(a: Trail, b: Trail) -> Compared:
    """Align the steps of two runs and say what differs. A step that only one of them has stands alone."""
    told = a.told and b.told
    pairs = [_pair(x, y, told=told) for x, y in _aligned(a.turns, b.turns)]
    return Compared(
        [_honest(row, a, b) for row in _whole(a, b, told=told)],
        [Pair(one.a, one.b, [_honest(row, a, b) for row in one.rows]) for one in pairs],
    )


def _honest(row: Row, a: Trail, b: Trail) -> Row:
    """The row, with what is gone said to be, and no difference made of that."""
    left, right = _gone(row.name, row.a, a), _gone(row.name, row.b, b)
    return Row(row.name, left or row.a, right or row.b, weighs=False) if left or right else row


def _gone(name: str, text: str, one: Trail) -> str:
    if name in OF_CALLS:
        return one.gone
    return "Erased" if one.erased and name not in STAYS and text in ("", ERASED) else ""


def _aligned(a: Sequence[Turn], b: Sequence[Turn]) -> list[tuple[Turn | None, Turn | None]]:
    """Steps that call the same tool stand beside each other, in order; what lies between is paired as it comes."""
    found: list[tuple[Turn | None, Turn | None]] = []
    for _, i, k, j, m in SequenceMatcher(None, [_tool(x) for x in a], [_tool(y) for y in b], False).get_opcodes():
        left, right = a[i:k], b[j:m]
        found.extend(zip_longest(left, right))
    return found


def _tool(turn: Turn) -> str:
    return turn.action.tool_name if turn.action else ""


def _whole(a: Trail, b: Trail, *, told: bool) -> list[Row]:
    rows = [
        Row("Goal", a.story.goal, b.story.goal),
        Row("Ended", RUN[a.run.status][0], RUN[b.run.status][0]),
        Row("Agent and person", _whose(a), _whose(b)),
        Row("Steps", str(len(a.turns)), str(len(b.turns))),
        Row("Report’s claim", _claim(a), _claim(b)),
        Row("Problem", a.run.problem, b.run.problem),
    ]
    if told:
        rows += [
            Row("Model", _models(a), _models(b)),
            Row("Model calls", str(len(a.calls)), str(len(b.calls))),
            Row("Tokens", str(a.tokens), str(b.tokens), weighs=False),
            Row("Model’s time", f"{a.seconds_asking} s", f"{b.seconds_asking} s", weighs=False),
        ]
    return [row for row in rows if row.a or row.b]


def _whose(one: Trail) -> str:
    return f"{one.run.agent.name} for {one.run.initiator.username}"


def _claim(one: Trail) -> str:
    return one.story.report.claim if one.story.report else ""


def _models(one: Trail) -> str:
    return ", ".join(sorted({f"{each.call.model} {each.call.model_version}".strip() for each in one.calls}))


def _pair(a: Turn | None, b: Turn | None, *, told: bool) -> Pair:
    if a is None or b is None:
        return Pair(a, b, [])
    rows = [Row("Tool", _tool(a), _tool(b)), *_arguments(a, b)]
    if told:
        rows += [
            Row("Model’s certainty", _certainty(a), _certainty(b)),
            Row("Left aside", _aside(a), _aside(b)),
            Row("Calls without an answer", str(len(a.failed) or ""), str(len(b.failed) or "")),
        ]
    rows += [
        Row("Ruling", _ruling(a), _ruling(b)),
        Row("Decided", _decided(a), _decided(b)),
        Row("Outcome", _outcome(a), _outcome(b)),
        Row("Checked afterwards", _checked(a), _checked(b)),
    ]
    return Pair(a, b, [row for row in rows if row.a or row.b])


def _arguments(a: Turn, b: Turn) -> list[Row]:
    left, right = ({one.path: one for one in turn.arguments} for turn in (a, b))
    return [
        Row(
            (left.get(path) or right[path]).label,
            left[path].text if path in left else "",
            right[path].text if path in right else "",
        )
        for path in [*left, *(path for path in right if path not in left)]
    ]


def _certainty(turn: Turn) -> str:
    percent = turn.call.chosen_percent if turn.call else None
    return "" if percent is None else f"{percent} %"


def _aside(turn: Turn) -> str:
    return ", ".join(str(one.get("tool", "")) for one in turn.call.call.candidates) if turn.call else ""


def _ruling(turn: Turn) -> str:
    if not turn.rulings:
        return ""
    last = turn.rulings[-1]
    asked = [one["name"] for one in last.findings if one.get("verdict") in ("review", "deny")]
    return f"{last.verdict}: {', '.join(asked)}" if asked else last.verdict


def _decided(turn: Turn) -> str:
    return ", ".join(f"{one.decider.username} {DECIDED[Decision.Verb(one.verb)]}" for one in turn.decisions)


def _outcome(turn: Turn) -> str:
    return ACTION[turn.action.status][0] if turn.action else ""


def _checked(turn: Turn) -> str:
    return turn.answered.checked if turn.answered else ""
