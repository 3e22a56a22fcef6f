"""A sender that is killed between the sending and the mark: it is sent again, under the same id, and marked once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from approvals.models import Delivery
from approvals.services.deliver import deliver
from approvals.services.notify import notify
from tests.support.postbox import Postbox, postbox
from tests.support.rude import Rude, rude, says
from tests.support.stage import on
from tests.support.telling import by_mail, by_webhook, hurry, pass_on, states
from tests.support.up import PROJECT, until
from tests.support.world import World

SENDS = "import django; django.setup(); from approvals.services.deliver import deliver; deliver()"
FROM = "countersign@example.org"


@pytest.fixture
def sender() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """A process of its own that sends what is due, as the worker account, on this test's database."""
    started: list[subprocess.Popen[bytes]] = []

    def start(**settings: str) -> subprocess.Popen[bytes]:
        address = on(os.environ["COUNTERSIGN_TEST_WORKER"], dbname=str(connection.settings_dict["NAME"]))
        env = {**os.environ, "LAM_ROLE": "worker", "DATABASE_URL": address, **settings}
        started.append(subprocess.Popen([sys.executable, "-c", SENDS], cwd=PROJECT, env=env))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait(5)


def killed(process: subprocess.Popen[bytes]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(5) == -signal.SIGKILL


def holds(hook: Rude, connection: Any) -> None:
    """Take the call and do not say so."""
    hook.read(connection)
    hook.over.wait(30)


def test_a_webhook_hears_it_again_under_the_same_id(
    world: World, settings: Any, sender: Callable[..., subprocess.Popen[bytes]]
) -> None:
    with rude(holds) as hook:
        settings.LAM_NOTICE_PRIVATE = frozenset({hook.place})
        by_webhook(world, hook.url, team="reviewers")
        world.staged()
        notify()
        process = sender(LAM_NOTICE_PRIVATE=hook.place)
        until(lambda: len(hook.requests) == 1, 30, "the call arrived")
        assert deliver() == 0  # it is somebody's as long as they may live
        killed(process)
        assert states() == ["waiting"]
        hook.manner = says(200, "ok")
        hurry()
        assert deliver() == 1
        assert states() == ["sent"]
        first, second = (hook.headers(index)["webhook-id"] for index in (0, 1))
        assert first == second == str(Delivery.objects.get().pk)
        assert (
            hook.requests[0].split(b"\r\n\r\n", 1)[1].split(b'"data"')[1]
            == (hook.requests[1].split(b"\r\n\r\n", 1)[1].split(b'"data"')[1])
        )
        hurry()
        assert deliver() == 0


def test_a_letter_comes_again_under_the_same_id(
    world: World, settings: Any, sender: Callable[..., subprocess.Popen[bytes]]
) -> None:
    with postbox() as box:
        box.holds_back = True
        settings.LAM_MAIL_FROM, settings.LAM_MAIL_SERVER = FROM, server(box)
        by_mail(world, "reviewer")
        world.staged()
        notify()
        process = sender(LAM_MAIL_URL=box.url, LAM_MAIL_FROM=FROM)
        until(lambda: len(box.letters) == 1, 30, "the letter arrived")
        killed(process)
        assert states() == ["waiting"]
        box.holds_back = False
        hurry()
        assert pass_on() == 1
        assert len({letter.message["Message-ID"] for letter in box.letters}) == 1
        assert len(box.letters) == 2
        assert states() == ["sent"]


def server(box: Postbox) -> dict[str, Any]:
    """LAM_MAIL_SERVER for this one."""
    return {
        "host": "127.0.0.1", "port": box.port, "username": "", "password": "", "use_tls": False, "use_ssl": False,
    }  # fmt: skip
