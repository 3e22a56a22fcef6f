"""Searching model calls: each filter narrows, words are found in what was sent and said, and nobody reads their own."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import Membership
from accounts.rows import within
from approvals.models import Action
from lam_app import trace_search
from lam_app.planner.prompts import OFFERED
from lam_app.tasks import advance_runs
from lam_app.trace_search import search
from tests.support.api import account
from tests.support.calling import called
from tests.support.sql import speaking_as
from tests.support.world import World
from traces.ids import LAST, uuid7
from traces.models import Event, EventDetail, Trace
from traces.queries import Wanted

AUDIT = "/audit/traces/"


def ids(found: trace_search.Page) -> list[uuid.UUID]:
    return [row.heard.call.pk for row in found.rows]


def reader(world: World, name: str = "developer") -> Membership:
    return Membership.objects.get(user=world.people[name], organization=world.organization)


def test_every_filter_narrows_to_the_calls_that_fit(world: World) -> None:
    run = world.run()
    one = called(world, run)
    other = called(world, chosen="write_note", model="large-model", error="schema_invalid", agent=None)
    asks = reader(world)
    assert ids(search(asks, Wanted())) == [other, one]
    for wanted, expected in (
        (Wanted(run=run.pk), [one]),
        (Wanted(agent=world.agent.pk), [one]),
        (Wanted(tool="write_note"), [other]),
        (Wanted(model="large-model"), [other]),
        (Wanted(failed=True), [other]),
        (Wanted(below=other), [one]),
        (Wanted(since=other), [other]),
        (Wanted(run=run.pk, failed=True), []),
    ):
        assert ids(search(asks, wanted)) == expected, wanted
        with_words = Wanted(**{**wanted.__dict__, "words": "customer waits"})
        assert ids(search(asks, with_words)) == expected, with_words


@pytest.mark.parametrize("words", ["delayed friday", "ORDER 1009", "send_message", "nobody-says", "fp_1"])
def test_words_are_found_in_what_was_sent_and_in_what_was_said(world: World, words: str) -> None:
    one = called(world, reasoning="It is late: nobody-says", request_id="fp_1")
    called(world, world.run("Call the customer back"), chosen="write_note", reasoning="", answer="")
    assert one in ids(search(reader(world), Wanted(words=words)))
    assert ids(search(reader(world), Wanted(words=f"{words} zyzzyva"))) == []


def test_the_list_of_tools_that_every_call_was_sent_finds_none_of_them(world: World) -> None:
    offered = OFFERED + '{"tool": "look_up", "description": "Reads the pomegranate ledger"}'
    one = called(world, prompt=[("user", offered), ("user", "The goal: call the florist")])
    assert ids(search(reader(world), Wanted(words="pomegranate"))) == []
    assert ids(search(reader(world), Wanted(words="florist"))) == [one]


@pytest.mark.parametrize("words", ["' OR 1=1 --", "%", "& | !", "the:*", "\\", "delayed & !friday"])
def test_words_are_words_and_no_query_language(world: World, words: str) -> None:
    called(world)
    here = {row.heard.call.organization for row in search(reader(world), Wanted(words=words)).rows}
    assert here <= {world.organization.pk}


def test_rare_words_are_found_however_many_calls_came_after(world: World) -> None:
    wanted, in_prompt = called(world, reasoning="A zyzzyva."), called(world, prompt=[("user", "It said zyzzyva.")])
    _more(wanted, 2100)
    found = search(reader(world), Wanted(words="zyzzyva"))
    assert ids(found) == [in_prompt, wanted]
    assert (found.before, found.all) == (None, True)
    assert len(ids(search(reader(world), Wanted(words="small")))) == trace_search.PAGE  # of the newest ones


def test_a_page_ends_where_the_next_begins(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_search, "PAGE", 2)
    made = [called(world) for _ in range(5)]
    for words in ("", "customer waits"):
        seen: list[uuid.UUID] = []
        before: uuid.UUID | None = LAST
        while before is not None:
            found = search(reader(world), Wanted(words=words, below=before))
            seen, before = seen + ids(found), found.before
        assert seen == made[::-1]


def test_what_came_of_a_call_is_looked_for_among_so_many_and_the_page_says_where_it_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch, standin: Any
) -> None:
    run = world.run()
    advance_runs()
    action = Action.objects.get(run=run.pk)
    later = [called(world) for _ in range(3)]
    monkeypatch.setattr(trace_search, "LOOKED_AT", 3)
    first = search(reader(world), Wanted(), "in_review")
    assert (ids(first), first.before, first.looked_on) == ([], later[0], True)
    second = search(reader(world), Wanted(below=first.before or LAST), "in_review")
    assert ids(second) == [action.trace]
    assert second.rows[0].action == action
    assert ids(search(reader(world), Wanted(below=first.before or LAST), "done")) == []


def test_nobody_finds_what_the_model_was_told_for_themselves(world: World) -> None:
    called(world)
    for membership in Membership.objects.filter(user=world.operator, organization=world.organization):
        membership.roles = ["operator", "developer", "auditor"]
        membership.save()
        for wanted in (Wanted(), Wanted(words="customer waits"), Wanted(tool="send_message")):
            assert ids(search(membership, wanted)) == []
    assert len(ids(search(reader(world), Wanted()))) == 1


def test_another_organization_finds_nothing_on_any_path(world: World) -> None:
    called(world)
    theirs = Membership.objects.get(user=world.outsider, organization=world.elsewhere)
    for wanted in (Wanted(), Wanted(words="customer waits")):
        assert ids(search(theirs, wanted)) == []
    sql = "SELECT traces_saying(%s, 'customer', NULL, NULL, '', '', false, %s, %s, 50)"
    values = [world.organization.pk, uuid.UUID(int=0), LAST]
    with speaking_as("web", world.elsewhere.pk) as speaking:
        assert speaking.execute(sql, values).fetchall() == []
    with speaking_as("web") as speaking:
        assert speaking.execute(sql, values).fetchall() == []
    with speaking_as("web", world.organization.pk) as speaking:
        assert len(speaking.execute(sql, values).fetchall()) == 1


def test_the_page_finds_as_the_web_account_and_reading_is_an_event(world: World, page: Any) -> None:
    one = called(world)
    with account("web"), within(world.organization.pk):
        shown = page("developer").get(AUDIT, {"words": "customer waits", "tool": "send_message"})
        read = page("developer").get(f"{AUDIT}{one}/")
    assert shown.status_code == read.status_code == 200
    assert f"/audit/traces/{one}/" in shown.content.decode()
    events = {event.verb: event for event in Event.objects.filter(verb__in=["traces_searched", "trace_read"])}
    assert events["traces_searched"].actor == events["trace_read"].actor == world.developer.pk
    assert events["trace_read"].subject == one
    assert events["trace_read"].run is None
    said = EventDetail.objects.get(event=events["traces_searched"].pk).detail
    assert "customer waits" in said


def test_a_call_shows_everything_that_is_remembered_of_it(world: World, page: Any) -> None:
    text = page("developer").get(f"{AUDIT}{called(world, finish='stop', request_id='req-7')}/").content.decode()
    for part in (
        "You may only propose.", "The goal: ", "small-model", "fp_1", "90 %", "log-probability -0.1054", "write_note",
        "8 %", "Nobody reads notes.", "The customer waits.", "900 tokens in, 60 out", "40 ms", "stop", "req-7",
        "2 tools offered", "Its answer as it came",
    ):  # fmt: skip
        assert part in text, part


def test_a_form_that_was_made_up_is_refused(world: World, page: Any) -> None:
    refused = ("run=x", "agent=1", "before=1", "since=yesterday", "until=9999-12-31", "outcome=fine", "organization=1")
    for query in refused:
        assert page("developer").get(f"{AUDIT}?{query}").status_code == 400, query


def test_days_count_in_whole(world: World, page: Any) -> None:
    one = called(world)
    before, after = (f"{datetime.now(UTC) + timedelta(days=n):%Y-%m-%d}" for n in (-1, 2))
    assert str(one) in page("developer").get(AUDIT, {"since": before, "until": after}).content.decode()
    assert str(one) not in page("developer").get(AUDIT, {"since": after}).content.decode()
    assert str(one) not in page("developer").get(AUDIT, {"until": before}).content.decode()


def _more(like: uuid.UUID, number: int) -> None:
    """So many later calls that say what everybody says."""
    columns = [f.column for f in Trace._meta.fields if f.column not in {"id", "reasoning", "answer", "at"}]
    named = ", ".join(columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO traces_trace (id, answer, reasoning, {named}) SELECT one, '', 'small talk', {named}"
            " FROM traces_trace, unnest(%s::uuid[]) one WHERE id = %s",
            [[uuid7() for _ in range(number)], like],
        )
