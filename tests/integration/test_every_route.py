"""Every address, with every method, asked by everybody, for their own thing, somebody else's and nobody's.

The table is ``tests.support.routes``; the addresses come from the resolver, so that none can be forgotten. Everything
is asked as the web account, with both walls standing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse

from tests.support.api import account
from tests.support.routes import BODIES, EVERYBODY, NAMED_IN_THE_BODY, OUT_OF_SCOPE, REFUSED_FIRST, ROWS, SIGNING_IN
from tests.support.walking import (
    CALLERS,
    METHODS,
    MISSING_TOOL,
    PEOPLE,
    TOKENS,
    Answer,
    Walk,
    addresses,
    filled,
    kind_of,
    made,
    make_walk,
    place,
    rows_of,
)
from tests.support.world import World

PATTERNS = dict(addresses())
HERE = [caller for caller in CALLERS if caller != "outsider"]
THINGS = [key for key, pattern in PATTERNS.items() if kind_of(pattern)]


@pytest.fixture
def walk(world: World, settings: Any) -> Iterator[Walk]:
    """Everybody, as the web account. How often the pages of signing in are asked does not count here."""
    settings.ACCOUNT_RATE_LIMITS = False
    walk = make_walk(world)
    with account("web"):
        yield walk


def expected(key: str, method: str, caller: str) -> int:
    """The row's answer for a thing of the caller's own."""
    answers = ROWS[key].get(method)
    if answers is None:
        return 405
    for status, callers in answers.items():
        if caller in callers.split():
            return status
    return 401 if key.startswith("api/") else 302


def is_named(key: str, method: str, caller: str) -> bool:
    """Whether the row says anything of this caller, who otherwise gets no further than the door."""
    return any(caller in callers.split() for callers in ROWS[key].get(method, {}).values())


def kind_at(key: str) -> str:
    """The kind of thing that an address names: a tool by its name, below the API."""
    return "tool_name" if "<name>" in PATTERNS[key] else kind_of(PATTERNS[key])


def nowhere(kind: str) -> str:
    """What stands for a thing that is nowhere."""
    return MISSING_TOOL if kind == "tool_name" else str(uuid.uuid4())


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert set(PATTERNS) == set(ROWS)
    assert set(BODIES) <= {key for key, row in ROWS.items() if "POST" in row}


def test_every_row_names_each_caller_once() -> None:
    for key, row in ROWS.items():
        for method, answers in row.items():
            callers = " ".join(answers.values()).split()
            assert len(callers) == len(set(callers)), (key, method)
            assert set(callers) <= set(EVERYBODY.split()), (key, method)


@pytest.mark.parametrize("key", ROWS)
def test_t61_t76_everybody_is_answered_as_the_table_says_and_no_answer_is_kept(key: str, walk: Walk) -> None:
    kind, there = kind_at(key), reverse("account_login")
    for method in METHODS:
        shared = ""
        for caller in (*HERE, "outsider"):
            own, _ = walk.side(caller)
            if kind and (not shared or caller == "outsider" or method == "POST"):
                shared = made(own, kind)
            if key == "account_logout":
                walk.clients.clear()
            answer = walk.ask(caller, method, place(PATTERNS[key], shared), BODIES.get(key))
            asked = (key, method, caller)
            assert answer.status_code == expected(key, method, caller), asked
            if answer.status_code == 302 and not is_named(key, method, caller):
                assert answer.headers["Location"].startswith(f"{there}?next="), asked
            if caller in PEOPLE or caller in TOKENS:
                assert "no-store" in answer.headers["Cache-Control"], asked


@pytest.mark.parametrize("key", THINGS)
def test_t57_t58_t63_what_belongs_to_others_answers_as_what_is_nowhere_and_stays_as_it_was(
    key: str, walk: Walk
) -> None:
    """Status, headers, body and the number of statements; and not one row of the other organization differs."""
    kind = kind_at(key)
    for callers in (HERE, ["outsider"]):
        _, other = walk.side(callers[0])
        theirs = made(other, kind)
        before = rows_of(other.organization)
        for caller in callers:
            for method in ROWS[key]:
                assert_alike(walk, caller, method, key, theirs, nowhere(kind))
        assert rows_of(other.organization) == before, (key, callers)


@pytest.mark.parametrize("key", NAMED_IN_THE_BODY)
def test_t58_t63_what_a_body_names_is_looked_for_at_home_alone(key: str, walk: Walk) -> None:
    path = place(PATTERNS[key], "")
    for callers in (HERE, ["outsider"]):
        _, other = walk.side(callers[0])
        theirs, missing = made(other, "run"), nowhere("run")
        before = rows_of(other.organization)
        for caller in callers:
            there, away = (filled(NAMED_IN_THE_BODY[key], thing) for thing in (theirs, missing))
            walk.ask(caller, "POST", path, away)  # what is cached is so from here on
            first, second = (Answer.of(walk, caller, "POST", path, body) for body in (there, away))
            assert (first.status, first.statements) == (second.status, second.statements), caller
            assert first.body.replace(theirs, "") == second.body.replace(missing, ""), caller
            assert first.status in {302, 401, 403, 404}, caller
        assert rows_of(other.organization) == before, callers


def assert_alike(walk: Walk, caller: str, method: str, key: str, theirs: str, missing: str) -> None:
    """Nothing tells somebody else's thing from one that is nowhere."""
    pattern, body = PATTERNS[key], BODIES.get(key)
    walk.ask(caller, method, place(pattern, missing), body)  # what is cached is so from here on
    answers = [Answer.of(walk, caller, method, place(pattern, thing), body) for thing in (theirs, missing)]
    asked: Any = (key, method, caller)
    assert answers[0] == answers[1], asked
    own = expected(key, method, caller)
    closed = not is_named(key, method, caller) or (caller in TOKENS and own == OUT_OF_SCOPE)
    closed = closed or caller in REFUSED_FIRST.get(key, "").split()
    assert answers[0].status == (own if closed else 404), asked
    assert key not in SIGNING_IN
