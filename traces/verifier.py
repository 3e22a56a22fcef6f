"""Verifying the record: is every event as it was sealed, is none missing, none too many, and nothing cut off? Pure.

It trusts the public keys that it is given, and where it is given them the checkpoints that were kept outside the
database, and nothing else. It is fed in the order of the chain: a block, then that block's events.
"""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from traces.chain import Envelope, Statement, committed, genesis, leaf, linked, moment

Signed = Callable[[str, bytes, bytes], bool]
"""Whether the key of this name made this signature (64 bytes) of this message."""
BACKDATED: Final = timedelta(hours=6)
"""How much earlier than the seal before it an event may have been written: no transaction runs as long."""
MOST_PROBLEMS: Final = 100
"""How many problems are told; all are counted."""
PERIOD: Final = re.compile(r"([0-9]{1,9}) details from before (\S{32})")
"""The reason of an event that tells of a forgetting by age: how many details went, and from before when."""


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it was sealed. The first is the first bad row, in the order of the chain."""

    what: str
    """In words: changed, missing, out of order, not sealed, cut off, …"""
    chain: int
    position: int
    """The event's place in its chain, from 1; for a block the place of its first event; 0 where it has none."""
    event: str = ""

    def __str__(self) -> str:
        place = f"chain {self.chain}, place {self.position}" if self.position else f"chain {self.chain}"
        said = f"{place}: {self.what}" + (f" (event {self.event})" if self.event else "")
        # An export may be anybody's: its words move no cursor and begin no line of their own.
        return "".join(letter if letter.isprintable() else "?" for letter in said)


@dataclass
class Report:
    """What was found, and how much of it was looked at."""

    organization: str
    events: int = 0
    blocks: int = 0
    chains: int = 0
    erased: int = 0
    """Events whose detail was erased, as the record itself says."""
    problems: list[Problem] = field(default_factory=list)
    found: int = 0
    """Problems, those that are not told included."""
    checkpoints: int = 0
    """How many blocks were held against a checkpoint from outside."""

    @property
    def intact(self) -> bool:
        """Whether nothing at all is wrong."""
        return not self.found

    def say(self, problem: Problem) -> None:
        """Note one problem."""
        self.found += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)


