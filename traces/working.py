"""Working off what was asked of the sealer: in slices, so that sealing never waits long for it.

Whoever is at it says so on the row. A process that dies leaves it there, and the next one begins it anew: nothing is
given out before it is finished. What goes wrong is the inquiry's end, with words, and never the sealer's.
"""

import hashlib
import logging
import time
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce

from traces.clock import now
from traces.exceptions import DomainError
from traces.inquiries import KEPT_HOURS
from traces.inquiry import Inquiry, InquiryPart
from traces.services import Actor, Entry, record

logger = logging.getLogger(__name__)
SEALER: Final = Actor.system("sealer")
PIECE: Final = 1_000_000
"""Bytes of a file that are kept in one row, before they are compressed."""
LEFT: Final = timedelta(seconds=60)
"""After so long without a word of whoever is at an inquiry, another may begin it anew."""
FILES_KEPT: Final = 40
"""Files of one organization that are kept; the oldest goes first."""
DONE: Final = {"verify": "verified", "export": "export_made", "evidence": "evidence_made"}


@dataclass(frozen=True)
class Step:
    """How far it has come: a piece of the file, what was found at the end, or that it has to wait."""

    seen: int = 0
    expected: int | None = None
    data: bytes = b""
    found: Mapping[str, Any] | None = None
    waits: bool = False
    """Nothing can be done now; others have their turn, and then it is begun anew."""


Making = Callable[[Inquiry], Iterator[Step]]
"""What is done for an inquiry, step by step; no step holds a transaction until the next."""


