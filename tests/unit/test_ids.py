"""Ids are UUIDv7 and rise."""

import os
import threading
import time
from uuid import RFC_4122, UUID

from traces import ids
from traces.ids import uuid7


def test_an_id_is_version_seven_and_tells_its_millisecond() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    after = time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (7, RFC_4122)
    assert before <= made.int >> 80 <= after + 1


def test_ids_rise_within_a_process() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_rise_when_the_clock_steps_back(monkeypatch) -> None:
    first = uuid7()
    monkeypatch.setattr(ids.time, "time_ns", lambda: 0)
    assert uuid7() > first


def test_a_full_counter_borrows_the_next_millisecond(monkeypatch) -> None:
    far = (2**47, 2**42 - 1)
    monkeypatch.setattr(ids, "_last", far)
    made = uuid7()
    assert made.int >> 80 == 2**47 + 1
    assert made.version == 7


def test_threads_never_share_an_id() -> None:
    made: list[UUID] = []

    def work() -> None:
        made.extend([uuid7() for _ in range(2_000)])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 16_000


def test_a_forked_child_does_not_continue_its_parents_counter() -> None:
    uuid7()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, repr(ids._last).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    assert os.read(read, 100) == b"(0, 0)"
    os.close(read)