class Verifier:
    """One organization's record, read from its first block to its last."""

    def __init__(self, organization: str, signed: Signed, *, outside: Mapping[tuple[int, int], str]) -> None:
        """``outside``: chain and number of each block that a checkpoint tells of, and the head that it states."""
        self.report = Report(organization)
        self._signed = signed
        self._outside = dict(outside)
        self._chain, self._number, self._place = 0, 0, 0
        self._head = b""
        self._sealed_at: datetime | None = None
        self._since: str | None = None
        self._rows: list[tuple[bytes, bytes]] = []
        self._places: dict[str, int] = {}
        self._first, self._next = 0, 0
        self._bare: list[tuple[int, str, str]] = []
        self._erasures: set[str] = set()
        self._periods: dict[str, tuple[str, int]] = {}

    def block(self, statement: Statement, signature: bytes, rows: list[tuple[bytes, bytes]]) -> None:
        """The next block: what it states, its signature, and the id and hash of each of its events."""
        self._missing_before(len(self._rows))
        self.report.blocks += 1
        if statement.chain != self._chain:
            if statement.chain < self._chain:
                self._say("a block of an earlier chain", statement)
            self.report.chains += 1
            self._chain, self._number, self._place = statement.chain, 0, 0
            self._head = genesis(self.report.organization, statement.chain)
            self._sealed_at = None
        if statement.organization != self.report.organization:
            self._say("a block of another organization", statement)
        if statement.number != self._number + 1:
            self._say(f"block {self._number + 1} is missing, {statement.number} follows", statement)
        elif statement.first != self._place + 1 or statement.previous != self._head.hex():
            self._say(f"block {statement.number} does not follow the one before it", statement)
        head = linked(bytes.fromhex(statement.previous), rows)
        if statement.count != len(rows) or statement.head != head.hex():
            self._say(f"block {statement.number} was changed", statement)
        if not self._signed(statement.kid, signature, statement.message()):
            self._say(f"block {statement.number} is not signed by a key that is known", statement)
        kept = self._outside.pop((statement.chain, statement.number), None)
        if kept is not None:
            self.report.checkpoints += 1
            if kept != statement.head:
                self._say(f"block {statement.number} is another one than the checkpoint outside tells of", statement)
        before, self._sealed_at = self._sealed_at, datetime.fromisoformat(statement.sealed_at)
        self._since = moment(before - BACKDATED) if before else None
        self._number, self._place = statement.number, statement.first + statement.count - 1
        self._head = bytes.fromhex(statement.head)
        self._rows, self._first, self._next = rows, statement.first, 0
        self._places = {str(uuid.UUID(bytes=row[0])): at for at, row in enumerate(rows)}

    def event(self, envelope: Envelope, text: str, salt: bytes | None, detail: str | None) -> None:
        """The next event of the block that was given last, and its envelope as ``written``.

        Salt and detail are None where they were erased.
        """
        told = str(envelope[0])
        at = self._places.get(told)
        if at is None:
            self.stray(told)
            return
        if at < self._next:
            self._tell("the event is out of order, or there twice", self._first + at, told)
            return
        self._missing_before(at)
        self._next = at + 1
        self.report.events += 1
        position = self._first + at
        if leaf(text) != self._rows[at][1]:
            self._tell("the event was changed", position, told)
        elif envelope[1] != self.report.organization:
            self._tell("an event of another organization", position, told)
        elif self._since is not None and str(envelope[2]) < self._since:  # both are written alike
            self._tell("written long before what was sealed before it", position, told)
        if salt is None and detail is None:
            self._bare.append((position, told, str(envelope[2])))
        elif salt is None or detail is None or committed(salt, detail) != envelope[16]:
            self._tell("the event’s detail was changed", position, told)
        self._heed(envelope)

    def unsealed(self, envelope: Envelope) -> None:
        """An event behind the last block that was given: all that is taken from it is what it tells to be forgotten.

        It is sealed in a moment, and verified from then on.
        """
        self._heed(envelope)

    def stray(self, event: str) -> None:
        """An event that the database holds, that should have been sealed by now, and that no block knows."""
        self._tell("an event that was never sealed here", 0, event)

    def end(self) -> Report:
        """After the last event: what is still missing is said."""
        self._missing_before(len(self._rows))
        untold = [(at, event) for _, event, at in self._bare if event not in self._erasures]
        unexplained = outlived(untold, [*self._periods.values()])
        for position, event, _ in self._bare:
            if event not in unexplained:
                self.report.erased += 1
            else:
                self._tell("the event’s detail is gone, and nothing tells of its erasure", position, event)
        for chain, number in sorted(self._outside):
            self.report.say(
                Problem(f"block {number} is cut off: a checkpoint outside the database tells of it", chain, 0)
            )
        return self.report

    def _heed(self, envelope: Envelope) -> None:
        """Note which detail, or how many from before when, an event tells to be forgotten. Twice counts as once."""
        if envelope[6] == "erased" and envelope[7] == "event":
            self._erasures.add(str(envelope[8]))
        elif envelope[6] == "retention_forgot" and (period := PERIOD.fullmatch(str(envelope[11]))):
            self._periods[str(envelope[0])] = (period[2], int(period[1]))

    def _missing_before(self, at: int) -> None:
        """Say which events of this block should have come before the one at this place."""
        for missing in range(self._next, at):
            event = str(uuid.UUID(bytes=self._rows[missing][0]))
            self._tell("the event is missing", self._first + missing, event)
        self._next = at

    def _say(self, what: str, statement: Statement) -> None:
        self.report.say(Problem(what, statement.chain, statement.first))

    def _tell(self, what: str, position: int, event: str) -> None:
        self.report.say(Problem(what, self._chain, position, event))


def outlived(bare: list[tuple[str, str]], periods: list[tuple[str, int]]) -> set[str]:
    """Which of these events, each with its time, no forgetting by age accounts for.

    Each of ``periods`` accounts for so many events from before a time, and for none that is younger: the youngest are
    given the periods that reach furthest, so that one detail too many is found wherever it was.
    """
    waiting = sorted(periods)
    left, unexplained = 0, set()
    for at, event in sorted(bare, reverse=True):
        while waiting and waiting[-1][0] > at:
            left += waiting.pop()[1]
        if left:
            left -= 1
        else:
            unexplained.add(event)
    return unexplained
