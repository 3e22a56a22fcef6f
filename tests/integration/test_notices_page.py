"""The bell, the list behind it, its read marks, and the news that a page asks for meanwhile."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client

from approvals.models import Notice
from approvals.services import listen
from approvals.views.notices import A_PAGE
from tests.support.telling import heard, listener, pass_on
from tests.support.walking import BACKEND
from tests.support.world import World


@pytest.fixture
def reviewer(world: World) -> Client:
    return browser(world, "reviewer")


def browser(world: World, name: str) -> Client:
    client = Client()
    client.force_login(world.people[name], backend=BACKEND)
    return client


def bell(client: Client) -> str:
    """What the bell says on a page."""
    said = client.get("/runs/").content.decode()
    return said.split("data-bell", 1)[1].split('aria-label="', 1)[1].split('"', 1)[0]


def test_the_bell_counts_what_is_unread(world: World, reviewer: Client) -> None:
    assert bell(reviewer) == "Notices"
    for _ in range(3):
        world.staged()
    pass_on()
    assert bell(reviewer) == "Notices, 3 unread"
    assert bell(browser(world, "operator")) == "Notices"


def test_the_list_shows_the_newest_first_and_a_page_at_a_time(world: World, reviewer: Client) -> None:
    for _ in range(A_PAGE + 2):
        world.staged()
    pass_on()
    first = reviewer.get("/notices/")
    rows = [row for row, _ in first.context["rows"]]
    assert len(rows) == A_PAGE
    assert [row.pk for row in rows] == sorted((row.pk for row in rows), reverse=True)
    rest = reviewer.get("/notices/", {"before": first.context["next"]})
    assert len(rest.context["rows"]) == 2
    assert bell(reviewer) == f"Notices, {A_PAGE + 2} unread"


def test_looking_marks_nothing_and_a_press_marks_one_or_all(world: World, reviewer: Client) -> None:
    for _ in range(3):
        world.staged()
    pass_on()
    reviewer.get("/notices/")
    assert bell(reviewer) == "Notices, 3 unread"
    one = heard(world, "reviewer")[0]
    assert reviewer.post("/notices/read/", {"what": "one", "notice": one.pk}).status_code == 302
    assert bell(reviewer) == "Notices, 2 unread"
    unread = [row.pk for row, _ in reviewer.get("/notices/?show=unread").context["rows"]]
    assert one.pk not in unread
    assert reviewer.post("/notices/read/", {"what": "all"}).status_code == 302
    assert bell(reviewer) == "Notices"


def test_nobody_reads_or_marks_what_somebody_else_was_told(world: World, reviewer: Client) -> None:
    world.staged()
    pass_on()
    theirs = heard(world, "reviewer2")[0]
    shown = reviewer.get("/notices/").content.decode()
    assert str(theirs.pk) not in shown
    reviewer.post("/notices/read/", {"what": "one", "notice": theirs.pk})
    reviewer.post("/notices/read/", {"what": "all"})
    assert Notice.objects.get(pk=theirs.pk).read_at is None


@pytest.mark.parametrize("fields", [{}, {"what": "some"}, {"what": "one"}, {"what": "one", "notice": "x"}])
def test_a_form_that_says_nothing_is_refused(reviewer: Client, fields: dict[str, str]) -> None:
    assert reviewer.post("/notices/read/", fields).status_code == 400


@pytest.mark.parametrize("query", ["?show=mine", "?before=x", "?person=x"])
def test_a_list_that_there_is_not_is_refused(reviewer: Client, query: str) -> None:
    assert reviewer.get(f"/notices/{query}").status_code == 400


def news(client: Client, after: str = "") -> dict[str, Any]:
    return client.get(f"/notices/news/{f'?after={after}' if after else ''}").json()


def test_the_news_are_what_came_since_and_may_be_said_aloud(world: World, reviewer: Client) -> None:
    world.staged()
    pass_on()
    begun = news(reviewer)
    assert begun == {"unread": "1", "newest": str(heard(world, "reviewer")[0].pk), "more": False, "notices": []}
    action = world.staged()
    pass_on()
    told = news(reviewer, begun["newest"])
    assert [(one["title"], one["path"]) for one in told["notices"]] == [
        ("Send message waits for a decision, for operator", f"/actions/{action.pk}/")
    ]
    assert news(reviewer, told["newest"])["notices"] == []


def test_of_many_the_browser_is_handed_three_and_told_that_there_are_more(world: World, reviewer: Client) -> None:
    for _ in range(5):
        world.staged()
    pass_on()
    told = news(reviewer, str(uuid.UUID(int=1)))
    assert (len(told["notices"]), told["more"], told["unread"]) == (3, True, "5")


def test_what_the_browser_says_is_what_somebody_chose(world: World, reviewer: Client) -> None:
    listen.add_route(listener(world, "reviewer"), channel="browser", tool=str(world.tool("write_note").pk), risk="low")
    world.staged()
    world.staged("write_note", {"text": "a note"})
    pass_on()
    told = news(reviewer, str(uuid.UUID(int=1)))
    assert [one["title"].split(" waits")[0] for one in told["notices"]] == ["Write note"]
    assert told["unread"] == "2"
    assert len(news(browser(world, "reviewer2"), str(uuid.UUID(int=1)))["notices"]) == 2


def test_the_news_of_a_session_that_ended_are_none(world: World) -> None:
    assert Client().get("/notices/news/").status_code == 302
