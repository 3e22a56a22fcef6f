"""The hash chain over the record: what is hashed, in which order, and what a signature says. Pure.

Every organization has a chain of its own, so that its export can be verified without anybody else's rows. Events are
sealed in blocks of at most ``MOST``; a block keeps the hash of each of its events and is signed, which makes it a
checkpoint as well. The hashes are those of RFC 6962's idea, told apart by their first byte: a leaf can never pass for
a link. After a restore a new chain begins, with the next number.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

MOST: Final = 1000
"""Events in one block."""
FIELDS: Final = (
    "id",
    "organization",
    "at",
    "actor_kind",
    "actor",
    "actor_name",
    "verb",
    "subject_kind",
    "subject",
    "source",
    "target",
    "reason",
    "run",
    "trace_id",
    "span_id",
    "transaction",
    "digest",
)
"""An event's envelope, in the order in which it is hashed."""
SIGNED: Final = b"countersign-block-1\n"
"""Stands before what is signed, so that a signature of anything else can never pass for one of these."""

Envelope = Sequence[str | int | None]


def moment(at: datetime) -> str:
    """A time as envelopes and statements write it: UTC, to the microsecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


written = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode
"""JSON in the one form that is hashed and exported: no blanks, keys in order, ASCII alone for terminals' sake."""


def leaf(text: str) -> bytes:
    """The hash of one event, from its envelope as ``written``."""
    return hashlib.sha256(b"\0" + text.encode()).digest()


def genesis(organization: str, chain: int) -> bytes:
    """What stands before the first block of a chain."""
    return hashlib.sha256(b"\2" + written([organization, chain]).encode()).digest()


def linked(head: bytes, leaves: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The chain's head after these events: pairs of the id's 16 bytes and the leaf, in order."""
    for event, hashed in leaves:
        head = hashlib.sha256(b"\1" + head + event + hashed).digest()
    return head


SALT: Final = 16
"""Bytes of every salt. With any number of them, the beginning of a detail could pass for salt, unseen by its hash."""


def committed(salt: bytes, detail: str) -> str:
    """What an envelope's ``digest`` has to be for this salt and this detail; empty, which none is, for no such salt."""
    return hashlib.sha256(salt + detail.encode()).hexdigest() if len(salt) == SALT else ""


@dataclass(frozen=True)
class Statement:
    """What a signature vouches for: one block, and with it everything before it in its chain."""

    organization: str
    chain: int
    number: int
    """Of the block, from 1."""
    first: int
    """The place of its first event in the chain, from 1."""
    count: int
    previous: str
    """The chain's head before it, in hexadecimal."""
    head: str
    horizon: int
    """Every event of an earlier transaction than this had been sealed by then."""
    sealed_at: str
    kid: str
    """The name of the key."""

    def to_json(self) -> dict[str, str | int]:
        """The statement's fields."""
        return dict(self.__dict__)

    def message(self) -> bytes:
        """The bytes that are signed."""
        return SIGNED + written(self.to_json()).encode()
