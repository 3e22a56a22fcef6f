"""News is told after the commit that wrote, once, to whoever listens; and costs nobody anything where nobody does."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import transaction

from traces import news

pytestmark = pytest.mark.django_db(transaction=True)
ORGANIZATION, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


class Listened:
    """A Redis to which so many listen."""

    def __init__(self, listeners: int) -> None:
        self.listeners = listeners
        self.told: list[str] = []

    def publish(self, channel: str, word: str) -> int:
        """What Redis does."""
        assert word == ""  # it carries nothing
        self.told.append(channel)
        return self.listeners


@pytest.fixture(autouse=True)
def redis(monkeypatch: pytest.MonkeyPatch) -> Listened:
    """One page listens."""
    found = Listened(1)
    monkeypatch.setattr(news, "_redis", lambda: found)
    monkeypatch.setattr(news, "_silent_until", 0.0)
    monkeypatch.setattr(news, "_deaf_until", {})
    return found


def test_it_is_told_after_the_commit_once_and_not_after_a_rollback(redis: Listened) -> None:
    with transaction.atomic():
        news.tell("action", [ORGANIZATION])
        news.tell("action", [ORGANIZATION])
        with transaction.atomic():
            news.tell("stop", [ORGANIZATION])
        assert redis.told == []
    assert redis.told == [news.channel(ORGANIZATION)]
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        news.tell("action", [ORGANIZATION])
        raise ZeroDivisionError
    assert len(redis.told) == 1


def test_what_a_savepoint_took_back_silences_nothing_else(redis: Listened) -> None:
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            news.tell("action", [ORGANIZATION])
            raise ZeroDivisionError
        news.tell("action", [ORGANIZATION])
    assert redis.told == [news.channel(ORGANIZATION)]


def test_what_no_page_follows_is_not_told(redis: Listened) -> None:
    news.tell("grant", [ORGANIZATION])
    news.tell("action", [])
    assert redis.told == []


def test_where_nobody_listens_nothing_is_told_for_a_while_and_others_are_told_as_before(redis: Listened) -> None:
    redis.listeners = 0
    news.tell("action", [ORGANIZATION])
    news.tell("action", [ORGANIZATION])
    assert redis.told == [news.channel(ORGANIZATION)]
    redis.listeners = 1
    news.tell("action", [OTHER])
    news.tell("action", [OTHER])
    assert redis.told[1:] == [news.channel(OTHER)] * 2


def test_a_redis_that_is_away_is_asked_once_and_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def away() -> Any:
        asked.append(True)
        raise ConnectionError("away")

    monkeypatch.setattr(news, "_redis", away)
    news.tell("action", [ORGANIZATION])
    news.tell("action", [OTHER])
    assert asked == [True]
