"""Primary keys: UUIDv7 (RFC 9562), made in Python, rising within a process.

Rows made one after the other lie one after the other on disk, and partitions are ranges of the key.
"""

import os
import threading
import time
from datetime import datetime
from uuid import UUID

NIL = UUID(int=0)
"""Before every id."""
LAST = UUID(int=(1 << 128) - 1)
"""Behind every id."""
_COUNTER_BITS = 42
_lock = threading.Lock()
_last = (0, 0)
"""Milliseconds since 1970 and the counter within them, of the last id."""


def uuid7() -> UUID:
    """A new id: 48 bits of milliseconds, a 42-bit counter that starts at random, 32 random bits.

    Later calls in this process give greater ids, even when the clock steps back.
    """
    global _last
    now = time.time_ns() // 1_000_000
    entropy = os.urandom(10)
    with _lock:
        millisecond, counter = _last
        if now > millisecond:
            # The top bit starts clear, which leaves at least 2^41 ids before the counter can run out.
            millisecond, counter = now, int.from_bytes(entropy[:6]) >> 7
        elif counter + 1 < 1 << _COUNTER_BITS:
            counter += 1
        else:
            millisecond, counter = millisecond + 1, 0
        _last = (millisecond, counter)
    value = millisecond << 80
    value |= 0x7 << 76 | (counter >> 30) << 64
    value |= 0b10 << 62 | (counter & 0x3FFF_FFFF) << 32
    value |= int.from_bytes(entropy[6:])
    return UUID(int=value)


def first_of(at: datetime) -> UUID:
    """The least id that a row made at this moment can have: where a range of rows by time begins."""
    return UUID(int=int(at.timestamp() * 1000) << 80 | 0x7 << 76 | 0b10 << 62)


def _start_over() -> None:
    """A forked child must not continue its parent's counter."""
    global _last, _lock
    _lock = threading.Lock()
    _last = (0, 0)


os.register_at_fork(after_in_child=_start_over)
