"""What narrows the inbox, what is new in it, and the views that people keep: all of it in the address."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from approvals.models import Action, SavedView
from approvals.services.keep_view import LONGEST_NAME, MOST
from tests.support.api import outside_agent
from tests.support.many import listed, page, shaped
from tests.support.sql import REFUSED, refusal, speaking_as
from tests.support.voting import signed_in
from tests.support.world import World


@pytest.fixture
def two(world: World) -> tuple[Action, Action]:
    """Two waiting actions that differ in everything a filter asks for."""
    first = shaped(world.staged(), risk="'low'", maturity="'in_the_loop'")
    agent = outside_agent(world.organization, world.developer, "write_note")
    other = shaped(
        world.staged("write_note", {"text": "Call back"}),
        risk="'high'",
        maturity="'on_the_loop'",
        agent_id=f"'{agent.pk}'",
        initiator_id=f"'{world.developer.pk}'",
    )
    return first, other


@pytest.mark.parametrize(
    ("query", "which"),
    [
        ("tool=send_message", 0), ("tool=write_note", 1), ("agent=claims-bot", 1), ("initiator=operator", 0),
        ("initiator=developer", 1), ("risk=low", 0), ("risk=high", 1), ("maturity=on_the_loop", 1),
        ("risk=high&tool=write_note&agent=claims-bot&initiator=developer&maturity=on_the_loop", 1),
    ],
)  # fmt: skip
def test_each_filter_leaves_what_meets_it(world: World, two: tuple[Action, Action], query: str, which: int) -> None:
    client = signed_in(world, "reviewer")
    assert listed(client, query) == [two[which].pk]
    assert listed(client, f"lane=unclaimed&{query}") == [two[which].pk]


def test_filters_meet_in_every_row(world: World, two: tuple[Action, Action]) -> None:
    text = page(signed_in(world, "reviewer"), "risk=high&tool=send_message")
    assert "Nothing here fits the filter" in text
    assert "Take the filter away" in text


def test_t62_a_filter_is_compared_and_never_a_lookup(world: World, two: tuple[Action, Action]) -> None:
    client = signed_in(world, "reviewer")
    for query in (
        "initiator__password__startswith=p", "tool__organization=x", "risk__in=high", "order_by=initiator__password",
        "risk=HIGH", "risk=high,low", "maturity=anything", "lane=waiting&lane=mine", "risk=high&risk=low",
        "agent=%00", "tool=" + "x" * 201,
    ):  # fmt: skip
        assert client.get(f"/?{query}").status_code == 400, query
        assert client.get(f"/actions/{two[0].pk}/?{query}").status_code == 400, query


def test_names_from_elsewhere_say_no_more_than_names_of_nobody(world: World, two: tuple[Action, Action]) -> None:
    client = signed_in(world, "reviewer")
    for there, nobody in (("initiator=outsider", "initiator=nobodyxx"), ("tool=foreign_tool", "tool=missing_tool")):
        said = [page(client, query).replace(query.split("=")[1], "NAME") for query in (there, nobody)]
        plain = [re.sub(r'(value="|since=|content="|: ?")[^"&]{20,}', "", text) for text in said]
        assert plain[0] == plain[1]


def test_the_address_is_the_view_and_carries_nothing_empty(world: World, two: tuple[Action, Action]) -> None:
    client = signed_in(world, "reviewer")
    answer = client.get("/?lane=unclaimed&tool=&agent=&initiator=&risk=high&maturity=")
    assert answer["Location"] == "/?lane=unclaimed&risk=high"
    assert client.get("/?risk=")["Location"] == "/"
    text = page(client, "lane=unclaimed&risk=high")
    assert 'href="/?lane=unclaimed"><span class="sr">Take away the filter </span>risk' in text
    assert f'href="/actions/{two[1].pk}/?lane=unclaimed&amp;risk=high"' in text


# ------------------------------------------------------------------------------------------------ kept views


def keep(client: Client, name: str, query: str = "risk=high", **more: str) -> Any:
    """The form that keeps a view."""
    return client.post("/inbox/views/", {"what": "keep", "name": name, "query": query, **more})


def test_a_person_keeps_a_view_finds_it_above_the_lanes_and_forgets_it(world: World) -> None:
    client = signed_in(world, "reviewer")
    assert keep(client, "  Money   first ", "lane=soon&risk=high")["Location"] == "/?lane=soon&risk=high"
    text = page(client)
    assert text.index("Money first") < text.index("?lane=mine")
    assert 'href="/?lane=soon&amp;risk=high"' in text
    there = page(client, "lane=soon&risk=high")
    assert re.search(r'href="/\?lane=soon&amp;risk=high" aria-current="page"', there)
    view = SavedView.objects.get()
    forget = {"what": "forget", "view": str(view.pk), "query": ""}
    assert client.post("/inbox/views/", forget)["Location"] == "/"
    assert "Money first" not in page(client)
    assert client.post("/inbox/views/", forget).status_code == 404
    assert keep(client, "Money first").status_code == 302  # the name is free again


def test_a_view_is_its_owners_alone(world: World) -> None:
    keep(signed_in(world, "reviewer"), "Mine alone")
    view = SavedView.objects.get()
    for name in ("reviewer2", "outsider"):
        client = signed_in(world, name)
        assert "Mine alone" not in page(client)
        assert client.post("/inbox/views/", {"what": "forget", "view": str(view.pk)}).status_code == 404
    assert SavedView.objects.get().forgotten_at is None
    with speaking_as("web", world.elsewhere.pk) as web:
        assert web.execute("SELECT count(*) FROM approvals_savedview").fetchone() == (0,)


def test_a_view_that_cannot_be_kept_says_why(world: World) -> None:
    client = signed_in(world, "reviewer")
    keep(client, "Twice")
    for name, said in {"Twice": "already keep", " ": "needs a name", "x" * (LONGEST_NAME + 1): "at most"}.items():
        answer = keep(client, name)
        assert answer.status_code == 422
        assert said in answer.content.decode()
    for query in ("lane=nowhere", "risk=HIGH", "from=x", "initiator__password=x"):
        assert keep(client, "Odd", query).status_code == 400
    for number in range(MOST - 1):
        assert keep(client, f"View {number}").status_code == 302
    assert "Forget one first" in keep(client, "One more").content.decode()


def test_the_name_of_a_view_is_text(world: World) -> None:
    client = signed_in(world, "reviewer")
    keep(client, "<script>alert(1)</script>")
    assert "<script>alert(1)" not in page(client)


def test_a_kept_view_is_never_changed_and_never_deleted(world: World) -> None:
    keep(signed_in(world, "reviewer"), "Kept")
    for role in ("web", "owner"):
        with speaking_as(role, world.organization.pk) as speaking:
            for sql in (
                "UPDATE approvals_savedview SET query = 'risk=low'",
                "UPDATE approvals_savedview SET owner_id = gen_random_uuid()",
                "DELETE FROM approvals_savedview",
            ):
                assert refusal(speaking, sql)[0] in {REFUSED, "42501"}, (role, sql)


# ------------------------------------------------------------------------------------------------------ news


def news_of(text: str) -> str:
    """The address at which a page asks for what is new."""
    found = re.search(r'hx-get="(/inbox/news/[^"]*)"', text)
    assert found
    return found[1].replace("&amp;", "&")


def test_what_arrives_is_counted_and_moves_nothing(world: World) -> None:
    world.staged()
    client = signed_in(world, "reviewer")
    ask = news_of(page(client))
    assert client.get(ask).status_code == 204
    world.staged()
    world.staged(principals=(world.operator.id, world.reviewer.id))
    said = client.get(ask).content.decode()
    assert "1 new" in said
    assert "data-action" not in said  # no row comes with it
    assert client.get("/inbox/news/").status_code == 204


def test_news_is_of_the_view_that_is_open_and_leads_back_to_it(world: World, two: tuple[Action, Action]) -> None:
    client = signed_in(world, "reviewer")
    ask = news_of(page(client, "lane=unclaimed&risk=high"))
    shaped(world.staged(), risk="'low'")
    assert client.get(ask).status_code == 204
    shaped(world.staged(), risk="'high'")
    said = client.get(ask).content.decode()
    assert "1 new" in said
    assert 'href="/?lane=unclaimed&amp;risk=high"' in said


def test_what_somebody_gives_me_is_news_though_it_is_old(world: World) -> None:
    action = world.staged()
    client = signed_in(world, "reviewer")
    ask = news_of(page(client, "lane=mine"))
    assert client.get(ask).status_code == 204
    until = "clock_timestamp() + interval '1 hour'"
    shaped(action, assignee_id=f"'{world.reviewer.pk}'", assigned_until=until)
    assert "1 new" in client.get(ask).content.decode()


def test_what_leaves_is_no_news(world: World) -> None:
    first, _ = world.staged(), world.staged()
    client = signed_in(world, "reviewer")
    ask = news_of(page(client))
    shaped(first, status="'withdrawn'")
    assert client.get(ask).status_code == 204


@pytest.mark.parametrize("query", ["since=yesterday&total=1", "since=2026-01-01T00:00:00%2B00:00&total=-1", "newest=x"])
def test_news_is_asked_for_as_the_list_asks(world: World, query: str) -> None:
    assert signed_in(world, "reviewer").get(f"/inbox/news/?{query}").status_code == 400
