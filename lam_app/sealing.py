"""The sealer: a pass every few seconds, and a line outside the database for every block."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from django.db import OperationalError, connection
from django.db.models import Max

from traces import checkpoints
from traces.keys import SealKey, holds, private_key, public_keys
from traces.models import Block
from traces.sealer import Chain, current, seal, statement_of
from traces.verifier import Signed

logger = logging.getLogger(__name__)
BEHIND: Final = 50
"""Passes without a pause when much has piled up; then everybody else has a turn."""


def forever(key: Path, public: Path, outside: Path, seconds: float, stopped: Callable[[], bool]) -> None:
    """Seal until told to stop. Raises SealKeyWrong, OSError or ExportBroken at the start, never silently later."""
    signer = private_key(key)
    chain = begin(public, outside)
    while not stopped():
        try:
            for _ in range(BEHIND):
                if not one_pass(chain, signer, outside):
                    break
        except OperationalError:
            logger.warning("the database is away; what is written meanwhile is sealed afterwards")
            connection.close()
        time.sleep(seconds)


def begin(public: Path, outside: Path) -> Chain:
    """The chain to go on with, once the checkpoints outside have been held against what the database has.

    A database that knows less than the checkpoints was restored from a backup: a new chain begins. Blocks that were
    committed and not yet told outside, because the sealer died in between, are told now.
    """
    signed = verifying(public)
    known = checkpoints.heads(outside, signed) if outside.exists() else {}
    here = Block.objects.aggregate(newest=Max("chain"))["newest"] or 0
    rewound, newest = False, 0
    for organization, heads in known.items():
        newest = max(newest, *(chain for chain, _ in heads))
        last = max(heads)
        there = Block.objects.filter(organization=organization, chain=last[0], number=last[1]).first()
        lost = there is None or bytes(there.head).hex() != heads[last]
        rewound = rewound or (lost and last[0] >= here)  # what an older chain lost began the newer one already
    untold = [
        block
        for block in Block.objects.order_by("organization", "chain", "number").iterator()
        if (block.chain, block.number) not in known.get(str(block.organization), {})
    ]
    if untold:
        checkpoints.append(outside, [(statement_of(block), bytes(block.signature)) for block in untold])
    chain = current(rewound=rewound, outside=newest)
    if rewound:
        logger.error("the database is older than the checkpoints: chain begins", extra={"chain": chain.number})
    return chain


def one_pass(chain: Chain, signer: SealKey, outside: Path) -> int:
    """Seal what can be sealed now, and tell of it outside. Returns how many blocks that made."""

    def kept(blocks: list[Block]) -> None:
        checkpoints.append(outside, [(statement_of(block), bytes(block.signature)) for block in blocks])

    return len(seal(chain, signer, kept=kept))


def verifying(public: Path) -> Signed:
    """Whether a key of this file signed something. Raises OSError or SealKeyWrong."""
    keys = public_keys(public.read_bytes())
    return lambda kid, signature, message: holds(keys, kid, signature, message)
