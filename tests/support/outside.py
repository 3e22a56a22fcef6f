"""The world outside of the product, as the chaos tools see it: a directory with a file of effects and one of calls."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path
from typing import Final

from tools.connecting import ToolFailed

SAYINGS: Final = {
    "say-nul": "a NUL \0 in the middle",
    "say-surrogate": "half a pair: \ud800",
    "say-long": "t" * 1_000_000,
}
"""What a tool may say that is hard to write down."""


class World:
    """The outside: effects that were applied, calls that arrived, and orders for the next call."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def effects(self, key: str) -> int:
        """How often this key was applied."""
        return self._count("effects", key)

    def calls(self, key: str) -> int:
        """How often this key arrived."""
        return self._count("calls", key)

    def order(self, what: str) -> None:
        """Tell the next call to ``die``, ``wait`` or ``raise``, ``before`` or ``after`` its effect: "die before"."""
        (self.place / "order").write_text(what)

    def deafen(self, pid: int) -> None:
        """Let this process stand still between the task that it ends next and the one after."""
        (self.place / "deafen").write_text(str(pid))

    def stand_still(self) -> None:
        """Obey ``deafen``, for ever, if it means this process."""
        wanted = self.place / "deafen"
        if wanted.exists() and wanted.read_text() == str(os.getpid()):
            wanted.unlink()
            (self.place / "deaf").write_text(str(os.getpid()))
            while True:
                time.sleep(0.02)

    def deaf(self) -> int:
        """The process that stands still, 0 for none."""
        place = self.place / "deaf"
        return int(place.read_text() or 0) if place.exists() else 0

    def release(self) -> None:
        """Let the call go on that waits."""
        (self.place / "released").touch()

    def waiting(self) -> int:
        """The process whose call waits, 0 for none."""
        place = self.place / "waiting"
        return int(place.read_text() or 0) if place.exists() else 0

    def clear(self) -> None:
        """Forget orders. Effects stay: what happened has happened."""
        for name in ("order", "released", "waiting", "deafen", "deaf"):
            (self.place / name).unlink(missing_ok=True)

    def called(self, key: str, *, remembers: bool) -> None:
        """One call from inside a tool. ``remembers``: a key that was applied is not applied again."""
        self._note("calls", key)
        order = self._take_order()
        self._obey(order, "before")
        with open(self.place / "lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (remembers and self.effects(key)):
                self._note("effects", key)
        self._obey(order, "after")

    def _count(self, name: str, key: str) -> int:
        place = self.place / name
        return sum(line.split()[0] == key for line in place.read_text().splitlines()) if place.exists() else 0

    def _note(self, name: str, key: str) -> None:
        descriptor = os.open(self.place / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, f"{key} {os.getpid()}\n".encode())
        os.close(descriptor)

    def _take_order(self) -> str:
        mine = self.place / f"order.{os.getpid()}"
        try:
            (self.place / "order").rename(mine)
        except FileNotFoundError:
            return ""
        order = mine.read_text()
        mine.unlink()
        return order

    def _obey(self, order: str, moment: str) -> None:
        verb, _, when = order.partition(" ")
        if when != moment:
            return
        if verb == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif verb == "raise":
            raise ConnectionError("the answer was lost")
        elif verb in SAYINGS:
            raise ToolFailed(SAYINGS[verb])
        elif verb == "wait":
            (self.place / "waiting").write_text(str(os.getpid()))
            while not (self.place / "released").exists():
                time.sleep(0.02)
