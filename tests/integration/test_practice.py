"""Practice: made-up requests on the real card. Nothing of it is written, and nothing of it can run."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.lessons import APPROVE, LESSONS, REJECT
from tests.support.walking import BACKEND, rows_of
from tests.support.world import World

WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "TRUNCATE")


@pytest.fixture
def reviewer(world: World) -> Client:
    """The demo's reviewer, signed in."""
    client = Client()
    client.force_login(world.reviewer, backend=BACKEND)
    return client


def numbers() -> range:
    """Every lesson."""
    return range(1, len(LESSONS) + 1)


def test_a_dozen_lessons_of_which_some_are_right() -> None:
    assert len(LESSONS) >= 12
    said = [lesson.right for lesson in LESSONS]
    assert said.count(APPROVE) >= 3
    assert said.count(REJECT) >= 6
    assert set(said) == {APPROVE, REJECT}


def test_every_lesson_is_shown_and_answered_without_a_row_being_written(world: World, reviewer: Client) -> None:
    before = rows_of(world.organization.id)
    for number in numbers():
        with CaptureQueriesContext(connection) as asked:
            assert reviewer.get(f"/practice/?lesson={number}").status_code == 200
            for answer in (APPROVE, REJECT):
                sent = reviewer.post("/practice/", {"lesson": number, "answer": answer})
                assert sent.status_code == 200
        said = [query["sql"] for query in asked if query["sql"].lstrip().upper().startswith(WRITES)]
        assert said == [], number
    assert rows_of(world.organization.id) == before


def test_no_lesson_names_an_action_that_could_be_decided(reviewer: Client) -> None:
    for number in numbers():
        page = reviewer.get(f"/practice/?lesson={number}").content.decode()
        assert "/decide/" not in page
        assert "/actions/" not in page
        assert "Practice" in page


def test_the_answer_says_what_there_was_to_see_and_before_it_nothing_does(reviewer: Client) -> None:
    for number, lesson in enumerate(LESSONS, start=1):
        shown = reviewer.get(f"/practice/?lesson={number}")
        assert lesson.look not in shown.content.decode()
        assert lesson.name not in shown.content.decode().replace(f"Practice: {lesson.name}", "")
        told = reviewer.post("/practice/", {"lesson": number, "answer": lesson.right}).content.decode()
        assert "Right." in told
        assert lesson.see.split(".", 1)[0] in told
        wrong = REJECT if lesson.right == APPROVE else APPROVE
        other = reviewer.post("/practice/", {"lesson": number, "answer": wrong})
        assert "Right." not in other.content.decode()


def test_a_letter_that_looks_like_another_is_shown_as_it_is_at_the_desk(reviewer: Client) -> None:
    number = next(n for n, lesson in enumerate(LESSONS, start=1) if "\u0430" in str(lesson.arguments))
    assert "letters that look alike" in reviewer.get(f"/practice/?lesson={number}").content.decode()


@pytest.mark.parametrize("lesson", ["0", "13", "-1", "one", "1.0", "9999999", "²"])
def test_there_are_no_other_lessons(reviewer: Client, lesson: str) -> None:
    assert reviewer.get("/practice/", {"lesson": lesson}).status_code == 404
    assert reviewer.post("/practice/", {"lesson": lesson, "answer": APPROVE}).status_code == 404


@pytest.mark.parametrize("sent", [{}, {"lesson": "1"}, {"lesson": "1", "answer": "maybe"}, {"answer": "yes"}])
def test_an_answer_is_yes_or_no(reviewer: Client, sent: dict[str, str]) -> None:
    assert reviewer.post("/practice/", sent).status_code == 400
