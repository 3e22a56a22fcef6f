"""That something was done is the executors' word, what became of a doubt a person's: plain SQL says neither."""

from typing import Any

import psycopg
import pytest

from approvals.models import Action
from tests.support.forging import decision_by
from tests.support.sql import EVENT, REFUSED, refusal, without_guards
from tests.support.world import World, approved
from tools.models import Execution


def moved(speaking: psycopg.Connection[Any], action: Action, status: str) -> tuple[str, str]:
    speaking.execute(EVENT, {"subject": action.id, "target": status})
    return refusal(speaking, "UPDATE approvals_action SET status = %s WHERE id = %s", [status, action.id])


def standing(world: World, status: str) -> Action:
    action = world.staged()
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET status = %s WHERE id = %s", [status, action.id])
    return action


def test_t108_the_web_neither_begins_a_call_nor_says_how_one_ended(
    world: World, as_web: psycopg.Connection[Any]
) -> None:
    action = world.staged()
    approved(world, action)
    code, words = moved(as_web, action, "executing")
    assert (code, "for the executors to say" in words) == (REFUSED, True)
    action = standing(world, "executing")
    for status in ("done", "failed", "uncertain"):
        code, words = moved(as_web, action, status)
        assert (code, "for the executors to say" in words) == (REFUSED, True)
    assert moved(as_web, standing(world, "done"), "undone")[0] == REFUSED
    assert not Execution.objects.exists()


@pytest.mark.parametrize("account", ["as_web", "as_worker"])
def test_a_doubt_ends_with_a_persons_word_and_with_nothing_else(
    account: str, world: World, as_web: psycopg.Connection[Any], request: pytest.FixtureRequest
) -> None:
    speaking = request.getfixturevalue(account)
    action = standing(world, "uncertain")
    for status in ("done", "failed"):
        code, words = moved(speaking, action, status)
        assert (code, "nobody has said" in words) == (REFUSED, True)
    as_web.execute(*decision_by(world.reviewer, action, verb="happened"))
    as_web.commit()
    assert moved(speaking, action, "failed")[0] == REFUSED
    assert moved(speaking, action, "done") == ("", "")
