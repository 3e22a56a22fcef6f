"""Redis forgets everything, hangs for a minute, dies and comes back empty; PostgreSQL restarts (F17, F18, F21).

On the real processes, as `manage.py up` runs them, and nothing is restarted by hand. What was accepted is done once.
"""

from __future__ import annotations

import json
import signal
import time
import urllib.error
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import psutil
import psycopg
import pytest
from redis import Redis

from tests.journeys.test_real_tasks import manage
from tests.support.desk import Client, Session
from tests.support.up import Up, until

pytestmark = pytest.mark.slow
AGENT = ("agent", "create", "caller", "--organization", "demo", "--owner", "operator", "--tool", "send_message")
TOKEN = ("token", "create", "--user", "operator", "--scope", "agent", "--agent", "caller")


@dataclass
class Office:
    """A running product, an agent that proposes, a person who approves, and what was accepted so far."""

    up: Up
    caller: Client
    reviewer: Session
    urls: dict[str, str]
    accepted: dict[str, str] = field(default_factory=dict)
    """Action by the words of its message."""

    def propose(self) -> str:
        """One more message; the action, once the product has said that it has it."""
        words = uuid.uuid4().hex
        call = {"tool": "send_message", "arguments": {"to": "customer of order 1009", "body": words}}
        shown = self.caller("POST", "/actions", call)
        assert shown["status"] == "in_review"
        self.accepted[words] = shown["id"]
        return str(shown["id"])

    def approve(self, action: str) -> None:
        """A person says yes to what is shown."""
        shown = self.caller("GET", f"/actions/{action}")
        assert self.reviewer.decide(action, shown["digest"], "approve") == 200

    def open(self) -> list[str]:
        """Accepted actions that are not done."""
        return [action for action in self.accepted.values() if self.status(action) != "done"]

    def status(self, action: str) -> str:
        """Where an action stands; empty while nobody can say."""
        try:
            return str(self.caller("GET", f"/actions/{action}")["status"])
        except (OSError, urllib.error.HTTPError):
            return ""

    def all_done(self, seconds: float = 30) -> None:
        """Everything that was accepted ends as done, each with one effect."""
        until(lambda: self.open() == [], seconds, "everything that was accepted is done")
        with psycopg.connect(self.urls["worker"]) as connection:
            rows = connection.execute("SELECT body, count(*) FROM tools_outboxmessage GROUP BY body").fetchall()
        felt = dict(rows)
        assert {words: felt.get(words, 0) for words in self.accepted} == dict.fromkeys(self.accepted, 1)

    @cached_property
    def redis(self) -> Redis:
        """The product's Redis."""
        return Redis.from_url(self.urls["redis"])


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Up, str]]:
    with Up(LAM_DEMO="people") as up:
        manage(up, "owner", *AGENT)
        yield up, manage(up, "web", *TOKEN)


@pytest.fixture
def office(running: tuple[Up, str]) -> Office:
    up, token = running
    urls = json.loads((up.home / "run" / "services.json").read_text())
    return Office(up, Client(up.url, token), Session(up.url, "reviewer"), urls)


def again(what: Callable[[], object], seconds: float = 30) -> None:
    """Until it goes through, as a client would."""

    def tried() -> bool:
        try:
            what()
        except (OSError, AssertionError):
            return False
        return True

    until(tried, seconds, "it goes through again")


def test_f17_a_redis_that_forgets_everything_loses_nothing(office: Office) -> None:
    """The messages are lost for certain: nobody was there to take them, and then they are forgotten."""
    waiting = [office.propose() for _ in range(10)]
    workers = [office.up.child(name) for name in ("gatekeeper", "executor1")]
    for worker in workers:
        worker.send_signal(signal.SIGSTOP)
    try:
        office.redis.client_kill_filter(_type="normal", skipme=True)  # a worker that waits would be handed one
        for action in waiting:
            office.approve(action)
        office.redis.flushall()
    finally:
        for worker in workers:
            worker.send_signal(signal.SIGCONT)
    office.all_done()


def test_f19_a_redis_that_hangs_for_a_minute_holds_up_nobodys_decision(office: Office) -> None:
    redis = office.up.child("redis")
    redis.send_signal(signal.SIGSTOP)
    end = time.monotonic() + 60
    try:
        while time.monotonic() < end:
            office.approve(office.propose())
            time.sleep(5)  # the minute is the point: every time-out and back-off of a client lies within it
        workers = [office.up.child(name).pid for name in ("gatekeeper", "executor1", "web")]
    finally:
        redis.send_signal(signal.SIGCONT)
    assert len(office.accepted) > 5
    office.all_done()
    assert all(psutil.pid_exists(pid) for pid in workers)


def test_f18_a_redis_that_comes_back_empty_is_as_good_as_before(office: Office) -> None:
    waiting = [office.propose() for _ in range(3)]
    killed = office.up.child("redis")
    killed.send_signal(signal.SIGKILL)
    for action in waiting:
        office.approve(action)
    until(lambda: office.up.came_back("redis", killed.pid), 30, "Redis is back")
    again(lambda: office.redis.flushall())
    again(lambda: office.approve(office.propose()))
    office.all_done()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["restarted", "killed"])
def test_f21_a_postgresql_that_goes_away_takes_nothing_along(office: Office, how: signal.Signals) -> None:
    waiting = [office.propose() for _ in range(6)]
    for action in waiting[:3]:
        office.approve(action)
    killed = office.up.child("postgres")
    killed.send_signal(how)
    until(lambda: office.up.came_back("postgres", killed.pid), 30, "PostgreSQL is back")
    for action in waiting[3:]:
        again(lambda action=action: office.approve(action))  # type: ignore[misc]
    again(lambda: office.approve(office.propose()))
    for action in office.accepted.values():
        if office.status(action) == "in_review":
            again(lambda action=action: office.approve(action))  # type: ignore[misc]
    office.all_done()
