"""The bell wakes workers, is never in the way, and a lost ring costs nothing but the sweep's second."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from django.db import transaction
from redis import Redis

from traces import doorbell

TASK = "lam_app.tasks.advance_runs"
QUEUE = doorbell.ROUTES[TASK]


@pytest.fixture
def redis(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    """A database of its own for each test: another worker of a parallel run may ring the same bell."""
    found = Redis.from_url(redis_url)
    found.delete(f"countersign:bell:{TASK}", QUEUE)
    use(found, monkeypatch)
    yield found
    found.delete(f"countersign:bell:{TASK}", QUEUE)
    found.close()


def use(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorbell, "_redis", lambda: redis)
    monkeypatch.setattr(doorbell, "_silent_until", 0.0)


@pytest.mark.django_db(transaction=True)
def test_rings_are_coalesced_until_the_task_answers(redis: Redis) -> None:
    doorbell.ring(TASK)
    doorbell.ring(TASK)
    assert redis.llen(QUEUE) == 1
    doorbell.answered(TASK)
    doorbell.ring(TASK)
    assert redis.llen(QUEUE) == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("for_milliseconds", [None, 3_600_000])
def test_t90_a_bell_that_somebody_silenced_rings_all_the_same(redis: Redis, for_milliseconds: int | None) -> None:
    redis.set(f"countersign:bell:{TASK}", "x", px=for_milliseconds)
    doorbell.ring(TASK)
    doorbell.ring(TASK)
    assert redis.llen(QUEUE) == 1
    assert 0 < redis.pttl(f"countersign:bell:{TASK}") <= doorbell.UNANSWERED_MS


@pytest.mark.django_db(transaction=True)
def test_it_rings_after_the_commit_and_not_after_a_rollback(redis: Redis) -> None:
    with transaction.atomic():
        doorbell.ring(TASK)
        assert redis.llen(QUEUE) == 0
    assert redis.llen(QUEUE) == 1
    doorbell.answered(TASK)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        doorbell.ring(TASK)
        raise ZeroDivisionError
    assert redis.llen(QUEUE) == 1


@pytest.mark.django_db(transaction=True)
def test_an_unanswered_bell_can_be_rung_again_after_a_second(redis: Redis) -> None:
    doorbell.ring(TASK)
    assert 0 < redis.pttl(f"countersign:bell:{TASK}") <= doorbell.UNANSWERED_MS


@pytest.mark.django_db(transaction=True)
def test_f16_a_message_carries_nothing(redis: Redis) -> None:
    import json

    doorbell.ring(TASK)
    message = json.loads(redis.lindex(QUEUE, 0))
    assert message["headers"]["task"] == TASK
    assert message["headers"]["argsrepr"] == "()"
    assert message["headers"]["kwargsrepr"] == "{}"


def impatient(url: str) -> Redis:
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return Redis.from_url(
        url,
        socket_timeout=doorbell.WAIT_SECONDS,
        socket_connect_timeout=doorbell.WAIT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("answering", [False, True], ids=["refused", "silent"])
def test_without_redis_nobody_waits_and_nothing_is_raised(monkeypatch: pytest.MonkeyPatch, answering: bool) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        if answering:  # accepts and never says a word, as a stopped process does
            listening.listen()
            accepted: list[socket.socket] = []
            thread = threading.Thread(target=lambda: accepted.append(listening.accept()[0]), daemon=True)
            thread.start()
        use(impatient(f"redis://127.0.0.1:{listening.getsockname()[1]}/0"), monkeypatch)
        began = time.perf_counter()
        doorbell.ring(TASK)
        doorbell.ring(TASK)
        doorbell.answered(TASK)
        assert time.perf_counter() - began < 0.25
        if answering:
            thread.join(1)
            for connection in accepted:
                connection.close()


def test_a_task_without_a_queue_is_a_mistake_in_the_program() -> None:
    with pytest.raises(KeyError):
        doorbell.ring("nobody.knows")
