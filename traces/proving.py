"""Proof that some events stand in the record: the blocks that hold them, with the events' own rows. Reads only."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from traces import excerpts
from traces.exporting import lines, rows_of
from traces.models import Block, Event
from traces.sealer import Signer
from traces.verifier import PERIOD

_BLOCKS = """
SELECT DISTINCT b.id FROM unnest(%(transactions)s::bigint[]) t(number)
CROSS JOIN generate_series(1, (SELECT max(chain) FROM traces_block WHERE organization = %(organization)s)) c(chain)
CROSS JOIN LATERAL (
    SELECT o.horizon FROM traces_block o
    WHERE o.organization = %(organization)s AND o.chain = c.chain AND o.horizon > t.number
    ORDER BY o.horizon LIMIT 1
) h
JOIN traces_block b ON b.organization = %(organization)s AND b.chain = c.chain AND b.horizon = h.horizon
"""


@dataclass(frozen=True)
class Proof:
    """The blocks that hold some events, in the order of their chains, and the events that are in none yet."""

    blocks: tuple[Block, ...]
    events: frozenset[uuid.UUID]
    unsealed: tuple[uuid.UUID, ...]


def proof_of(organization: uuid.UUID, events: Iterable[Event]) -> Proof:
    """Find an organization's blocks that hold these events. Three queries and one for each block."""
    wanted = {event.pk: event.transaction for event in events}
    with connection.cursor() as cursor:
        cursor.execute(_BLOCKS, {"organization": organization, "transactions": sorted(set(wanted.values()))})
        ids = [row[0] for row in cursor.fetchall()]
    found: set[uuid.UUID] = set()
    holding = []
    for block in Block.objects.of(organization).filter(pk__in=ids):
        inside = bytes(block.events)
        held = {uuid.UUID(bytes=inside[at : at + 16]) for at in range(0, len(inside), 16)} & wanted.keys()
        if held:
            holding.append(block)
            found |= held
    return Proof(tuple(holding), frozenset(found), tuple(sorted(set(wanted) - found)))


def excerpt(proof: Proof, signer: Signer) -> bytes:
    """The lines of an excerpt with these events, each in its block. Empty where nothing of it is sealed."""
    if not proof.blocks:
        return b""
    some = [(block, rows_of(block, proof.events)) for block in proof.blocks]
    places = [(block.chain, block.number) for block in proof.blocks]
    about = excerpts.Excerpt(
        organization=str(proof.blocks[0].organization),
        whole=False,
        first=places[0],
        last=places[-1],
        blocks=len(places),
        events=sum(len(rows) for _, rows in some),
        erased=told_erased(proof.blocks[0].organization, (row for _, rows in some for row in rows)),
        kid=signer.kid,
    )
    said = [excerpts.header(about, signer.sign(about.message()))]
    for block, rows in some:
        said += lines(block, rows)
    return "".join(said).encode()


def told_erased(organization: uuid.UUID, rows: Iterable[Sequence[Any]]) -> tuple[str, ...]:
    """Which of these events have lost their detail, and the record tells of it: one by one, or by their age.

    What an excerpt says of them stands for the events that tell of it, which may lie outside of it. Of those that went
    by their age it says less than the whole record does: how many there may be is counted only where all of it is
    verified, so that a single old detail that was taken out too much is found there, and not in an excerpt.
    """
    bare = {str(row[0]): str(row[2]) for row in rows if row[17] is None and row[18] is None}
    if not bare:
        return ()
    own = Event.objects.filter(organization=organization)
    named = own.filter(subject_kind="event", verb="erased", subject__in=[*bare]).values_list("subject", flat=True)
    ages = own.filter(verb="retention_forgot").values_list("reason", flat=True)
    before = max((found[2] for reason in ages if (found := PERIOD.fullmatch(reason))), default="")
    told = {str(one) for one in named} | {event for event, at in bare.items() if at < before}
    return tuple(sorted(told))
