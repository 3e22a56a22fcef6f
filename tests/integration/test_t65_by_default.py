"""Whoever may no longer hear is told nothing fifteen seconds later, with the settings as they come."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings

from approvals.feed import hub, streams
from approvals.feed.hub import Hub
from approvals.feed.streams import Stream
from tests.integration.test_feed_stream import reader, seat
from tests.support.world import World

MOST: float = 15
"""Seconds for which anything may still be told."""


def test_t65_by_default_a_revoked_page_is_found_out_at_the_next_look_and_told_nothing_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    stream = Stream(seat(world), reader(world), None)
    holds = {stream.seat: stream.reader.sees}
    answers: list[dict[Any, Any]] = [holds, holds, {}]  # the session is ended after the second look
    ended: list[bool] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        ended.append(stream.ended)

    async def sent() -> list[bytes]:
        found = Hub()
        found.streams.add(stream)
        stream.vouched = asyncio.get_running_loop().time()

        async def apart(*_: Any) -> dict[Any, Any]:
            if len(answers) == 1:
                stream.offer(b"before the look that finds it out")
                found.streams.discard(stream)
            return answers.pop(0)

        found.apart = apart  # type: ignore[method-assign]
        await found._check()
        stream.offer(b"after it")
        return [message async for message in stream.messages()]

    clock = SimpleNamespace(sleep=sleep, get_running_loop=asyncio.get_running_loop)
    monkeypatch.setattr(hub, "asyncio", clock)
    (last,) = asyncio.run(sent())
    assert b"event: revoked" in last
    assert slept == [settings.LAM_FEED_CHECK_SECONDS] * 3
    assert ended == [False] * 3  # it was told until then
    assert slept[-1] <= MOST


def test_t65_by_default_no_word_that_is_sent_on_is_older_than_fifteen_seconds(world: World) -> None:
    stream = Stream(seat(world), reader(world), None)

    async def sent() -> list[bytes]:
        stream.vouched = asyncio.get_running_loop().time() - MOST
        stream.offer(b"x")
        return [message async for message in stream.messages()]

    (last,) = asyncio.run(sent())
    assert b"event: bye" in last
    assert settings.LAM_FEED_CHECK_SECONDS <= streams.TRUST <= MOST
