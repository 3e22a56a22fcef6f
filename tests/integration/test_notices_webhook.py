"""Notices by webhook, over the wire: signed, in a shape that chats accept, and under the rules of egress."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest

from approvals.models import Delivery, NoticeAddress
from approvals.notices.exceptions import NoticesRefused, NotTheirs
from approvals.services import listen
from tests.support.rude import Rude, closed_port, hangs, rude, says
from tests.support.telling import by_webhook, hurry, listener, pass_on, states
from tests.support.world import World
from tools.models import Tool

NO_ADDRESSES = (
    "http://127.0.0.1:9/", "https://127.0.0.1/", "https://10.0.0.1/hook", "https://169.254.169.254/latest",
    "https://[::1]/", "https://0x7f.1/", "https://user:word@example.org/", "ftp://example.org/", "//example.org/",
    "https://example.org:22/", "https://example.org/\r\nHost: x", "javascript:alert(1)", "https://", "",
)  # fmt: skip


@pytest.fixture
def hook(settings: Any) -> Iterator[Rude]:
    """A receiver on loopback that the installation allows."""
    settings.LAM_PUBLIC_URL = "https://countersign.example.org"
    with rude(says(200, "ok")) as hook:
        settings.LAM_NOTICE_PRIVATE = frozenset({hook.place})
        yield hook


def body_of(hook: Rude, index: int = -1) -> Any:
    """What was posted."""
    return json.loads(hook.requests[index].split(b"\r\n\r\n", 1)[1])


def test_a_call_is_signed_and_says_tool_risk_who_and_where_to_look(world: World, hook: Rude) -> None:
    _, key = by_webhook(world, f"{hook.url}/services/T0/B0/secret-path", team="reviewers")
    action = world.staged()
    assert pass_on() == 1
    headers = hook.headers()
    raw = hook.requests[0].split(b"\r\n\r\n", 1)[1]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + raw
    right = base64.b64encode(hmac.new(base64.b64decode(key[6:]), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{right}"
    assert headers["webhook-id"] == str(Delivery.objects.get().pk)
    assert headers["content-type"] == "application/json"
    said = body_of(hook)
    assert set(said) == {"type", "timestamp", "text", "data"}
    link = f"https://countersign.example.org/actions/{action.pk}/"
    assert said["text"] == f"Send message waits for a decision, for operator ({action.risk} risk): {link}"
    assert said["data"]["notices"] == [
        {
            "kind": "waits",
            "title": "Send message waits for a decision, for operator",
            "risk": action.risk,
            "url": link,
        }
    ]
    assert "1009" not in raw.decode()


def test_a_team_is_told_once_however_many_of_it_are_concerned(world: World, hook: Rude) -> None:
    by_webhook(world, hook.url, team="reviewers")
    world.staged()
    pass_on()
    assert len(hook.requests) == 1


def test_a_team_that_is_not_concerned_is_not_told(world: World, hook: Rude) -> None:
    by_webhook(world, hook.url, team="auditors")
    world.staged()
    pass_on()
    assert hook.requests == []


def test_a_name_calls_nobody_in_a_chat_and_hides_no_link(world: World, hook: Rude) -> None:
    tool = Tool.objects.select_related("version").get(pk=world.tool().pk)
    assert tool.version is not None
    world.operator.username = "<!channel> <http://evil.example|here> & more"
    world.operator.save()
    by_webhook(world, hook.url, team="reviewers")
    world.staged()
    pass_on()
    text = body_of(hook)["text"]
    assert "<" not in text
    assert "&lt;!channel&gt;" in text


@pytest.mark.parametrize("url", NO_ADDRESSES)
def test_an_address_that_tools_may_not_reach_is_no_webhooks_either(world: World, url: str) -> None:
    with pytest.raises(NoticesRefused):
        listen.add_webhook(listener(world, "administrator"), url)
    assert not NoticeAddress.objects.exists()


def test_what_the_operator_opened_to_tools_is_open_to_no_webhook(world: World, hook: Rude, settings: Any) -> None:
    by_webhook(world, hook.url, team="reviewers")  # while it was a place for notices
    settings.LAM_EGRESS_PRIVATE, settings.LAM_NOTICE_PRIVATE = frozenset({hook.place}), frozenset()
    for url in (hook.url, hook.url.replace("http://", "https://")):
        with pytest.raises(NoticesRefused, match="which webhooks may not reach"):
            listen.add_webhook(listener(world, "administrator"), url)
    world.staged()
    pass_on()
    assert states() == ["given_up"]
    assert "which webhooks may not reach" in NoticeAddress.objects.get().problem
    assert hook.connections == 0


def test_a_name_that_leads_into_the_house_is_not_followed(
    world: World, hook: Rude, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_webhook(world, "https://hooks.example.org/in", team="reviewers")
    monkeypatch.setattr("tools.egress.lookup", lambda host, port: ["127.0.0.1"])
    world.staged()
    pass_on()
    assert states() == ["given_up"]
    assert "loopback" in NoticeAddress.objects.get().problem
    assert hook.connections == 0


def test_what_answers_no_is_tried_again_under_the_same_id_and_said_in_words(world: World, settings: Any) -> None:
    with rude(says(503, "busy, <b>later</b>\r\n")) as hook:
        settings.LAM_NOTICE_PRIVATE = frozenset({hook.place})
        by_webhook(world, hook.url, team="reviewers")
        world.staged()
        assert pass_on() == 0
        assert NoticeAddress.objects.get().problem == "127.0.0.1 answered 503: busy, <b>later</b>."
        hurry()
        hook.manner = says(204, "")
        assert pass_on() == 1
        assert hook.headers(0)["webhook-id"] == hook.headers(1)["webhook-id"]
    assert NoticeAddress.objects.get().problem == ""


def test_who_says_that_nobody_is_there_any_more_is_not_asked_again(world: World, settings: Any) -> None:
    with rude(says(410, "")) as hook:
        settings.LAM_NOTICE_PRIVATE = frozenset({hook.place})
        by_webhook(world, hook.url, team="reviewers")
        world.staged()
        assert pass_on() == 1
    assert states() == ["given_up"]


def test_a_redirect_is_not_followed(world: World, settings: Any) -> None:
    with rude(says(200, "ok")) as inner, rude(says(302, "", f"Location: {inner.url}/")) as hook:
        settings.LAM_NOTICE_PRIVATE = frozenset({hook.place, inner.place})
        by_webhook(world, hook.url, team="reviewers")
        world.staged()
        pass_on()
        assert inner.connections == 0
        assert states() == ["waiting"]


def test_one_that_hangs_holds_up_its_own_letters_only(
    world: World, hook: Rude, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("approvals.notices.post.SECONDS", 0.3)
    with rude(hangs) as silent:
        place = silent.place
        settings.LAM_NOTICE_PRIVATE = frozenset({hook.place, silent.place})
        by_webhook(world, silent.url, team="reviewers")
        by_webhook(world, hook.url, team="reviewers")
        for _ in range(3):
            world.staged()
        pass_on()
        assert silent.connections == 1
        assert len(hook.requests) == 1
    assert NoticeAddress.objects.get(shown=place).problem == "No answer came in time."


def test_only_administrators_send_news_out_of_the_house(world: World, hook: Rude) -> None:
    for name in ("reviewer", "operator", "auditor"):
        with pytest.raises(NotTheirs):
            listen.add_webhook(listener(world, name), hook.url)
        with pytest.raises(NotTheirs):
            listen.add_webhook(listener(world, name, "reviewers"), hook.url)
    assert not NoticeAddress.objects.exists()


def test_a_webhook_that_nobody_listens_at_keeps_what_is_to_be_said(world: World, settings: Any) -> None:
    place = f"127.0.0.1:{closed_port()}"
    settings.LAM_NOTICE_PRIVATE = frozenset({place})
    by_webhook(world, f"http://{place}/", team="reviewers")
    world.staged()
    assert pass_on() == 0
    assert states() == ["waiting"]
    assert "refused the connection" in NoticeAddress.objects.get().problem
