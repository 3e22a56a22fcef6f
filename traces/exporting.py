"""The record as JSON Lines, and back: a line for each block, then one for each of its events.

Every byte of an export counts: each line is written in the one form that there is, so that a reader who writes it again
gets the same bytes, and everything on it is hashed, signed, or compared with what is.
"""

import json
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Max

from traces import excerpts
from traces.chain import Statement, written
from traces.envelopes import columns
from traces.exceptions import ExportBroken, ForgettingUnsealed
from traces.models import Block, BlockQuerySet
from traces.sealer import statement_of
from traces.verifier import Report, Signed, Verifier

FORMAT: Final = "countersign-audit-1"
_ENVELOPES = f"""
SELECT {columns("e")}, d.salt, d.detail
FROM traces_event e LEFT JOIN traces_eventdetail d ON d.event = e.id WHERE e.id = ANY(%s::uuid[])
"""
_STRAYS = """
WITH sealed AS MATERIALIZED (
    SELECT encode(substr(b.events, 16 * place + 1, 16), 'hex')::uuid AS id
    FROM traces_block b, generate_series(0, b.count - 1) place WHERE b.organization = %(organization)s
)
SELECT e.id FROM traces_event e LEFT JOIN sealed s ON s.id = e.id
WHERE e.organization = %(organization)s AND s.id IS NULL AND (e.transaction < %(horizon)s OR e.at < %(old)s)
ORDER BY e.id LIMIT 1000
"""
# A transaction that the database has not come to yet is nobody's: such an event would never be sealed.
_FORGOTTEN = f"""
SELECT {columns("e")} FROM traces_event e
WHERE e.organization = %s AND e.verb IN ('erased', 'retention_forgot') AND e.transaction >= %s
    AND e.transaction < pg_snapshot_xmax(pg_current_snapshot())::text::bigint
ORDER BY e.id
"""

A_SLICE: Final = 20
"""Blocks that are read at once."""
Rows = list[tuple[Any, ...]]
"""Events: the envelope's columns, and then salt and detail."""
Outside = Callable[[str], Mapping[tuple[int, int], str]]
"""Gives the checkpoints of an organization, where there are some."""
Told = Callable[[int], None]
"""Is told now and then how many events were read."""


def verify_database(
    organization: uuid.UUID, signed: Signed, *, outside: Mapping[tuple[int, int], str], told: Told = lambda _: None
) -> Report:
    """Hold an organization's rows against its seal, in one snapshot."""
    verifier = Verifier(str(organization), signed, outside=outside)
    last: Block | None = None
    with transaction.atomic():
        for last, rows in _read(organization):
            feed(verifier, last, rows)
            told(verifier.report.events)
        return ended(verifier, organization, last)


def ended(verifier: Verifier, organization: uuid.UUID, last: Block | None) -> Report:
    """What a verifier found that was given every block of a database up to ``last``.

    Events that no block knows are told to it, and what was forgotten since that block.
    """
    for event in strays(organization):
        verifier.stray(str(event))
    for envelope in forgotten_since(organization, last):
        verifier.unsealed(envelope)
    return verifier.end()


def feed(verifier: Verifier, block: Block, rows: Rows) -> None:
    """Give a verifier the next block and its events, as the database has them."""
    verifier.block(statement_of(block), bytes(block.signature), _pairs(block))
    for row in rows:
        verifier.event(row[:17], written(row[:17]), _bytes(row[17]), row[18])


def export(organization: uuid.UUID) -> Iterator[str]:
    """The lines of an organization's sealed record, each with its newline. What is not sealed yet is not in it.

    Raises ForgettingUnsealed where details are gone and the events that tell of it are not sealed: the file would tell
    of details that are gone, and of nothing that accounts for it.
    """
    last = Block.objects.of(organization).last()
    if forgotten_since(organization, last):
        raise ForgettingUnsealed
    yield beginning(organization)
    with transaction.atomic():
        for last, rows in _read(organization):
            yield from lines(last, rows)
        yield from ending(organization)
        if forgotten_since(organization, last):
            raise ForgettingUnsealed


def beginning(organization: uuid.UUID) -> str:
    """The first line of an export of everything."""
    return written({"format": FORMAT, "organization": str(organization)}) + "\n"


def ending(organization: uuid.UUID) -> Iterator[str]:
    """The last lines of an export of everything: events that no block knows, if there are any."""
    for event in strays(organization):
        yield written({"stray": str(event)}) + "\n"


def lines(block: Block, rows: Rows) -> Iterator[str]:
    """The lines of one block and these of its events."""
    hashes = [[str(uuid.UUID(bytes=event)), leaf.hex()] for event, leaf in _pairs(block)]
    said = {"block": statement_of(block).to_json(), "rows": hashes, "signature": bytes(block.signature).hex()}
    yield written(said) + "\n"
    for row in rows:
        salt = _bytes(row[17])
        yield (written({"event": row[:17], "salt": salt.hex() if salt is not None else None, "detail": row[18]}) + "\n")


def verify_export(
    lines: Iterable[bytes],
    signed: Signed,
    *,
    outside: Outside = lambda _: {},
    told: Told = lambda _: None,
) -> Report:
    """Verify the lines of an export. ``outside`` gives the checkpoints of an organization, where there are some.

    Raises ExportBroken with the line's number for what is no export at all, or not written as an export is.
    """
    verifier: Verifier | None = None
    for number, line in enumerate(lines, 1):
        said, text = _line(line, number)
        try:
            if verifier is None:
                verifier = _begun(said, signed, outside)
            else:
                _feed(verifier, said, text)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as wrong:
            raise ExportBroken(f"line {number}: it does not hold what such a line holds") from wrong
        if number % 5000 == 0:
            told(number)
    if verifier is None:
        raise ExportBroken("the export is empty")
    return verifier.end()


