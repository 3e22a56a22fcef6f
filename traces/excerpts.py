"""Parts of an organization's record that verify by themselves: some days of it, or what belongs to one decision. Pure.

An excerpt has whole blocks, each with its signature and the hashes of all of its events, so that every event in it is
proven to stand where it stands. What the excerpt covers is signed as well: nobody can make a smaller one of it. A
``whole`` excerpt has consecutive blocks with all their events; another has single blocks and of those the events that
it is about.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from traces.chain import Statement, written
from traces.exceptions import ExportBroken
from traces.verifier import Problem, Report, Signed, Verifier

FORMAT: Final = "countersign-excerpt-1"
SIGNED: Final = b"countersign-excerpt-1\n"
"""Stands before what is signed, so that no signature of anything else can pass for one of these."""
Place = tuple[int, int]
"""Chain and number of a block."""


@dataclass(frozen=True)
class Excerpt:
    """What an excerpt covers."""

    organization: str
    whole: bool
    first: Place
    last: Place
    blocks: int
    events: int
    erased: tuple[str, ...]
    """Events of it whose detail had been erased when it was made; their erasure may be told outside of it."""
    kid: str

    def to_json(self) -> dict[str, Any]:
        """The fields, as they are signed."""
        lists = {"first": list(self.first), "last": list(self.last), "erased": list(self.erased)}
        return {"format": FORMAT, **self.__dict__, **lists}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Excerpt":
        """Raises ValueError, TypeError or KeyError for anything that is not what ``to_json`` writes."""
        fields = dict(said)
        if fields.pop("format") != FORMAT:
            raise ValueError("another format")
        pairs = {name: (int(fields[name][0]), int(fields[name][1])) for name in ("first", "last")}
        found = cls(**{**fields, **pairs, "erased": tuple(fields["erased"])})
        if found.to_json() != said or str(uuid.UUID(found.organization)) != found.organization:
            raise ValueError("written in another way")
        return found

    def message(self) -> bytes:
        """The bytes that are signed."""
        return SIGNED + written(self.to_json()).encode()


class ExcerptVerifier(Verifier):
    """An excerpt, read from its first block to its last."""

    def __init__(
        self, excerpt: Excerpt, signature: bytes, signed: Signed, *, outside: Mapping[Place, str] | None = None
    ) -> None:
        """``outside`` are checkpoints; those of blocks that are no part of the excerpt are not missed."""
        super().__init__(excerpt.organization, signed, outside=outside or {})
        self._excerpt, self._at = excerpt, (0, 0)
        if not signed(excerpt.kid, signature, excerpt.message()):
            self.report.say(Problem("what the excerpt covers is not signed by a key that is known", 0, 0))

    def block(self, statement: Statement, signature: bytes, rows: list[tuple[bytes, bytes]]) -> None:
        """The next block. What stands before the first one is outside, and so is what lies between single ones."""
        place = (statement.chain, statement.number)
        begins = not self.report.blocks
        if (begins and place == self._excerpt.first) or (not self._excerpt.whole and place > self._at):
            self._missing_before(len(self._rows))
            if statement.number > 1 and place != (self._chain, self._number + 1):
                self.report.chains += statement.chain != self._chain
                self._chain, self._number, self._place = statement.chain, statement.number - 1, statement.first - 1
                self._head, self._sealed_at = bytes.fromhex(statement.previous), None
            self._rows, self._next = [], 0
        super().block(statement, signature, rows)
        self._at = place

    def end(self) -> Report:
        """After the last event: whether the excerpt is as large as it says."""
        self._outside = {}
        self._erasures |= set(self._excerpt.erased)
        report, told = super().end(), self._excerpt
        if self._at != told.last or report.blocks != told.blocks or report.events != told.events:
            report.say(Problem("the excerpt does not end where it says that it ends", self._chain, 0))
        return report

    def _missing_before(self, at: int) -> None:
        if self._excerpt.whole:
            super()._missing_before(at)
        else:
            self._next = at


def header(excerpt: Excerpt, signature: bytes) -> str:
    """The first line of an excerpt."""
    return written({"excerpt": excerpt.to_json(), "signature": signature.hex()}) + "\n"


def opened(said: Mapping[str, Any]) -> tuple[Excerpt, bytes]:
    """The same, read. Raises ExportBroken."""
    try:
        signature = bytes.fromhex(said["signature"])
        if signature.hex() != said["signature"]:
            raise ValueError("written in another way")
        return Excerpt.from_json(said["excerpt"]), signature
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as wrong:
        raise ExportBroken("line 1: this is not an excerpt of the record in a form that is known") from wrong
