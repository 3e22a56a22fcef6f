"""Where one is signed in: listed for oneself, ended one by one or all others, over with the next request. T69."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, SignIn
from accounts.sessions import MARK, device_of, still_open
from accounts.signed_in import Seat, standing
from accounts.switching import end_sessions
from tests.support.api import account
from tests.support.signed_in import FIREFOX, PHONE, alive, fresh
from tests.support.sql import NO_RIGHT, REFUSED, refusal, speaking_as
from tests.support.world import PASSWORD, World
from traces.models import Event

PLACE = "/settings/sessions/"


def signed_in(name: str, agent: str) -> Client:
    """A browser in which somebody signed in with their password."""
    client = Client(headers={"User-Agent": agent})
    with account("web"):
        answer = client.post("/accounts/login/", {"login": name, "password": PASSWORD})
    assert answer.status_code == 302, answer.content
    return client


def row_of(client: Client) -> SignIn:
    return SignIn.objects.get(pk=client.session[MARK][1])


def test_a_person_sees_their_own_sessions_by_device_and_nobody_elses(world: World) -> None:
    here, phone = signed_in("operator", FIREFOX), signed_in("operator", PHONE)
    signed_in("reviewer", FIREFOX)
    with account("web"):
        shown = here.get(PLACE).content.decode()
    assert shown.count("Firefox on Linux") == 1
    assert "Safari on an iPhone" in shown
    assert "This one" in shown
    assert row_of(phone).device == "Safari on an iPhone"


@pytest.mark.parametrize(
    ("said", "device"),
    [
        (FIREFOX, "Firefox on Linux"),
        (PHONE, "Safari on an iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.0", "A browser that does not say what it is"),
        ("", "A browser that does not say what it is"),
        ("<script>alert(1)</script> Firefox/1", "Firefox"),
    ],
)
def test_a_browser_is_named_in_words_and_nothing_that_it_says_is_kept(said: str, device: str) -> None:
    assert device_of(said) == device


def test_t69_one_that_is_ended_is_over_with_its_next_request(world: World) -> None:
    here, phone = signed_in("operator", FIREFOX), signed_in("operator", PHONE)
    copy = Client()
    copy.cookies = phone.cookies.__class__(phone.cookies.output(header=""))
    ending = {"what": "end", "session": str(row_of(phone).pk)}
    with account("web"):
        assert here.post(PLACE, ending).status_code == 302
        assert (alive(here), alive(phone), alive(copy)) == (True, False, False)
    told = Event.objects.get(verb="sessions_ended")
    assert (told.actor_name, told.subject) == ("operator", Membership.objects.get(user=world.operator).pk)


def test_t69_all_others_end_and_this_one_stays(world: World) -> None:
    here, *others = (signed_in("operator", FIREFOX) for _ in range(3))
    reviewer = signed_in("reviewer", FIREFOX)
    with account("web"):
        assert here.post(PLACE, {"what": "others"}).status_code == 302
        assert [alive(one) for one in (here, *others, reviewer)] == [True, False, False, True]
        assert "signed in nowhere else" in here.get(PLACE).content.decode()


def test_t69_signing_out_ends_a_copy_of_the_cookie_too(world: World) -> None:
    here = signed_in("operator", FIREFOX)
    row, kept = row_of(here), Session.objects.get(session_key=here.session.session_key)
    copy = Client()
    copy.cookies = here.cookies.__class__(here.cookies.output(header=""))
    with account("web"):
        here.post("/accounts/logout/")
    Session.objects.create(
        session_key=kept.session_key, session_data=kept.session_data, expire_date=kept.expire_date
    )  # whoever could put the session itself back has still no row that is open
    with account("web"):
        assert not alive(copy)
    row.refresh_from_db()
    assert row.ended_by_id == world.operator.pk


def test_t69_a_session_without_a_row_is_nobodys(world: World) -> None:
    client = fresh(world, "operator")
    session = client.session
    del session[MARK]
    session.save()
    assert not alive(client)
    client = fresh(world, "operator")
    session = client.session
    session[MARK] = ["no", "id"]
    session.save()
    assert not alive(client)
    foreign, client = fresh(world, "reviewer").session[MARK], fresh(world, "operator")
    session = client.session
    session[MARK] = foreign
    session.save()
    assert not alive(client), "it counts by a row of its own person alone"


def test_somebody_elses_session_is_nowhere_and_the_form_takes_no_other_field(world: World) -> None:
    mine, theirs = fresh(world, "operator"), fresh(world, "reviewer")
    assert mine.post(PLACE, {"what": "end", "session": str(row_of(theirs).pk)}).status_code == 404
    assert mine.post(PLACE, {"what": "end", "session": "x"}).status_code == 400
    assert mine.post(PLACE, {"what": "others", "user": "x"}).status_code == 400
    assert mine.post(PLACE, {"what": "all"}).status_code == 400
    assert alive(theirs)


def test_signing_in_again_keeps_the_row_and_ends_no_other(world: World) -> None:
    here = signed_in("operator", FIREFOX)
    before = row_of(here).pk
    with account("web"):
        assert here.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
        assert alive(here)
    assert row_of(here).pk == before
    assert SignIn.objects.filter(user=world.operator, ended_at=None).count() == 1


def test_what_was_ended_stays_ended_whoever_writes_and_other_organizations_see_nothing(world: World) -> None:
    client = fresh(world, "operator")
    row = row_of(client)
    client.post("/accounts/logout/")
    with speaking_as("web", world.organization.id) as web:
        again = "UPDATE accounts_signin SET ended_at = NULL, ended_by_id = NULL WHERE id = %s"
        assert refusal(web, again, [row.pk])[0] == REFUSED
        assert refusal(web, "UPDATE accounts_signin SET user_id = %s", [world.reviewer.pk])[0] == NO_RIGHT
        assert refusal(web, "DELETE FROM accounts_signin")[0] == NO_RIGHT
        half = "UPDATE accounts_signin SET ended_at = now() WHERE ended_at IS NULL"
        fresh(world, "operator")
        assert "ended_by_somebody" in refusal(web, half)[1]
    with speaking_as("web", world.elsewhere.id) as web:
        found = web.execute("SELECT count(*) FROM accounts_signin WHERE user_id = %s", [world.operator.pk])
        assert found.fetchone() == (0,)
    with speaking_as("worker") as worker:
        assert refusal(worker, "SELECT * FROM accounts_signin")[0] == NO_RIGHT


def test_a_request_asks_once_whether_its_session_counts_and_writes_once_a_minute(world: World) -> None:
    client = fresh(world, "operator")
    client.get(PLACE)

    def asked() -> list[Any]:
        with CaptureQueriesContext(connection) as seen:
            client.get("/practice/")
        return [one["sql"] for one in seen if "accounts_signin" in one["sql"]]

    assert len(asked()) == 1
    SignIn.objects.update(seen="2020-01-01T00:00Z")
    first = asked()
    assert [sql.split()[0] for sql in first] == ["SELECT", "UPDATE"]
    assert len(asked()) == 1


def test_many_are_asked_about_at_once_without_knowing_whose_they_are(world: World) -> None:
    open_one, over = row_of(fresh(world, "operator")), row_of(fresh(world, "outsider"))
    SignIn.objects.filter(pk=over.pk).update(ended_at="2026-01-01T00:00Z", ended_by=world.outsider)
    with account("web"):
        assert still_open([open_one.pk, over.pk]) == {open_one.pk}


def test_t70_a_page_that_stays_open_stands_no_more_once_its_sign_in_was_ended(world: World) -> None:
    client, member = fresh(world, "reviewer"), Membership.objects.select_related("user").get(user=world.reviewer)
    seat = Seat(str(client.session.session_key), world.reviewer.pk, world.organization.pk)
    with account("web"):
        assert set(standing([seat])) == {seat}
    assert end_sessions(member, by=world.administrator, reason="Not them.") == 1
    with account("web"):
        assert standing([seat]) == {}
