"""Who promised to be heard of again, and is late."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tools.progress import STEP_SECONDS, Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What time it is, to be set."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_who_waits_for_work_is_never_late(clock: list[float]) -> None:
    progress = Progress()
    clock[0] += 1e6
    assert (progress.late() < 0, progress.busy) == (True, False)
    progress.begin()
    progress.end()
    clock[0] += 1e6
    assert (progress.late() < 0, progress.busy) == (True, False)


def test_a_step_puts_the_moment_off_and_a_call_by_its_time_out(clock: list[float]) -> None:
    progress = Progress()
    progress.begin()
    clock[0] += STEP_SECONDS + 1
    assert progress.late() == 1
    progress.go_on()
    assert progress.late() == -STEP_SECONDS
    progress.go_on(30)
    clock[0] += STEP_SECONDS + 31
    assert (progress.late(), progress.steps, progress.busy) == (1, 3, True)


def test_one_thread_that_works_on_does_not_hide_another_that_hangs(clock: list[float]) -> None:
    progress = Progress()
    progress.begin()
    clock[0] += STEP_SECONDS + 1

    def works() -> None:
        progress.begin()
        progress.go_on()

    other = threading.Thread(target=works)
    other.start()
    other.join()
    assert progress.late() == 1


def test_whoever_did_not_begin_promises_nothing(clock: list[float], monkeypatch: Any) -> None:
    progress = Progress()
    progress.go_on(5)
    clock[0] += 1e6
    assert (progress.late() < 0, progress.steps) == (True, 0)
