"""Where people and teams hear of what: the page, its verbs, who may set it, and the button that tries it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.models import Team
from approvals.models import Delivery, NoticeAddress, NoticeRoute, WebhookKey
from approvals.notices.exceptions import NoticesNotFound, NoticesRefused, TooManyTrials
from approvals.services import listen
from approvals.services.listen import ALL_TRIALS, TRIALS
from tests.support.postbox import postbox
from tests.support.rude import Rude, closed_port, rude, says
from tests.support.telling import by_mail, by_webhook, kinds, listener, pass_on
from tests.support.walking import BACKEND
from tests.support.world import World
from traces.models import Event, EventDetail

PAGE = "/settings/notices/"


def browser(world: World, name: str) -> Client:
    client = Client()
    client.force_login(world.people[name], backend=BACKEND)
    return client


@pytest.fixture
def hook(settings: Any) -> Iterator[Rude]:
    with rude(says(200, "ok")) as hook:
        settings.LAM_NOTICE_PRIVATE = frozenset({hook.place})
        yield hook


def team(world: World, name: str = "reviewers") -> str:
    return str(Team.objects.get(organization=world.organization, name=name).pk)


def test_a_person_sets_an_address_and_what_goes_there(world: World) -> None:
    client = browser(world, "reviewer")
    assert client.post(PAGE, {"what": "mail", "address": " ann@example.org "}).status_code == 302
    assert client.post(PAGE, {"what": "route", "channel": "mail", "tool": "", "risk": "high"}).status_code == 302
    said = client.get(PAGE).content.decode()
    assert "ann@example.org" in said
    assert "High only" in said
    told = Event.objects.filter(actor=world.reviewer.pk, verb__startswith="notice_").order_by("id")
    assert [event.verb for event in told] == ["notice_address_added", "notice_route_added"]
    details = " ".join(EventDetail.objects.filter(event__in=[e.pk for e in told]).values_list("detail", flat=True))
    assert "example" not in details


def test_another_address_takes_the_place_of_the_first(world: World) -> None:
    client = browser(world, "reviewer")
    for address in ("ann@example.org", "ann@example.com", "ann@example.com"):
        client.post(PAGE, {"what": "mail", "address": address})
    assert list(NoticeAddress.objects.filter(ended_at=None).values_list("shown", flat=True)) == ["ann@example.com"]
    assert NoticeAddress.objects.count() == 2


@pytest.mark.parametrize(
    "address",
    ["", "ann", "ann@", "ann@example.org\r\nBcc: b@example.org", "a@b@example.org", "Ann <ann@example.org>",
     "ann@example.org, bob@example.org", f"{'a' * 300}@example.org", "änn@exämple.org"],
)  # fmt: skip
def test_what_is_no_mail_address_is_refused(world: World, address: str) -> None:
    answer = browser(world, "reviewer").post(PAGE, {"what": "mail", "address": address})
    assert answer.status_code == 422
    assert "Nothing was changed." in answer.content.decode()
    assert not NoticeAddress.objects.exists()


def test_a_route_can_be_taken_away_and_so_can_an_address(world: World) -> None:
    by_mail(world, "reviewer")
    client = browser(world, "reviewer")
    client.post(PAGE, {"what": "unroute", "which": NoticeRoute.objects.get().pk})
    client.post(PAGE, {"what": "end", "which": NoticeAddress.objects.get().pk})
    assert not NoticeRoute.objects.filter(ended_at=None).exists()
    assert not NoticeAddress.objects.filter(ended_at=None).exists()
    world.staged()
    pass_on()
    assert not Delivery.objects.exists()


def test_nobody_touches_what_is_somebody_elses(world: World, hook: Rude) -> None:
    theirs = by_mail(world, "reviewer2")
    route = NoticeRoute.objects.get()
    client = browser(world, "reviewer")
    for what, row in (("end", theirs), ("try", theirs), ("unroute", route)):
        assert client.post(PAGE, {"what": what, "which": row.pk}).status_code == 404
    assert client.get(PAGE, {"team": team(world)}).status_code == 404
    assert client.post(PAGE, {"what": "webhook", "url": hook.url, "team": team(world)}).status_code == 404
    assert client.post(PAGE, {"what": "webhook", "url": hook.url}).status_code == 403
    assert theirs.shown not in client.get(PAGE).content.decode()
    outsider = browser(world, "outsider")
    assert outsider.get(PAGE, {"team": team(world)}).status_code == 404
    tool = str(world.tool().pk)
    assert outsider.post(PAGE, {"what": "route", "channel": "mail", "tool": tool, "risk": "low"}).status_code == 404
    assert NoticeRoute.objects.filter(ended_at=None).count() == 1


def test_a_webhooks_key_is_shown_once_and_its_address_never(world: World, hook: Rude) -> None:
    client = browser(world, "administrator")
    url = f"{hook.url}/services/secret-path"
    answer = client.post(PAGE, {"what": "webhook", "url": url, "team": team(world)})
    key = WebhookKey.objects.get()
    assert answer.status_code == 200
    said = answer.content.decode()
    assert said.count(key.key.replace("+", "&#x2B;")) + said.count(key.key) >= 1
    assert "secret-path" not in said
    again = client.get(PAGE, {"team": team(world)}).content.decode()
    assert hook.place in again
    assert key.key not in again
    assert "secret-path" not in again
    kept = " ".join(EventDetail.objects.values_list("detail", flat=True))
    assert "secret-path" not in kept
    assert key.key not in kept


def test_a_test_by_mail_says_that_it_was_taken(world: World, settings: Any) -> None:
    by_mail(world, "reviewer")
    client = browser(world, "reviewer")
    with postbox() as box:
        settings.LAM_MAIL_FROM = "countersign@example.org"
        settings.LAM_MAIL_SERVER = {
            "host": "127.0.0.1", "port": box.port, "username": "", "password": "", "use_tls": False, "use_ssl": False,
        }  # fmt: skip
        shown = client.post(PAGE, {"what": "try", "which": NoticeAddress.objects.get().pk}, follow=True)
        assert "is on its way" in shown.content.decode()
        asked = shown.content.decode().split('hx-get="', 1)[1].split('"', 1)[0].replace("&amp;", "&")
        assert client.get(asked).status_code == 200
        pass_on()
        answer = client.get(asked)
        assert answer.status_code == 286
        assert "The test was taken" in answer.content.decode()
        assert box.letters[0].message["Subject"] == "This is a test. Notices reach you here"


@pytest.mark.parametrize(
    ("manner", "words"),
    [
        (says(200, "ok"), "The test was taken"),
        (says(404, "no_service"), "answered 404: no_service."),
        (says(500, "<script>alert(1)</script>"), "&lt;script&gt;"),
    ],
)
def test_a_test_by_webhook_says_what_came_of_it(world: World, settings: Any, manner: Any, words: str) -> None:
    with rude(manner) as hook:
        settings.LAM_NOTICE_PRIVATE = frozenset({hook.place})
        address, _ = by_webhook(world, hook.url, team="reviewers")
        client = browser(world, "administrator")
        client.post(PAGE, {"what": "try", "which": address.pk, "team": team(world)})
        assert pass_on() == 1  # one attempt: whoever asked is waiting for the answer
    tried = Delivery.objects.get()
    said = client.get(f"{PAGE}tried/", {"delivery": tried.pk, "team": team(world)}).content.decode()
    assert words in said
    assert "<script>" not in said


def test_a_test_of_a_server_that_is_away_says_so_in_words(world: World, settings: Any) -> None:
    settings.LAM_MAIL_FROM = "countersign@example.org"
    settings.LAM_MAIL_SERVER = {"host": "127.0.0.1", "port": closed_port(), "username": "", "password": "",
                                "use_tls": False, "use_ssl": False}  # fmt: skip
    by_mail(world, "reviewer")
    client = browser(world, "reviewer")
    client.post(PAGE, {"what": "try", "which": NoticeAddress.objects.get().pk})
    pass_on()
    said = client.get(f"{PAGE}tried/", {"delivery": Delivery.objects.get().pk}).content.decode()
    assert "The mail server refused the connection: nothing listens there." in said


def test_ringing_the_bell_tells_oneself_alone(world: World) -> None:
    client = browser(world, "operator")
    assert client.post(PAGE, {"what": "ring"}).status_code == 302
    pass_on()
    assert kinds(world, "operator") == ["trial"]
    assert kinds(world, "reviewer") == []


def test_tests_are_not_a_way_to_flood_somebody(world: World) -> None:
    address = by_mail(world, "reviewer")
    for _ in range(TRIALS):
        listen.try_address(listener(world, "reviewer"), address.pk)
        listen.try_page(listener(world, "reviewer"))
    with pytest.raises(TooManyTrials):
        listen.try_address(listener(world, "reviewer"), address.pk)
    with pytest.raises(TooManyTrials):
        listen.try_page(listener(world, "reviewer"))


def test_neither_is_setting_one_strangers_address_after_the_other(world: World) -> None:
    for number in range(ALL_TRIALS):
        address = listen.add_mail(listener(world, "reviewer"), f"stranger{number % 3}@example.org")
        listen.try_address(listener(world, "reviewer"), address.pk)
    address = listen.add_mail(listener(world, "reviewer"), "stranger@example.com")
    with pytest.raises(TooManyTrials):
        listen.try_address(listener(world, "reviewer"), address.pk)
    own = by_mail(world, "reviewer2")
    assert listen.try_address(listener(world, "reviewer2"), own.pk).trial  # it is nobody else's number


@pytest.mark.parametrize(
    "fields",
    [
        {"channel": "pigeon", "risk": "low"},
        {"channel": "mail", "risk": "none"},
        {"channel": "mail", "risk": ""},
        {"channel": "page", "risk": "low"},
    ],
)
def test_a_route_that_there_is_not_is_refused(world: World, fields: dict[str, str]) -> None:
    assert browser(world, "reviewer").post(PAGE, {"what": "route", "tool": "", **fields}).status_code == 422


def test_the_same_route_twice_is_one(world: World) -> None:
    for _ in range(2):
        listen.add_route(listener(world, "reviewer"), channel="browser", tool="", risk="high")
    assert NoticeRoute.objects.count() == 1


def test_a_webhook_route_names_a_webhook_of_the_same_owner(world: World, hook: Rude) -> None:
    address, _ = by_webhook(world, hook.url, team="reviewers")
    with pytest.raises(NoticesNotFound):
        listen.add_route(
            listener(world, "administrator"), channel="webhook", tool="", risk="low", address=str(address.pk)
        )
    with pytest.raises(NoticesRefused):
        listen.add_mail(listener(world, "administrator", "reviewers"), "team@example.org")


def test_a_team_route_by_mail_reaches_those_of_it_who_set_an_address(world: World) -> None:
    listen.add_mail(listener(world, "reviewer"), "ann@example.org")
    listen.add_route(listener(world, "administrator", "reviewers"), channel="mail", tool="", risk="low")
    world.staged()
    pass_on()
    assert list(Delivery.objects.values_list("address__shown", flat=True)) == ["ann@example.org"]
