"""Notices with the product's own accounts: pages as the web account, telling and sending as the worker's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.models import Team
from approvals.models import Delivery, Notice, NoticeAddress, NoticeRoute
from approvals.services.notify import running_out
from approvals.tasks import send_notices
from lam_app.sweep import sweep
from tests.support.api import account
from tests.support.postbox import Postbox, postbox
from tests.support.rude import Rude, rude, says
from tests.support.telling import pass_on, states
from tests.support.walking import BACKEND
from tests.support.world import World

PAGE = "/settings/notices/"


@pytest.fixture
def outside(settings: Any) -> Iterator[tuple[Postbox, Rude]]:
    """A mail server and a receiver of webhooks."""
    with postbox() as box, rude(says(200, "ok")) as hook:
        settings.LAM_MAIL_FROM = "countersign@example.org"
        settings.LAM_MAIL_SERVER = {
            "host": "127.0.0.1", "port": box.port, "username": "", "password": "", "use_tls": False, "use_ssl": False,
        }  # fmt: skip
        settings.LAM_NOTICE_PRIVATE = frozenset({hook.place})
        yield box, hook


def test_everything_that_pages_and_workers_do_is_granted_to_them(world: World, outside: tuple[Postbox, Rude]) -> None:
    box, hook = outside
    reviewer, administrator = Client(), Client()
    reviewer.force_login(world.reviewer, backend=BACKEND)
    administrator.force_login(world.administrator, backend=BACKEND)
    team = str(Team.objects.get(organization=world.organization, name="reviewers").pk)
    with account("web"):
        asked = [
            reviewer.post(PAGE, {"what": "mail", "address": "old@example.org"}),
            reviewer.post(PAGE, {"what": "mail", "address": "ann@example.org"}),
            reviewer.post(PAGE, {"what": "route", "channel": "mail", "tool": "", "risk": "low"}),
            reviewer.post(PAGE, {"what": "ring"}),
            administrator.post(PAGE, {"what": "webhook", "url": hook.url, "team": team}),
        ]
        assert [answer.status_code for answer in asked] == [302, 302, 302, 302, 200]
    mail, webhook = (NoticeAddress.objects.get(channel=channel, ended_at=None) for channel in ("mail", "webhook"))
    with account("web"):
        route = {"what": "route", "channel": "webhook", "address": str(webhook.pk), "risk": "low", "team": team}
        assert administrator.post(PAGE, route).status_code == 302
        assert reviewer.post(PAGE, {"what": "try", "which": str(mail.pk)}).status_code == 302
    world.staged()
    with account("worker"):
        assert running_out() == 0
        assert "approvals.tasks.send_notices" in sweep()
        assert send_notices() == 3
        assert "approvals.tasks.send_notices" not in sweep()
    assert states() == ["sent"] * 3
    assert (len(box.letters), len(hook.requests)) == (2, 1)
    tried, own = Delivery.objects.get(trial=True).pk, NoticeRoute.objects.get(person=world.reviewer).pk
    with account("web"):
        assert reviewer.get("/notices/news/").json()["unread"] == "2"
        assert reviewer.get(f"{PAGE}tried/", {"delivery": str(tried)}).status_code == 286
        assert reviewer.get("/notices/").status_code == 200
        assert reviewer.post("/notices/read/", {"what": "all"}).status_code == 302
        assert reviewer.post(PAGE, {"what": "end", "which": str(mail.pk)}).status_code == 302
        assert reviewer.post(PAGE, {"what": "unroute", "which": str(own)}).status_code == 302
        assert administrator.post(PAGE, {"what": "end", "which": str(webhook.pk), "team": team}).status_code == 302
        assert reviewer.get(PAGE).status_code == 200
    assert not Notice.objects.filter(person=world.reviewer, read_at=None).exists()
    assert not NoticeAddress.objects.filter(ended_at=None).exists()


def test_what_fails_is_noted_by_the_worker_too(world: World, outside: tuple[Postbox, Rude]) -> None:
    box, _ = outside
    box.refuses["RCPT"] = "450 not now"
    reviewer = Client()
    reviewer.force_login(world.reviewer, backend=BACKEND)
    with account("web"):
        reviewer.post(PAGE, {"what": "mail", "address": "ann@example.org"})
        reviewer.post(PAGE, {"what": "route", "channel": "mail", "tool": "", "risk": "low"})
    world.staged()
    with account("worker"):
        assert pass_on() == 0
    assert states() == ["waiting"]
    assert "450 not now" in NoticeAddress.objects.get().problem