def _begun(said: dict[str, Any], signed: Signed, outside: Outside) -> Verifier:
    """The verifier that the first line asks for: of everything, or of an excerpt."""
    if said.keys() == {"excerpt", "signature"}:
        excerpt, signature = excerpts.opened(said)
        return excerpts.ExcerptVerifier(excerpt, signature, signed, outside=outside(excerpt.organization))
    if said.keys() != {"format", "organization"} or said["format"] != FORMAT:
        raise ExportBroken("line 1: this is not an export of the record in a form that is known")
    organization = str(uuid.UUID(said["organization"]))
    if organization != said["organization"]:
        raise ValueError(organization)
    return Verifier(organization, signed, outside=outside(organization))


def _feed(verifier: Verifier, said: dict[str, Any], text: str) -> None:
    if said.keys() == {"event", "salt", "detail"}:
        salt = said["salt"]
        verifier.event(said["event"], text, None if salt is None else _hex(salt), said["detail"])
    elif said.keys() == {"block", "rows", "signature"}:
        rows = [(uuid.UUID(event).bytes, _hex(leaf)) for event, leaf in said["rows"]]
        if any(str(uuid.UUID(bytes=row[0])) != event for row, (event, _) in zip(rows, said["rows"], strict=True)):
            raise ValueError("an id is written another way")
        verifier.block(Statement(**said["block"]), _hex(said["signature"]), rows)
    elif said.keys() == {"stray"}:
        verifier.stray(said["stray"])
    else:
        raise ValueError("unknown line")


def _line(line: bytes, number: int) -> tuple[dict[str, Any], str]:
    """What a line says, and an event's envelope as it is hashed. Raises ExportBroken unless it was written so."""
    try:
        said = json.loads(line)
        if not isinstance(said, dict):
            raise ExportBroken(f"line {number}: it is not written as an export writes it")
        if said.keys() == {"event", "salt", "detail"}:  # put together here, because its envelope is needed by itself
            text = written(said["event"])
            again = f'{{"detail":{written(said["detail"])},"event":{text},"salt":{written(said["salt"])}}}\n'
        else:
            text, again = "", written(said) + "\n"
        same = again.encode() == line
    except (ValueError, RecursionError) as wrong:
        raise ExportBroken(f"line {number}: this is no JSON") from wrong
    if not same:
        raise ExportBroken(f"line {number}: it is not written as an export writes it")
    return said, text


def _hex(text: str) -> bytes:
    """Bytes from hexadecimal, in the one way in which they are written. Raises ValueError."""
    found = bytes.fromhex(text)
    if found.hex() != text:
        raise ValueError(text)
    return found


def _read(organization: uuid.UUID) -> Iterator[tuple[Block, Rows]]:
    """Each block with the rows of its events that are still there, in the block's order."""
    for block in Block.objects.of(organization).iterator(chunk_size=50):
        yield block, rows_of(block)


def in_slices(blocks: BlockQuerySet) -> Iterator[tuple[Block, Rows]]:
    """The same of these blocks, in the order of their chains, with no transaction held between one and the next."""
    chain, number = 0, 0
    while some := list(blocks.after(chain, number)[:A_SLICE]):
        for block in some:
            yield block, rows_of(block)
        chain, number = some[-1].chain, some[-1].number


def rows_of(block: Block, only: Collection[uuid.UUID] | None = None) -> Rows:
    """The rows of a block's events that are still there, in its order; ``only`` those of these events."""
    ids = [str(uuid.UUID(bytes=event)) for event, _ in _pairs(block)]
    if only is not None:
        wanted = {str(event) for event in only}
        ids = [event for event in ids if event in wanted]
    with connection.cursor() as cursor:
        cursor.execute(_ENVELOPES, [ids])
        found = {row[0]: row for row in cursor.fetchall()}
    return [found[event] for event in ids if event in found]


def strays(organization: uuid.UUID) -> list[uuid.UUID]:
    """Events that should have been sealed by now and are in no block; at most a thousand."""
    newest = Block.objects.of(organization).aggregate(chain=Max("chain"), at=Max("sealed_at"))
    if newest["chain"] is None:
        return []
    horizon = Block.objects.filter(organization=organization, chain=newest["chain"]).aggregate(most=Max("horizon"))
    began = Block.objects.filter(organization=organization, chain=newest["chain"], number=1).values_list("sealed_at")
    with connection.cursor() as cursor:
        cursor.execute(
            _STRAYS,
            {
                "organization": organization,
                "horizon": horizon["most"],
                "old": began[0][0] if newest["chain"] > 1 and began else newest["at"].replace(year=1970),
            },
        )
        return [row[0] for row in cursor.fetchall()]


def forgotten_since(organization: uuid.UUID, last: Block | None) -> Rows:
    """The envelopes of events that tell of something forgotten and that are in no block up to ``last``."""
    if last is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_FORGOTTEN, [organization, last.horizon])
        return list(cursor.fetchall())


def _pairs(block: Block) -> list[tuple[bytes, bytes]]:
    events, leaves = bytes(block.events), bytes(block.leaves)
    return [(events[16 * at : 16 * at + 16], leaves[32 * at : 32 * at + 32]) for at in range(block.count)]


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)
