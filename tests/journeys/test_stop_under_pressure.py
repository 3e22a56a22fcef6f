"""The stop works when nothing else does: every connection taken, a table locked, Redis gone (THREATS T110)."""

from __future__ import annotations

import http.cookiejar
import signal
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

import psycopg
import pytest

from tests.support.up import PASSWORD, Up, until

pytestmark = pytest.mark.slow
BUSY = 64
TRIALS = 20


class Visitor:
    """A signed-in browser without pictures."""

    def __init__(self, up: Up, name: str) -> None:
        self.up = up
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar), _Stay())
        self.opener.open(f"{up.url}/accounts/login/", timeout=10).close()
        self.post("/accounts/login/", login=name, password=PASSWORD)

    def post(self, path: str, **form: str) -> int:
        """Send a form; the status of the answer, redirects not followed."""
        token = next(str(cookie.value) for cookie in self.jar if cookie.name == "csrftoken")
        body = urllib.parse.urlencode({**form, "csrfmiddlewaretoken": token}).encode()
        asked = urllib.request.Request(f"{self.up.url}{path}", body, {"Referer": f"{self.up.url}{path}"})
        try:
            with self.opener.open(asked, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def get(self, path: str) -> int:
        """Ask for a page; its status."""
        try:
            with self.opener.open(f"{self.up.url}{path}", timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    with Up() as running:
        yield running


def test_t110_sixty_four_requests_that_hold_every_connection_and_a_lock_delay_no_stop(up: Up) -> None:
    reviewer = Visitor(up, "reviewer")
    with psycopg.connect(up.owner) as locking:
        locking.execute("LOCK TABLE approvals_action IN ACCESS EXCLUSIVE MODE")  # what pages read, and no stop does
        busy = [threading.Thread(target=reviewer.get, args=(("/", "/stop/")[n % 2],)) for n in range(BUSY)]
        for one in busy:
            one.start()
        with psycopg.connect(up.owner, autocommit=True) as watching:
            until(lambda: _waiting(watching) >= 10, 60, "the pool is taken")
            took = []
            for _ in range(TRIALS):
                began = time.monotonic()
                assert reviewer.post("/stop/", scope="organization", reason="Stop it.") == 302
                took.append(time.monotonic() - began)
            assert _waiting(watching) >= 10, "the pool was not taken all the time"
        locking.rollback()
    for one in busy:
        one.join()
    with psycopg.connect(up.owner) as reading:
        row = reading.execute("SELECT count(*) FROM tools_killswitch").fetchone()
    assert row == (TRIALS,)
    print(f"armed under pressure: slowest {1000 * max(took):.0f} ms of {TRIALS}")
    assert max(took) < 5, "slower than a request waits for the pool: the reserve was not used"


def test_t110_with_redis_gone_a_stop_is_armed(up: Up) -> None:
    reviewer = Visitor(up, "reviewer")
    redis = up.child("redis")
    redis.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert reviewer.post("/stop/", scope="organization", reason="Without Redis.") == 302
        print(f"armed without Redis: {1000 * (time.monotonic() - began):.0f} ms")
    finally:
        redis.send_signal(signal.SIGCONT)
    with psycopg.connect(up.owner) as reading:
        row = reading.execute("SELECT count(*) FROM tools_killswitch WHERE reason = 'Without Redis.'").fetchone()
    assert row == (1,)


def _waiting(watching: psycopg.Connection) -> int:
    """How many requests wait for the locked table."""
    row = watching.execute(
        "SELECT count(*) FROM pg_locks WHERE relation = 'approvals_action'::regclass AND NOT granted"
    ).fetchone()
    return int(row[0]) if row else 0
