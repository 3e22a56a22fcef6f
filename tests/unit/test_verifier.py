"""The verifier, guard by guard: each thing that can be wrong with a record is said, at its place."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from traces.chain import Statement, committed, genesis, leaf, linked, moment, written
from traces.verifier import BACKDATED, Report, Verifier

HERE, ELSEWHERE = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SALT, DETAIL = b"s" * 16, '{"n":1}'


@dataclass(frozen=True)
class Sealed:
    """A block as it is fed: what it states, its signature, its rows, and its events."""

    statement: Statement
    signature: bytes
    rows: list[tuple[bytes, bytes]]
    events: list[list[str | int | None]]


def signature_of(statement: Statement) -> bytes:
    """Stands in for a signature here: only who knows how may make it."""
    return hashlib.sha512(statement.message()).digest()


def event(number: int, *, at: datetime = NOON, organization: str = HERE, verb: str = "noted") -> list[str | int | None]:
    """An envelope."""
    subject = str(uuid.UUID(int=1000 + number))
    return [
        str(uuid.UUID(int=100 + number)), organization, moment(at), "system", None, "tester", verb, "event", subject,
        "", "", "", None, "", "", 7, committed(SALT, DETAIL),
    ]  # fmt: skip


def sealed(*events: list[str | int | None], after: Sealed | None = None, **changes: str | int) -> Sealed:
    """These events as the next block behind another one."""
    rows = [(uuid.UUID(str(one[0])).bytes, leaf(written(one))) for one in events]
    before = after.statement if after else None
    previous = bytes.fromhex(before.head) if before else genesis(HERE, 1)
    statement = Statement(
        organization=HERE, chain=1, number=before.number + 1 if before else 1,
        first=before.first + before.count if before else 1, count=len(rows), previous=previous.hex(),
        head=linked(previous, rows).hex(), horizon=9, sealed_at=moment(NOON), kid="key",
    )  # fmt: skip
    statement = replace(statement, **changes)  # type: ignore[arg-type]
    return Sealed(statement, signature_of(statement), rows, list(events))


def verified(*blocks: Sealed, outside: dict[tuple[int, int], str] | None = None, bare: tuple[int, ...] = ()) -> Report:
    """Feed blocks; the details of these event numbers are gone."""
    verifier = Verifier(
        HERE, lambda _, signature, message: signature == hashlib.sha512(message).digest(), outside=outside or {}
    )
    for block in blocks:
        verifier.block(block.statement, block.signature, block.rows)
        for one in block.events:
            gone = uuid.UUID(str(one[0])).int - 100 in bare
            verifier.event(one, written(one), None if gone else SALT, None if gone else DETAIL)
    return verifier.end()


def said(report: Report) -> list[tuple[str, int]]:
    """What was wrong, and where."""
    return [(problem.what, problem.position) for problem in report.problems]


FIRST = sealed(event(1), event(2))
SECOND = sealed(event(3), event(4), after=FIRST)


def test_what_is_as_it_was_sealed_is_intact() -> None:
    report = verified(FIRST, SECOND, outside={(1, 2): SECOND.statement.head})
    assert (said(report), report.events, report.blocks, report.checkpoints) == ([], 4, 2, 1)


def test_a_block_of_another_organization_is_told_although_it_is_signed() -> None:
    assert ("a block of another organization", 1) in said(verified(sealed(event(1), organization=ELSEWHERE)))


def test_an_event_of_another_organization_is_told_although_it_was_sealed() -> None:
    assert said(verified(sealed(event(1, organization=ELSEWHERE)))) == [("an event of another organization", 1)]


def test_a_block_that_is_missing_is_told() -> None:
    assert ("block 1 is missing, 2 follows", 3) in said(verified(SECOND))


@pytest.mark.parametrize("changes", [{"first": 4}, {"previous": genesis(HERE, 1).hex()}])
def test_a_block_that_does_not_follow_is_told(changes: dict[str, str | int]) -> None:
    second = sealed(event(3), event(4), after=FIRST, **changes)
    assert ("block 2 does not follow the one before it", second.statement.first) in said(verified(FIRST, second))


@pytest.mark.parametrize("changes", [{"count": 3}, {"head": "00" * 32}])
def test_a_block_whose_hashes_do_not_make_its_head_is_told(changes: dict[str, str | int]) -> None:
    assert ("block 1 was changed", 1) in said(verified(sealed(event(1), event(2), **changes)))


def test_a_signature_that_does_not_hold_is_told() -> None:
    forged = replace(FIRST, signature=b"\0" * 64)
    assert said(verified(forged)) == [("block 1 is not signed by a key that is known", 1)]


def test_an_earlier_chain_behind_a_later_one_is_told() -> None:
    later = sealed(event(9), chain=2, previous=genesis(HERE, 2).hex())
    assert ("a block of an earlier chain", 1) in said(verified(later, FIRST))


def test_another_block_than_the_checkpoint_tells_of_is_told() -> None:
    found = said(verified(FIRST, outside={(1, 1): "00" * 32}))
    assert found == [("block 1 is another one than the checkpoint outside tells of", 1)]


def test_an_event_that_stands_there_twice_or_out_of_order_is_told() -> None:
    turned = replace(FIRST, events=[FIRST.events[1], FIRST.events[0]])
    assert said(verified(turned)) == [("the event is missing", 1), ("the event is out of order, or there twice", 1)]


def test_an_event_that_says_it_is_far_older_than_the_seal_before_it_is_told() -> None:
    late = event(3, at=NOON - BACKDATED - timedelta(seconds=1))
    in_time = event(3, at=NOON - BACKDATED)
    assert said(verified(FIRST, sealed(late, after=FIRST))) == [("written long before what was sealed before it", 3)]
    assert said(verified(FIRST, sealed(in_time, after=FIRST))) == []


def test_a_detail_that_is_gone_is_told_unless_an_erasure_names_that_event() -> None:
    erasure = event(2, verb="erased")
    erasure[8] = str(uuid.UUID(int=101))
    told, silent = verified(sealed(event(1), erasure), bare=(1,)), verified(FIRST, bare=(1,))
    assert (said(told), told.erased) == ([], 1)
    assert said(silent) == [("the event’s detail is gone, and nothing tells of its erasure", 1)]
    assert said(verified(sealed(event(1), erasure), bare=(2,)))[0][1] == 2, "an erasure vouches for no other event"


def test_all_problems_are_counted_and_the_first_hundred_told() -> None:
    report = verified(replace(sealed(*(event(n) for n in range(150))), events=[]))
    assert (len(report.problems), report.found, report.intact) == (100, 150, False)