class Work:
    """One process at the inquiries. ``making`` says what is done for each kind."""

    def __init__(self, making: Mapping[str, Making]) -> None:
        self._making, self._me = making, uuid.uuid4()
        self._inquiry: Inquiry | None = None
        self._steps: Iterator[Step] = iter(())
        self._buffer, self._hash = bytearray(), hashlib.sha256()
        self._number = self._size = self._seen = self._expected = 0
        self._found: dict[str, Any] = {}
        self._waits = False

    def go_on(self, seconds: float) -> bool:
        """Work for about so long; whether there was anything to do. Raises OperationalError without a database."""
        until, ended = time.monotonic() + seconds, False
        if self._inquiry is None and not self._take():
            return False
        assert self._inquiry is not None
        try:
            while time.monotonic() < until and not ended:
                step = next(self._steps, None)
                ended = step is None or step.waits
                if step is not None:
                    self._seen, self._waits = step.seen, step.waits
                    self._expected = self._expected if step.expected is None else step.expected
                    self._found = self._found if step.found is None else dict(step.found)
                    self._write(step.data)
            self._show(finished=ended and not self._waits)
        except (OperationalError, InterfaceError):
            self._inquiry = None  # whatever became of it, it is begun anew
            raise
        except DomainError as refused:
            self._fail(refused.message)
        except Exception:  # whatever a file or a row may hold, sealing goes on
            logger.exception("an inquiry failed", extra={"inquiry": str(self._inquiry.pk)})
            self._fail("Something went wrong in making it; the sealer’s log says what.")
        return not self._waits

    def _begin(self) -> None:
        self._buffer, self._hash = bytearray(), hashlib.sha256()
        self._number = self._size = self._seen = self._expected = 0
        self._found, self._waits = {}, False

    def _take(self) -> bool:
        """The next inquiry that nobody is at, the one that has waited longest since somebody was."""
        at = now()
        free = Q(worker=None) | Q(touched_at__lt=at - LEFT)
        with transaction.atomic():
            waiting = Inquiry.objects.under_way().filter(free, kind__in=[*self._making])
            found = (
                waiting.select_for_update(skip_locked=True).order_by(Coalesce("touched_at", "asked_at"), "id").first()
            )
            if found is None:
                return False
            drop_file(found.pk)
            Inquiry.objects.filter(pk=found.pk).update(worker=self._me, touched_at=at, seen=0, expected=0)
        self._begin()
        self._inquiry, self._steps = found, self._making[found.kind](found)
        return True

    def _write(self, data: bytes) -> None:
        self._buffer += data
        self._hash.update(data)
        self._size += len(data)
        while len(self._buffer) >= PIECE:
            self._put(PIECE)

    def _put(self, length: int) -> None:
        assert self._inquiry is not None
        piece, self._buffer = bytes(self._buffer[:length]), self._buffer[length:]
        InquiryPart.objects.create(
            organization=self._inquiry.organization,
            inquiry=self._inquiry,
            number=self._number,
            data=zlib.compress(piece, 1),
        )
        self._number += 1

    def _show(self, *, finished: bool) -> None:
        """Say how far it has come; with the last step, what came of it."""
        assert self._inquiry is not None
        at = now()
        told: dict[str, Any] = {"seen": self._seen, "expected": self._expected, "touched_at": at}
        with transaction.atomic():
            own = Inquiry.objects.filter(pk=self._inquiry.pk, state=Inquiry.State.WAITING, worker=self._me)
            if finished:
                if self._buffer:
                    self._put(len(self._buffer))
                told |= {"found": self._found, "size": self._size, "finished_at": at, "state": Inquiry.State.DONE}
                told["sha256"] = self._hash.hexdigest() if self._size else ""
            elif self._waits:
                told["worker"] = None
            kept = own.update(**told)
            if finished and kept:
                self._tell(Inquiry.State.DONE, "")
            if not kept:
                transaction.set_rollback(True)  # somebody else is at it by now
        if finished or self._waits or not kept:
            self._inquiry = None

    def _fail(self, words: str) -> None:
        assert self._inquiry is not None
        with transaction.atomic():
            own = Inquiry.objects.filter(pk=self._inquiry.pk, state=Inquiry.State.WAITING, worker=self._me)
            if own.update(state=Inquiry.State.FAILED, problem=words, finished_at=now()):
                drop_file(self._inquiry.pk)
                self._tell(Inquiry.State.FAILED, words)
        self._inquiry = None

    def _tell(self, state: str, words: str) -> None:
        inquiry = self._inquiry
        assert inquiry is not None
        found = {name: value for name, value in self._found.items() if isinstance(value, int | str | bool)}
        record(
            Entry(
                organization=inquiry.organization,
                actor=SEALER,
                verb=DONE[inquiry.kind] if state == Inquiry.State.DONE else "inquiry_failed",
                subject_kind="inquiry",
                subject=inquiry.pk,
                source=Inquiry.State.WAITING,
                target=state,
                reason=words,
                detail={"size": self._size, **({"sha256": self._hash.hexdigest()} if self._size else {}), **found},
            )
        )


def drop_file(inquiry: uuid.UUID) -> int:
    """Let go of the file of an inquiry; how many pieces it had. What was asked and found stays."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT traces_drop_file(%s)", [inquiry])
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def begin_anew(organization: uuid.UUID) -> int:
    """Let go of all files of an organization, because something that they tell has left the record since; how many.

    What is under way is begun anew. Whoever had asked asks again.
    """
    asked = Inquiry.objects.filter(organization=organization)
    asked.filter(state=Inquiry.State.WAITING).update(worker=None)
    made = asked.exclude(state=Inquiry.State.WAITING).filter(parts__number=0).values_list("pk", flat=True)
    return sum(bool(drop_file(pk)) for pk in list(made))


def drop_files() -> int:
    """Drop files that are older than KEPT_HOURS, and of each organization all but the newest; how many."""
    over = Inquiry.objects.exclude(state=Inquiry.State.WAITING).filter(parts__number=0).order_by("organization", "-id")
    old, counted, dropped = now() - timedelta(hours=KEPT_HOURS), dict[uuid.UUID, int](), 0
    for pk, organization, made in over.values_list("pk", "organization", "parts__created"):
        counted[organization] = counted.get(organization, 0) + 1
        if made < old or counted[organization] > FILES_KEPT:
            dropped += bool(drop_file(pk))
    return dropped
