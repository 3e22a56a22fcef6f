"""Sealing: what was written becomes what cannot be rewritten unseen. One process does it, and no writer waits for it.

A pass takes every event whose transaction is older than any that still runs (the snapshot's xmin): going by ids or
times would miss what commits late, and a transaction that was rolled back leaves no hole, because a place in the chain
is given here and not at the writing. What a long transaction holds back is sealed once it has ended.

After a restore transactions may count anew, and what was sealed since is lost: then a chain with the next number
begins, and the old one stays as evidence of what is missing.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final, Protocol

from django.db import connection, transaction
from django.db.models import Max, Min

from traces.chain import MOST, Statement, genesis, leaf, linked, moment, written
from traces.clock import now
from traces.envelopes import columns
from traces.ids import uuid7
from traces.models import Block

WINDOW: Final = 20_000
"""Transactions that one pass looks at: what has piled up is sealed in many short passes."""
OVERLAP: Final = timedelta(days=1)
"""How long before the first seal of a restored database an event may have been written that was not sealed yet."""
LOCK: Final = 0x5EA1
"""Advisory lock of whoever seals: a second sealer does nothing."""


class Signer(Protocol):
    """Whoever holds the private key."""

    @property
    def kid(self) -> str:
        """The key's name."""
        ...

    def sign(self, message: bytes) -> bytes:
        """An Ed25519 signature (RFC 8032)."""
        ...


@dataclass
class Chain:
    """The chain that is being written, and from where: ``known`` are events that earlier chains have already."""

    number: int
    cluster: str
    horizon: int
    began: datetime | None = None
    known: frozenset[uuid.UUID] = field(default_factory=frozenset)

    def takes(self, event: uuid.UUID, at: datetime) -> bool:
        """Whether an event belongs to it. In a database that was restored elsewhere old transactions look new."""
        if self.began is None or at >= self.began:
            return True
        return at >= self.began - OVERLAP and event not in self.known


def current(*, rewound: bool = False, outside: int = 0) -> Chain:
    """The chain to go on with. ``rewound``: the record outside the database knows of blocks that it has no more;
    ``outside`` is the greatest number of a chain there.
    """
    cluster = _one("SELECT system_identifier::text FROM pg_control_system()")
    newest = Block.objects.order_by("-chain").values("chain", "cluster").first()
    if newest is None:
        return Chain(outside + 1 if rewound else 1, cluster, 0)
    number = max(newest["chain"], outside)
    same = Block.objects.filter(cluster=cluster).aggregate(most=Max("horizon"))["most"]
    if newest["cluster"] == cluster and same is not None:
        began = _began_elsewhere(cluster)
        chain = Chain(number + 1 if rewound else number, cluster, same, began)
    else:
        chain = Chain(number + 1, cluster, 0, now())
    if chain.began is not None:
        chain.known = frozenset(_sealed_since(chain.began - 2 * OVERLAP, before=chain.began))
    return chain


def seal(chain: Chain, signer: Signer, *, kept: Callable[[list[Block]], None] = lambda _: None) -> list[Block]:
    """One pass: the blocks that it wrote, already committed; ``kept`` was given them after that.

    Returns an empty list when there was nothing to seal, or somebody else is sealing.
    """
    with transaction.atomic():
        if not _one("SELECT pg_try_advisory_xact_lock(%s)", [LOCK]):
            return []
        chain.horizon = max(chain.horizon, _horizon(chain))
        rows, horizon = _unsealed(chain)
        blocks = list(_blocks(chain, rows, horizon, now(), signer))
        Block.objects.bulk_create(blocks)
    chain.horizon = horizon
    if blocks:
        kept(blocks)
    return blocks


def lag() -> float:
    """Seconds since the oldest event that is not sealed yet was written; 0 when all is sealed."""
    horizon = Block.objects.aggregate(most=Max("horizon"))["most"] or 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0) FROM traces_event"
            " WHERE transaction >= %s AND at > clock_timestamp() - interval '1 day'",
            [horizon],
        )
        row = cursor.fetchone()
    return float(row[0]) if row else 0.0


