"""How long a card was open is kept with the decision, by a word that the page carries and nobody can make up."""

from __future__ import annotations

import pytest

from approvals.models import Decision
from tests.support.voting import browser, decide, shown_token
from tests.support.world import World


def test_a_decision_keeps_how_long_the_card_was_open(world: World) -> None:
    action = world.staged()
    reviewer = browser(world, "reviewer")
    token = shown_token(reviewer, action)
    assert decide(reviewer, action, card=token).status_code == 302
    said = Decision.objects.get(action=action)
    assert said.seconds is not None
    assert 0 <= said.seconds < 600


@pytest.mark.parametrize("forged", ["", "1.00", "170000000000.deadbeef", "x" * 400])
def test_a_page_that_nobody_was_shown_says_nothing_about_time(world: World, forged: str) -> None:
    action = world.staged()
    decide(browser(world, "reviewer"), action, card=forged)
    assert Decision.objects.get(action=action).seconds is None


def test_the_word_of_one_page_is_worth_nothing_on_another_or_from_somebody_else(world: World) -> None:
    action, other = world.staged(), world.staged()
    reviewer = browser(world, "reviewer")
    token = shown_token(reviewer, other)
    decide(reviewer, action, card=token)
    assert Decision.objects.get(action=action).seconds is None
    decide(browser(world, "reviewer2"), other, card=token)
    assert Decision.objects.get(action=other).seconds is None


def test_a_page_that_is_drawn_anew_is_as_old_as_it_was(world: World) -> None:
    action = world.staged()
    reviewer = browser(world, "reviewer")
    token = shown_token(reviewer, action)
    again = reviewer.get(f"/actions/{action.pk}/", {"card": token}).content.decode()
    assert f'name="card" value="{token}"' in again
    forged = reviewer.get(f"/actions/{action.pk}/", {"card": "1.x"}).content.decode()
    assert 'value="1.x"' not in forged
