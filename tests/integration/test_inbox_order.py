"""The inbox's order, and its pages: nothing is on two of them, and nothing is lost between them."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.test import Client

from approvals import queries
from approvals.models import Action
from approvals.views import queue
from tests.support.many import copies, listed, next_of, page, rows_of, shaped
from tests.support.sql import without_guards
from tests.support.voting import signed_in
from tests.support.world import World

SPREAD = {
    "risk": "(ARRAY['low','medium','high'])[1 + n %% 3]",
    "created": "timestamptz '2026-01-01' + make_interval(secs => (n * 7919) %% 1000)",
    "expires_at": "clock_timestamp() + CASE WHEN n %% 4 = 0 THEN make_interval(secs => 30 + (n * 31) %% 500)"
    " ELSE interval '3 hours' END",
}
"""Rows of every risk, age and time left, none of them in the order in which it was made."""


def spread(world: World, number: int) -> Client:
    """So many waiting actions, and the reviewer's browser."""
    action = world.staged()
    with without_guards() as admin:
        copies(admin, action.pk, number - 1, **SPREAD)
    return signed_in(world, "reviewer")


def by_hand(soon: dt.timedelta) -> list[uuid.UUID]:
    """The order as it is promised, from all rows at once."""
    rows = list(Action.objects.all())
    until = dt.datetime.now(dt.UTC) + soon
    near = sorted((r for r in rows if r.expires_at <= until), key=lambda r: (r.expires_at, r.pk))
    rank = {"high": 0, "medium": 1, "low": 2}
    later = sorted((r for r in rows if r.expires_at > until), key=lambda r: (rank[r.risk], r.created, r.pk))
    return [row.pk for row in (*near, *later)]


def walked(client: Client, query: str = "") -> list[uuid.UUID]:
    """All pages, one after the other."""
    found: list[uuid.UUID] = []
    text = page(client, query)
    while True:
        found += rows_of(text)
        query = next_of(text)
        if not query:
            return found
        text = page(client, query)


def test_what_runs_out_soon_comes_first_then_risk_then_age(world: World) -> None:
    low_old = shaped(world.staged(), risk="'low'", created="created - interval '1 hour'")
    high_new = shaped(world.staged(), risk="'high'")
    high_old = shaped(world.staged(), risk="'high'", created="created - interval '1 hour'")
    medium = shaped(world.staged(), risk="'medium'")
    low_last = shaped(world.staged(), risk="'low'", expires_at="clock_timestamp() + interval '8 minutes'")
    medium_last = shaped(world.staged(), risk="'medium'", expires_at="clock_timestamp() + interval '2 minutes'")
    client = signed_in(world, "reviewer")
    expected = [medium_last, low_last, high_old, high_new, medium, low_old]
    assert listed(client) == [action.pk for action in expected]


def test_the_order_is_explained_where_it_is_named(world: World) -> None:
    world.staged()
    text = page(signed_in(world, "reviewer"))
    assert 'title="What runs out within ten minutes first, then high risk, then what waits longest"' in text
    assert 'aria-describedby="order-hint"' in text
    assert "How this list is ordered" in text


@pytest.mark.parametrize("many", [0, 40])
def test_the_pages_together_are_the_whole_list_in_its_order(
    world: World, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(queue, "PAGE", 7)
    monkeypatch.setattr(queries, "MANY", many)  # tool by tool, or through all of them at once
    client = spread(world, 60)
    found = walked(client)
    assert found == by_hand(queue.SOON)
    assert len(found) == 60


def test_nobody_who_turns_pages_misses_a_row_or_meets_one_twice_while_others_come_and_go(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "PAGE", 6)
    client = spread(world, 48)
    there = set(by_hand(queue.SOON))
    seen: list[uuid.UUID] = []
    gone: set[uuid.UUID] = set()
    text = page(client)
    while True:
        seen += rows_of(text)
        if not next_of(text):
            break
        leaving = [*seen[-2:], *[pk for pk in by_hand(queue.SOON) if pk not in seen][4:6]]
        gone |= set(leaving)
        with without_guards() as admin:
            admin.execute("UPDATE approvals_action SET status = 'withdrawn' WHERE id = ANY (%s)", [leaving])
            copies(admin, seen[0], 3, **SPREAD)
        text = page(client, next_of(text))
    assert len(seen) == len(set(seen))
    assert there - gone <= set(seen)


def test_a_row_whose_time_grows_short_meanwhile_keeps_its_place(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts as soon is measured from the first page, however long a person takes over it."""
    monkeypatch.setattr(queue, "PAGE", 6)
    client = spread(world, 30)
    expected = by_hand(queue.SOON)
    text = page(client)
    seen = rows_of(text)
    monkeypatch.setattr(queue, "SOON", dt.timedelta(hours=4))  # as if hours had passed
    while next_of(text):
        text = page(client, next_of(text))
        seen += rows_of(text)
    assert seen == expected
    assert walked(client) != expected  # a list that is asked for anew begins anew


def test_every_lane_turns_its_pages_alike(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "PAGE", 4)
    client = spread(world, 20)
    with without_guards() as admin:
        admin.execute(
            "UPDATE approvals_action SET status = CASE WHEN risk = 'high' THEN 'scheduled' WHEN risk = 'low' THEN"
            " 'uncertain' ELSE status END, due_at = expires_at, assignee_id = %s,"
            " assigned_until = clock_timestamp() + interval '1 hour'",
            [world.reviewer.pk],
        )
    for lane, statuses in {
        "mine": {"in_review", "uncertain"},
        "unknown": {"uncertain"},
        "waiting": {"in_review"},
    }.items():
        found = walked(client, f"lane={lane}")
        assert len(found) == len(set(found))
        assert set(found) == set(Action.objects.filter(status__in=statuses).values_list("pk", flat=True)), lane
    soon = walked(client, "lane=soon")
    leaving = Action.objects.filter(status="scheduled").order_by("due_at", "id").values_list("pk", flat=True)
    assert soon[: len(leaving)] == list(leaving)


@pytest.mark.parametrize(
    "place",
    [
        "x", "~~~", "2026-01-01T00:00:00+00:00~later~0", "2026-01-01T00:00:00+00:00~leaving~x~y",
        "2026-01-01T00:00:00+00:00~later~9~2026-01-01T00:00:00+00:00~01a1ff18-d176-72d8-b9a3-ec88c9d77204",
        "2026-01-01T00:00:00+02:00~soon~2026-01-01T00:00:00+00:00~01a1ff18-d176-72d8-b9a3-ec88c9d77204",
        "2026-01-01T00:00:00+00:00~after~0~2026-01-01T00:00:00+00:00~01a1ff18-d176-72d8-b9a3-ec88c9d77204",
    ],
)  # fmt: skip
def test_a_place_that_the_list_did_not_name_is_refused(world: World, place: str) -> None:
    world.staged()
    assert signed_in(world, "reviewer").get("/", {"from": place}).status_code == 400


def test_a_card_that_is_opened_keeps_the_list_beside_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "PAGE", 4)
    client = spread(world, 12)
    second = next_of(page(client))
    rows = listed(client, second)
    beside = client.get(f"/actions/{rows[1]}/?{second}").content.decode()
    assert rows_of(beside) == rows
    assert f'data-action="{rows[1]}"' in beside
