"""What the page of stops and the banner say: who may lift, what was never sent, and where a list was cut."""

from __future__ import annotations

import pytest
from django.test import Client

from approvals.tasks import execute_permitted
from tests.integration.test_execution_classes import obedient  # noqa: F401
from tests.integration.test_stop_amid_a_batch import batch, inside, stop
from tests.support.world import World


def page(world: World, name: str, address: str = "/stop/") -> str:
    client = Client()
    client.force_login(world.people[name])
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("name", "says"),
    [("reviewer", "See the stop"), ("reviewer2", "See and lift"), ("operator", "See why")],
)
def test_the_banner_offers_lifting_to_nobody_who_may_not_lift(name: str, says: str, world: World) -> None:
    """Who engaged a stop may stop more and lifts nothing of it; who is no reviewer may look."""
    stop(world)
    said = page(world, name)
    assert [words for words in ("See the stop", "See and lift", "See why") if f">{words}</a>" in said] == [says]


def test_what_was_claimed_and_never_sent_stands_among_what_was_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions = batch(world)
    inside(monkeypatch, 1, lambda: stop(world))
    execute_permitted()
    said = page(world, "reviewer2")
    stopped, _, rest = said.partition('aria-label="Left before the stop')
    assert stopped.count("Claimed, never sent") == len(actions) - 1
    assert "Claimed, never sent" not in rest


def test_a_list_that_was_cut_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("approvals.reading.stopped.MOST", 2)
    for _ in range(3):
        world.staged()
    stop(world)
    assert ">2 or more</span>" in page(world, "reviewer2")