def _blocks(chain: Chain, rows: list[tuple[Any, ...]], horizon: int, at: datetime, signer: Signer) -> Iterator[Block]:
    last = _last_blocks(chain.number, {row[1] for row in rows})
    for organization, own in groupby(sorted(rows, key=lambda row: (row[1], row[15], row[0])), key=lambda row: row[1]):
        number, place, head = last.get(uuid.UUID(organization), (0, 0, genesis(organization, chain.number)))
        for some in _batched(own, MOST):
            leaves = [(bytes.fromhex(row[0].replace("-", "")), leaf(written(row[:17]))) for row in some]
            previous, head = head, linked(head, leaves)
            number, first = number + 1, place + 1
            place += len(some)
            statement = Statement(
                organization=organization,
                chain=chain.number,
                number=number,
                first=first,
                count=len(some),
                previous=previous.hex(),
                head=head.hex(),
                horizon=horizon,
                sealed_at=moment(at),
                kid=signer.kid,
            )
            yield Block(
                id=uuid7(),
                organization=uuid.UUID(organization),
                chain=chain.number,
                number=number,
                first=first,
                count=len(some),
                events=b"".join(event for event, _ in leaves),
                leaves=b"".join(hashed for _, hashed in leaves),
                previous=previous,
                head=head,
                horizon=horizon,
                sealed_at=at,
                cluster=chain.cluster,
                kid=signer.kid,
                signature=signer.sign(statement.message()),
            )


def statement_of(block: Block) -> Statement:
    """What a block's signature has to vouch for."""
    return Statement(
        organization=str(block.organization),
        chain=block.chain,
        number=block.number,
        first=block.first,
        count=block.count,
        previous=bytes(block.previous).hex(),
        head=bytes(block.head).hex(),
        horizon=block.horizon,
        sealed_at=moment(block.sealed_at),
        kid=block.kid,
    )


def _unsealed(chain: Chain) -> tuple[list[tuple[Any, ...]], int]:
    """The events of the next window that are not sealed yet, and the transaction up to which that is all."""
    with connection.cursor() as cursor:
        # Two statements: what is below the first one's xmin has ended, so that the second one sees all of it.
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        (xmin,) = cursor.fetchone() or (0,)
        cursor.execute(
            "SELECT min(transaction) FROM traces_event WHERE transaction >= %s AND transaction < %s",
            [chain.horizon, xmin],
        )
        (least,) = cursor.fetchone() or (None,)
        if least is None:
            return [], xmin
        upper = min(xmin, least + WINDOW)
        cursor.execute(
            f"SELECT {columns('e')}, e.id, e.at FROM traces_event e WHERE e.transaction >= %s AND e.transaction < %s",
            [least, upper],
        )
        rows = [row for row in cursor.fetchall() if chain.takes(row[17], row[18])]
    return rows, upper


def _last_blocks(chain: int, organizations: Iterable[str]) -> dict[uuid.UUID, tuple[int, int, bytes]]:
    """For each organization the number of its last block in this chain, its last place, and the head there."""
    rows = (
        Block.objects.filter(chain=chain, organization__in=list(organizations))
        .order_by("organization", "-number")
        .distinct("organization")
        .values_list("organization", "number", "first", "count", "head")
    )
    return {row[0]: (row[1], row[2] + row[3] - 1, bytes(row[4])) for row in rows}


def _horizon(chain: Chain) -> int:
    """How far this chain has come: another sealer may have gone on with it meanwhile."""
    return Block.objects.filter(chain=chain.number).aggregate(most=Max("horizon"))["most"] or 0


def _began_elsewhere(cluster: str) -> datetime | None:
    """When a chain began that goes on from another database; None where all there is was written in this one."""
    if not Block.objects.exclude(cluster=cluster).exists():
        return None
    began: datetime | None = Block.objects.filter(cluster=cluster).aggregate(least=Min("sealed_at"))["least"]
    return began


def _sealed_since(at: datetime, *, before: datetime) -> Iterator[uuid.UUID]:
    for block in Block.objects.filter(sealed_at__gte=at, sealed_at__lt=before).iterator():
        for place in range(0, 16 * block.count, 16):
            yield uuid.UUID(bytes=bytes(block.events[place : place + 16]))


def _batched(rows: Iterable[tuple[Any, ...]], size: int) -> Iterator[list[tuple[Any, ...]]]:
    some: list[tuple[Any, ...]] = []
    for row in rows:
        some.append(row)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


def _one(sql: str, parameters: list[Any] | None = None) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row = cursor.fetchone()
    return row[0] if row else None
