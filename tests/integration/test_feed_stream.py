"""Pages that are told live: by whom, about what, for how long, and what ends them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from accounts.models import Membership
from accounts.signed_in import Seat, standing
from approvals.feed import ears, hub, packing, streams
from approvals.feed.packing import event
from approvals.feed.streams import Stream
from approvals.reading.changes import here
from approvals.services.propose import propose
from approvals.services.veto import veto
from tests.support.desking import leaving, on
from tests.support.served import Served, asks, cookie_of, listening, quiet, served, status
from tests.support.voting import signed_in
from tests.support.world import World
from tools.models import Tool
from traces import news

EVENTS = 40


@pytest.fixture
def server(world: World, settings: Any) -> Iterator[Served]:
    """The web server, which asks every second whether pages may still be told anything."""
    settings.LAM_FEED_CHECK_SECONDS = 1
    with served() as found:
        yield found


def test_a_page_is_told_what_happens_and_comes_back_for_what_it_missed(world: World, server: Served) -> None:
    first, second = leaving(world), leaving(world)
    cookie = cookie_of(world, "reviewer")
    with listening(server.port, cookie) as page:
        assert page.heard[0].data["state"] is True
        assert {row["id"] for row in page.rows()} == {str(first.pk), str(second.pk)}
        on(world, veto, "reviewer2", first)
        page.await_(lambda one: one.of(first) == ["scheduled", "rejected"])
        at = page.heard[-1].at
    on(world, veto, "reviewer2", second)
    with listening(server.port, cookie, Last_Event_ID=at) as page:
        page.await_(lambda one: one.of(second) == ["rejected"])
        assert not page.heard[0].data["state"]


def test_t64_nobody_hears_of_another_organization(world: World, server: Served) -> None:
    tool = {"maturity": "on_the_loop", "veto_seconds": 3600}
    Tool.objects.filter(name="put_odd").update(**tool)
    ours, theirs = cookie_of(world, "reviewer"), cookie_of(world, "outsider")
    with listening(server.port, ours) as here_, listening(server.port, theirs) as there:
        mine = {str(world.staged("put_odd", {"thing": f"cup {n}"}).pk) for n in range(EVENTS)}
        foreign = {str(elsewhere(world, n)) for n in range(EVENTS)}
        here_.await_(lambda one: {row["id"] for row in one.rows()} >= mine)
        there.await_(lambda one: {row["id"] for row in one.rows()} >= foreign)
        assert {row["id"] for row in here_.rows()} == mine
        assert {row["id"] for row in there.rows()} == foreign
        place = here_.heard[-1].at
    with listening(server.port, theirs, Last_Event_ID=place) as there:
        assert not {row["id"] for row in there.rows()} & mine


def sign_out(world: World, cookie: str) -> None:
    client = signed_in(world, "reviewer")
    client.cookies["sessionid"] = cookie
    assert client.post("/accounts/logout/").status_code == 302


def leave_the_organization(world: World, _: str) -> None:
    Membership.objects.filter(user=world.reviewer, organization=world.organization).delete()


def lose_the_role(world: World, _: str) -> None:
    Membership.objects.filter(user=world.reviewer, organization=world.organization).update(roles=["developer"])


def be_switched_off(world: World, _: str) -> None:
    type(world.reviewer).objects.filter(pk=world.reviewer.pk).update(is_active=False)


def change_the_password(world: World, _: str) -> None:
    world.reviewer.set_password("another one than before")
    world.reviewer.save(update_fields=["password"])


@pytest.mark.parametrize(
    "revoke", [sign_out, leave_the_organization, lose_the_role, be_switched_off, change_the_password]
)
def test_t65_who_may_no_longer_hear_is_told_so_and_nothing_behind_it(
    world: World, server: Served, revoke: Callable[[World, str], None]
) -> None:
    action, cookie = leaving(world), cookie_of(world, "reviewer")
    with listening(server.port, cookie) as page:
        revoke(world, cookie)
        page.await_(lambda one: one.ended, "it ended")
        on(world, veto, "reviewer2", action)
        assert page.names()[-1] == "revoked"
        assert page.of(action) == ["scheduled"]


def test_t65_a_right_that_was_taken_ends_what_is_told_of_its_tool(world: World, server: Served) -> None:
    action = leaving(world)
    with listening(server.port, cookie_of(world, "reviewer")) as page:
        world.reviewer.groups.clear()
        quiet(2.5)  # two questions whether rights still hold
        on(world, veto, "reviewer2", action)
        quiet(2.5)  # one look of which nothing told, and more
        assert page.of(action) == ["scheduled"]
        assert not page.ended


def test_t65_nothing_is_sent_on_a_word_that_is_too_old(world: World) -> None:
    stream = Stream(seat(world), reader(world), None)

    async def sent() -> list[bytes]:
        stream.vouched = asyncio.get_running_loop().time() - streams.TRUST - 1
        stream.offer(event("news", {"rows": []}))
        return [message async for message in stream.messages()]

    (last,) = asyncio.run(sent())
    assert b"event: bye" in last


def test_a_page_waits_in_vain_no_longer_than_it_may(world: World, settings: Any) -> None:
    settings.LAM_FEED_LIFE_SECONDS = -1
    stream = Stream(seat(world), reader(world), None)

    async def sent() -> list[bytes]:
        stream.vouched = asyncio.get_running_loop().time()
        stream.offer(b"x")
        return [message async for message in stream.messages()]

    (last,) = asyncio.run(sent())
    assert b"event: bye" in last


def test_a_page_that_takes_nothing_is_cut_off_and_what_it_missed_is_not_kept(world: World) -> None:
    cuts: list[bool] = []
    stream = Stream(seat(world), reader(world), None, cut=lambda: cuts.append(True))

    async def offer() -> list[bytes]:
        stream.vouched = asyncio.get_running_loop().time()
        for _ in range(streams.MOST_WAITING + 5):
            stream.offer(b"x")
        return [message async for message in stream.messages()]

    (last,) = asyncio.run(offer())
    assert b"slow" in last
    assert cuts == [True]


def test_the_server_offers_to_break_a_connection_off(
    world: World, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Stream] = []
    monkeypatch.setattr("approvals.views.feed.Stream", lambda *a, **k: made.append(Stream(*a, **k)) or made[-1])
    with listening(server.port, cookie_of(world, "reviewer")) as page:
        cut = made[0].cut
        assert cut is not None
        server.server.servers[0].get_loop().call_soon_threadsafe(cut)
        page.await_(lambda one: one.ended, "it was cut off")


def test_t66_one_person_opens_no_more_pages_than_they_may(world: World, server: Served, settings: Any) -> None:
    cookie = cookie_of(world, "reviewer")
    answers = [asks(server.port, cookie) for _ in range(500)]
    try:
        statuses = [one.status for one in answers]
        assert statuses.count(200) == settings.LAM_FEED_PAGES_PERSON
        assert statuses.count(429) == 500 - settings.LAM_FEED_PAGES_PERSON
        with listening(server.port, cookie_of(world, "reviewer2")) as another:
            assert another.heard[0].data["state"] is True
    finally:
        for one in answers:
            one.close()


@pytest.mark.parametrize("limit", ["LAM_FEED_PAGES_ORGANIZATION", "LAM_FEED_PAGES"])
def test_t66_neither_does_an_organization_nor_the_process(
    world: World, server: Served, settings: Any, limit: str
) -> None:
    setattr(settings, limit, 2)
    people = [cookie_of(world, name) for name in ("reviewer", "reviewer2", "administrator")]
    with listening(server.port, people[0]), listening(server.port, people[1]):
        assert status(server.port, people[2]) == 429
    until_nobody_listens()
    with listening(server.port, people[2]) as page:
        assert not page.ended


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ],
)
def test_t78_a_page_of_somebody_else_hears_nothing(world: World, server: Served, headers: dict[str, str]) -> None:
    assert status(server.port, cookie_of(world, "reviewer"), **headers) == 403


def test_t78_our_own_page_is_told_by_its_origin_too(world: World, server: Served) -> None:
    own = f"http://127.0.0.1:{server.port}"
    with listening(server.port, cookie_of(world, "reviewer"), Origin=own) as page:
        assert page.status == 200


def test_a_stranger_hears_nothing(server: Served) -> None:
    assert status(server.port, "nobody") == 302


def test_t79_a_trace_or_a_file_is_nobody_s_by_its_address_alone(world: World, server: Served) -> None:
    action = propose(world.proposal())
    outsider = signed_in(world, "outsider")
    for address in (f"/actions/{action.pk}/trace/", f"/actions/{action.pk}/fold/?path=/body", f"/runs/{action.run}/"):
        assert outsider.get(address).status_code == 404
    for address in ("/media/", "/traces/", "/static/../lam_app/settings.py", "/static/keys/permit.pem", "/.lam/"):
        assert outsider.get(address).status_code == 404


def test_the_server_stops_with_pages_open_and_says_goodbye(
    world: World, server: Served, caplog: pytest.LogCaptureFixture
) -> None:
    cookie = cookie_of(world, "reviewer")
    with caplog.at_level(logging.ERROR, "uvicorn.error"), listening(server.port, cookie) as page:
        server.stop()
        page.await_(lambda one: one.ended, "it ended")
        assert page.names()[-1] == "bye"
        assert page.heard[-1].data == "stopping"
    assert not [record for record in caplog.records if "Cancel" in record.getMessage()]


def test_without_redis_pages_are_told_by_one_look_for_all_of_them(
    world: World, server: Served, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = ""
    monkeypatch.setattr(news, "_redis", broken)
    looks: list[int] = []
    looked = hub._looked
    monkeypatch.setattr(hub, "_looked", lambda *a: looks.append(1) or looked(*a))
    monkeypatch.setattr(hub, "EAGER_FOR", 0.0)
    action = leaving(world)
    cookies = [cookie_of(world, name) for name in ("reviewer", "reviewer2", "administrator", "auditor")]
    with (
        listening(server.port, cookies[0]) as first,
        listening(server.port, cookies[1]),
        listening(server.port, cookies[2]),
        listening(server.port, cookies[3]) as last,
    ):
        before = len(looks)
        on(world, veto, "reviewer2", action)
        first.await_(lambda one: "rejected" in one.of(action))
        last.await_(lambda one: "rejected" in one.of(action))
        assert len(looks) - before <= 2


def test_redis_that_comes_back_is_listened_to_again(
    world: World, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ears, "AGAIN", 0.05)
    monkeypatch.setattr(hub, "POLL", 600.0)
    action = leaving(world)
    with listening(server.port, cookie_of(world, "reviewer")) as page:
        client = news.connect()
        client.client_kill_filter(_type="pubsub")
        client.close()
        quiet(1.5)  # longer than writers stay silent where nobody listened
        on(world, veto, "reviewer2", action)
        page.await_(lambda one: "rejected" in one.of(action))


def test_pages_that_wait_hold_neither_connection_nor_thread(world: World, server: Served, settings: Any) -> None:
    settings.LAM_FEED_PAGES_PERSON = 40
    cookie = cookie_of(world, "reviewer")
    with listening(server.port, cookie):
        threads, held = threading.active_count(), backends()
        pages = [asks(server.port, cookie) for _ in range(30)]
        try:
            assert [page.status for page in pages] == [200] * 30
            quiet(1.0)
            assert threading.active_count() <= threads + 4
            assert backends() <= held + 4
        finally:
            for page in pages:
                page.close()


def test_a_session_stands_only_for_the_person_and_place_that_it_was_opened_for(world: World) -> None:
    key = cookie_of(world, "reviewer")
    own = Seat(key, world.reviewer.pk, world.organization.pk)
    others = [
        Seat(key, world.reviewer2.pk, world.organization.pk),
        Seat(key, world.reviewer.pk, world.elsewhere.pk),
        Seat("nobody", world.reviewer.pk, world.organization.pk),
    ]
    assert set(standing([own, *others])) == {own}


def test_readers_who_are_told_the_same_are_told_the_same_bytes(world: World) -> None:
    place = here(world.organization.pk)
    leaving(world)
    found = packing.look(place)
    alike, other = reader(world), reader(world, "auditor")
    made = packing.parcels(found, place, [alike, reader(world, "reviewer2"), other])
    assert made[alike] is made[reader(world, "reviewer2")]
    assert made[alike] != made[other]


def broken() -> Any:
    raise ConnectionError("Redis is away")


def backends() -> int:
    """Connections to the test's database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def until_nobody_listens() -> None:
    """Pages that were closed are noticed a moment later."""
    quiet(0.5)


def elsewhere(world: World, n: int) -> Any:
    """A call of the other organization."""
    from accounts.models import Agent
    from approvals.services.propose import Proposal
    from traces.ids import uuid7

    return propose(
        Proposal(
            organization=world.elsewhere.pk,
            run=uuid7(),
            step=1,
            origin="planner",
            initiator=world.outsider.pk,
            agent=Agent.objects.get(organization=world.elsewhere, builtin=True).pk,
            principals=(world.outsider.pk,),
            tool="put_odd",
            arguments={"thing": f"saucer {n}"},
        )
    ).pk


def seat(world: World) -> Seat:
    return Seat("key", world.reviewer.pk, world.organization.pk)


def reader(world: World, name: str = "reviewer") -> packing.Reader:
    membership = Membership.objects.get(user=world.people[name], organization=world.organization)
    return packing.Reader(packing.Sees.of(membership), "feed")
