"""The sealer: a pass every few seconds, and a line outside the database for every block. Between passes it works for
those who ask: it verifies, exports, and puts evidence together, a slice at a time.
"""

import contextlib
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Max

from lam_app import checkpoint_post
from lam_app.evidence.making import evidence
from traces import checkpoints, making, schema
from traces.inquiry import Inquiry
from traces.keys import SealKey, holds, private_key, public_keys
from traces.models import Block
from traces.sealer import Chain, current, seal, statement_of
from traces.verifier import Signed
from traces.working import Work, drop_files

logger = logging.getLogger(__name__)
BEHIND: Final = 50
"""Passes without a pause when much has piled up; then everybody else has a turn."""
SLICE: Final = 1.0
"""Seconds between two looks at what is asked for."""
DROP_EVERY: Final = 600.0
"""Seconds between two looks for files that are old."""


def forever(key: Path, public: Path, outside: Path, seconds: float, stopped: Callable[[], bool]) -> None:
    """Seal until told to stop. Raises SealKeyWrong, WrongSetting, OSError or ExportBroken at the start, never silently
    later. Ends the process where a newer program has migrated the database.
    """
    signer = private_key(key)
    checkpoint_post.ready()
    refuse_newer()
    sign_of_life().unlink(missing_ok=True)  # reading all that was sealed may take long; until then nothing is missed
    chain, work = begin(public, outside), working(signer, public, outside)
    drop_at = 0.0
    while not stopped():
        began = time.monotonic()
        try:
            refuse_newer()
            for _ in range(BEHIND):
                if not one_pass(chain, signer, outside):
                    break
            show()
            checkpoint_post.tell(outside)
            if began >= drop_at:
                drop_files()
                drop_at = began + DROP_EVERY
            while (left := began + seconds - time.monotonic()) > 0 and not stopped():
                if not work.go_on(min(left, SLICE)):
                    time.sleep(min(left, SLICE))
                show()
        except (OperationalError, InterfaceError):
            logger.warning("the database is away; what is written meanwhile is sealed afterwards")
            connection.close()
            show()
            time.sleep(seconds)


def working(signer: SealKey, public: Path, outside: Path) -> Work:
    """What this process does for those who ask."""
    return Work(
        {
            Inquiry.Kind.VERIFY: making.verification(lambda: verifying(public), outside),
            Inquiry.Kind.EXPORT: making.export(signer),
            Inquiry.Kind.EVIDENCE: evidence(signer),
        }
    )


def refuse_newer() -> None:
    """End the process where the database knows migrations that this program does not: it takes up no more work."""
    if why := schema.newer():
        logger.critical("%s", why)
        sys.exit(78)  # EX_CONFIG: whoever supervises us says so, and tries again


def sign_of_life() -> Path:
    """The file that is touched between all steps, by which whoever supervises sees that they go on."""
    return Path(settings.LAM_HOME) / "run" / "seal"


def show() -> None:
    """Touch it. A file that cannot be written says nothing about the sealer."""
    with contextlib.suppress(OSError):
        sign_of_life().touch()


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
