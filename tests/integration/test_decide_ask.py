"""ask, answer, comment: people talk about an action. It decides nothing, grants nothing, and stops no clock."""

from typing import Any

import psycopg
import pytest

from approvals.exceptions import (
    ActionNotFound,
    NotAPrincipal,
    NotAReader,
    NothingAsked,
    NotPermitted,
    PrincipalMayNotDecide,
    TooMuchSaid,
    WordsMissing,
)
from approvals.models import Remark
from approvals.services import remarks
from approvals.services.answer import answer
from approvals.services.ask import ask
from approvals.services.comment import comment
from tests.support.desking import does, on, told
from tests.support.sql import NO_RIGHT, REFUSED, copied, refusal
from tests.support.voting import browser, decide, status, yes
from tests.support.world import World
from traces.models import Event, EventDetail


def said(remark: Remark) -> tuple[str, str, str]:
    return remark.author.username, remark.kind, remark.text


def test_a_question_waits_for_its_answer_and_the_action_goes_on_waiting(world: World) -> None:
    action = world.staged()
    before = action.expires_at
    question = on(world, ask, "reviewer", action, "Which customer is this?")
    action.refresh_from_db()
    assert (action.status, action.asked_at is not None, action.expires_at) == ("in_review", True, before)
    does(world, answer, "operator", action, text="The one who called this morning.")
    action.refresh_from_db()
    assert (action.asked_at, action.status) == (None, "in_review")
    assert [said(one) for one in Remark.objects.order_by("id")] == [
        ("reviewer", "question", "Which customer is this?"),
        ("operator", "answer", "The one who called this morning."),
    ]
    assert told(world, action)[-2:] == ["asked", "answered"]
    assert question.organization_id == world.organization.id


def test_an_open_question_keeps_nobody_from_deciding(world: World) -> None:
    action = world.staged()
    on(world, ask, "reviewer", action, "Why?")
    yes(world, world.reviewer2, action)
    assert status(action) == "permitted"


def test_who_may_ask_answer_and_comment(world: World) -> None:
    action = world.staged()
    for name, refused in (("operator", PrincipalMayNotDecide), ("auditor", NotPermitted), ("outsider", NotPermitted)):
        with pytest.raises(refused):
            on(world, ask, name, action, "Why?")
    with pytest.raises(NothingAsked):
        does(world, answer, "operator", action, text="Because.")
    on(world, ask, "reviewer", action, "Why?")
    for name in ("reviewer", "administrator", "developer"):
        with pytest.raises(NotAPrincipal):
            does(world, answer, name, action, text="Because.")
    for name in ("operator", "reviewer", "reviewer2", "administrator", "auditor"):
        does(world, comment, name, action, text=f"{name} was here.")
    for name in ("developer", "outsider"):
        with pytest.raises(NotAReader):
            does(world, comment, name, action, text="I was here.")
    for verb in (answer, comment):
        with pytest.raises(ActionNotFound):
            verb(actor=world.outsider, organization=world.elsewhere.id, action_id=action.id, text="Hello.")
    assert Remark.objects.count() == 6


def test_words_are_bounded_and_their_event_does_not_repeat_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    action = world.staged()
    for empty in ("", " \n\t"):
        with pytest.raises(WordsMissing):
            does(world, comment, "reviewer", action, text=empty)
    long = does(world, comment, "reviewer", action, text="Quixotic\0" + "x" * 9000)
    assert (len(long.text), "\0" in long.text) == (remarks.MOST_CHARACTERS, False)
    monkeypatch.setattr(remarks, "MOST_REMARKS", 1)
    with pytest.raises(TooMuchSaid):
        does(world, comment, "reviewer", action, text="More.")
    event = Event.objects.get(verb="commented")
    assert "Quixotic" not in EventDetail.objects.get(event=event.id).detail + event.reason


def test_t22_a_remark_is_somebodys_own_and_written_once(
    world: World, as_web: psycopg.Connection[Any], as_worker: psycopg.Connection[Any]
) -> None:
    action = world.staged()
    remark = does(world, comment, "reviewer", action, text="Seen.")
    assert refusal(as_worker, *copied("approvals_remark", remark.id))[0] == NO_RIGHT
    assert refusal(as_web, "UPDATE approvals_remark SET text = 'x'")[0] == NO_RIGHT
    for forged in (
        {"author_id": world.outsider.pk},
        {"kind": "question", "author_id": world.operator.pk},
        {"kind": "question", "author_id": world.auditor.pk},
        {"kind": "answer", "author_id": world.operator.pk},
        {"kind": "answer"},
    ):
        assert refusal(as_web, *copied("approvals_remark", remark.id, **forged))[0] == REFUSED, forged
    assert refusal(as_web, *copied("approvals_remark", remark.id, kind="decision"))[0] == "23514"
    assert refusal(as_web, *copied("approvals_remark", remark.id, text="x" * 20001))[0] == "23514"
    assert refusal(as_web, *copied("approvals_remark", remark.id, organization_id=world.elsewhere.id))[0] != ""


def test_t22_a_question_is_open_only_where_one_was_asked_and_until_it_was_answered(
    world: World, as_web: psycopg.Connection[Any]
) -> None:
    action = world.staged()
    assert refusal(as_web, "UPDATE approvals_action SET asked_at = now()")[0] == REFUSED
    on(world, ask, "reviewer", action, "Why?")
    assert refusal(as_web, "UPDATE approvals_action SET asked_at = NULL")[0] == REFUSED


def test_the_doors_of_talking(world: World) -> None:
    action = world.staged()
    reviewer, operator = browser(world, "reviewer"), browser(world, "operator")
    at = f"/actions/{action.pk}/remarks/"
    assert decide(reviewer, action, "ask").status_code == 422
    assert decide(reviewer, action, "ask", reason="Why so much?").status_code == 302
    assert reviewer.post(at, {"kind": "answer", "text": "Because."}).status_code == 403
    assert operator.post(at, {"kind": "question", "text": "Because."}).status_code == 400
    answered = operator.post(at, {"kind": "answer", "text": "Because it is late.", "back": "run"})
    assert (answered.status_code, answered["Location"]) == (302, f"/runs/{action.run}/")
    assert reviewer.post(at, {"kind": "comment", "text": "I see."}).status_code == 302
    assert reviewer.post(at, {"kind": "comment", "text": " "}).status_code == 422
    assert reviewer.post(at, {"kind": "comment", "text": "x", "author": "operator"}).status_code == 400
    assert browser(world, "developer").post(at, {"kind": "comment", "text": "x"}).status_code == 404
    assert browser(world, "outsider").post(at, {"kind": "comment", "text": "x"}).status_code == 404
    assert [one.kind for one in Remark.objects.order_by("id")] == ["question", "answer", "comment"]
