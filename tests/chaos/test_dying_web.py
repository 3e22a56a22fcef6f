"""The web process dies, or loses its connection, at each commit of a request (F01 to F04, F22, F24).

The request runs in this process through the proxy, which cuts its connection there: what PostgreSQL sees of a process
that was killed, and what a client sees of it: no answer that it could trust.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import connection

from approvals.models import Action, Decision
from approvals.tasks import execute_permitted, sign_permits
from lam_app.sweep import sweep
from tests.support.api import make_api
from tests.support.pgproxy import Mode, PgProxy
from tests.support.racing import kinds, race
from tests.support.voting import signed_in
from tests.support.world import MESSAGE, World
from tools.models import OutboxMessage

if TYPE_CHECKING:
    from tests.support.pgproxy import Watch

CALL = {"tool": "send_message", "arguments": MESSAGE}
MOST = 12
"""Boundaries of one request, at most."""


@pytest.fixture
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PgProxy]:
    address = dict(parse_qsl(urlsplit(os.environ["COUNTERSIGN_TEST_WORKER"]).query))["host"]
    with PgProxy(Path(address) / ".s.PGSQL.5432", tmp_path_factory.mktemp("p")) as found:
        yield found


@contextlib.contextmanager
def cut(proxy: PgProxy, at: int, mode: Mode) -> Iterator[Watch]:
    """Inside the block this process speaks through the proxy, which ends its connection at that boundary."""
    before = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = str(proxy.directory)
    try:
        yield proxy.watch(os.getpid(), at, mode, spare=True)
    finally:
        connection.close()
        connection.settings_dict["HOST"] = before


def refused(ask: Any) -> bool:
    """Whether the client was told that it does not know: 503, or no answer at all."""
    try:
        return bool(ask().status_code == 503)
    except Exception:  # the connection broke behind the answer: the process that would send it is dead
        return True


@pytest.mark.parametrize("mode", [Mode.BEFORE, Mode.AMBIGUOUS])
def test_f01_f02_a_proposal_whose_answer_never_came_is_there_once_when_it_is_sent_again(
    world: World, proxy: PgProxy, mode: Mode
) -> None:
    """Before a commit nothing exists, after it one row; the client, which cannot tell, sends the same again."""
    api, visited = make_api(world), 0
    for at in range(1, MOST):
        key, count = f"order-{at}", Action.objects.count()
        with cut(proxy, at, mode) as watch:
            unknown = refused(partial(api.bot.post, "actions", CALL, Idempotency_Key=key))
        if not watch.struck.is_set():
            break
        visited += 1
        assert unknown or Action.objects.count() == count + 1
        assert Action.objects.count() - count in {0, 1}
        if mode is Mode.BEFORE and at == 1:
            assert Action.objects.count() == count
        answer = api.bot.post("actions", CALL, Idempotency_Key=key)
        assert answer.status_code == 202, answer.content
        assert Action.objects.count() == count + 1
        assert api.bot.post("actions", CALL, Idempotency_Key=key).json()["id"] == answer.json()["id"]
    assert visited >= 1


def test_f03_f04_what_was_approved_while_no_message_left_is_found_by_the_sweep(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("traces.doorbell._ring_now", lambda *_: None)  # the process died before it could ring
    action, reviewer = world.staged(), signed_in(world, "reviewer")
    reviewer.post(f"/actions/{action.pk}/decide/", {"decision": "approve", "digest": action.digest})
    assert "approvals.tasks.sign_permits" in sweep()
    sign_permits()
    assert "approvals.tasks.execute_permitted" in sweep()
    execute_permitted()
    action.refresh_from_db()
    assert (action.status, OutboxMessage.objects.count()) == ("done", 1)
    assert "approvals.tasks.execute_permitted" not in sweep()


@pytest.mark.parametrize("mode", [Mode.BEFORE, Mode.AMBIGUOUS])
def test_f04_an_approval_whose_answer_never_came_counts_once_and_the_page_shows_it(
    world: World, proxy: PgProxy, mode: Mode
) -> None:
    visited = 0
    for at in range(1, MOST):
        action, reviewer = world.staged(arguments={**MESSAGE, "body": f"Number {at}."}), signed_in(world, "reviewer")
        form = {"decision": "approve", "digest": action.digest}
        reviewer.raise_request_exception = False
        with cut(proxy, at, mode) as watch:
            refused(partial(reviewer.post, f"/actions/{action.pk}/decide/", form))
        if not watch.struck.is_set():
            break
        visited += 1
        decided = Decision.objects.filter(action=action).count()
        action.refresh_from_db()
        assert (decided, action.status) in {(0, "in_review"), (1, "permitted")}
        again = reviewer.post(f"/actions/{action.pk}/decide/", form).status_code
        assert again == (302 if decided == 0 else 409)
        assert Decision.objects.filter(action=action).count() == 1
        assert "reviewer" in reviewer.get(f"/actions/{action.pk}/").content.decode()
    assert visited >= 1


def test_f14_sweepers_that_run_at_once_do_everything_once(world: World) -> None:
    """Ten sweeps and two executors, let go together, over work of every kind."""
    for number in range(5):
        action = world.staged(arguments={**MESSAGE, "body": f"Number {number}."})
        signed_in(world, "reviewer").post(
            f"/actions/{action.pk}/decide/", {"decision": "approve", "digest": action.digest}
        )
    sign_permits()
    came = race(*[sweep] * 6, execute_permitted, sweep, execute_permitted, sweep)
    assert set(kinds(came)) <= {"list", "int"}, came
    while execute_permitted():
        pass
    assert set(Action.objects.values_list("status", flat=True)) == {"done"}
    assert OutboxMessage.objects.count() == 5
