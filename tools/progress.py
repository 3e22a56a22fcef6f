"""Whether the work of this process goes on: its heart beats on a thread of its own, and says nothing of that.

Each thread that works says when it will be heard of again, and each step that it takes is counted. A thread that is
late by ``LAM_SILENT_SECONDS`` hangs. Then the process ends itself, which makes it known dead: a fresh one works on, and
what it had claimed is recovered by its tool's class (promise 3). Only whoever began is waited for: a function of a task
that is called from elsewhere promises nothing.
"""

import threading
import time
from typing import Final

STEP_SECONDS: Final = 15.0
"""How long a step takes at most that calls nobody outside: it waits ten seconds for a lock, and then gives up."""


class Progress:
    """What the threads of one process have promised, and the steps they have taken."""

    def __init__(self) -> None:
        self._due: dict[int, float] = {}
        self._guard = threading.Lock()
        self.steps = 0

    def begin(self) -> None:
        """This thread starts to work."""
        with self._guard:
            self.steps += 1
            self._due[threading.get_ident()] = time.monotonic() + STEP_SECONDS

    def go_on(self, seconds: float = 0.0) -> None:
        """A step was taken; the next one may take so many seconds more, such as the time-out of a call."""
        with self._guard:
            if threading.get_ident() in self._due:
                self.steps += 1
                self._due[threading.get_ident()] = time.monotonic() + STEP_SECONDS + seconds

    def end(self) -> None:
        """This thread waits for work again."""
        with self._guard:
            self.steps += 1
            self._due.pop(threading.get_ident(), None)

    @property
    def busy(self) -> bool:
        """Whether anybody works."""
        return bool(self._due)

    def late(self) -> float:
        """By how many seconds the latest thread is late; negative where nobody is."""
        with self._guard:
            return time.monotonic() - min(self._due.values(), default=float("inf"))


mine: Final = Progress()
"""This process's own. A fork begins with nobody at work, since roles are forked before they work."""
go_on = mine.go_on
