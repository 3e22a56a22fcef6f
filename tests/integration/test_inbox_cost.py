"""What the inbox's first page asks of the database, and what it does not ask twice or for nothing."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.many import listed, page
from tests.support.voting import signed_in
from tests.support.world import World

LANE_BY_LANE = "reviewable(tool)"
"""Stands in every statement that looks through what waits tool by tool, and in no other."""


def asked(world: World, query: str) -> list[str]:
    """The statements of one page, after one that filled what is remembered."""
    client = signed_in(world, "reviewer")
    page(client, query)
    with CaptureQueriesContext(connection) as found:
        page(client, query)
    return [one["sql"] for one in found]


def test_the_list_and_the_frame_around_it_count_and_read_once(world: World) -> None:
    world.staged()
    statements = asked(world, "")
    assert sum("SELECT count(*) FROM (" in one for one in statements) == 1
    for once in ('FROM "approvals_savedview"', 'FROM "tools_killswitch"', "FROM tools_rightsversion", "tools_right x"):
        assert sum(once in one for one in statements) == 1, once
    assert sum('FROM "accounts_user" WHERE' in one for one in statements) == 1
    assert sum("FROM tools_tool t" in one for one in statements) == 1


def test_a_name_that_nobody_has_is_looked_for_among_names_and_not_among_actions(world: World) -> None:
    world.staged()
    for query in ("initiator=nobody", "agent=nobody"):
        statements = asked(world, query)
        assert sum(LANE_BY_LANE in one for one in statements) == 1, "the frame's counts, and nothing else"


def test_a_list_says_how_many_it_holds_with_a_frame_and_without_one(world: World) -> None:
    world.staged()
    world.staged()
    client = signed_in(world, "reviewer")
    for query in ("", "lane=unclaimed", "risk=medium"):
        held = len(listed(client, query))
        assert held == 2
        assert f'<span class="count">{held}<' in page(client, query)
