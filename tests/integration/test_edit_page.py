"""The edit form: a field an argument, what was written stays, and a conflict shows what differs."""

import html
import json
import re
from typing import Any

import pytest

from approvals.models import Action, Decision, Revision
from approvals.reading import editing
from tests.integration.test_decide_edit import OTHER, edited
from tests.support.voting import browser, decide, risky, yes
from tests.support.world import MESSAGE, World

WRITTEN = {"argument:to": MESSAGE["to"], "argument:subject": "About your order", "argument:body": OTHER["body"]}


def form(action: Action, **changes: str) -> dict[str, str]:
    """What a browser sends."""
    return {"digest": action.digest, "reason": "", **WRITTEN, **changes}


def at(action: Action) -> str:
    return f"/actions/{action.pk}/edit/"


def said(answer: Any) -> str:
    """The page's text without its markup."""
    return html.unescape(re.sub(r"<[^>]*>", "", answer.content.decode()))


def test_the_form_holds_every_argument_and_what_is_sent_becomes_a_revision(world: World) -> None:
    action = world.staged()
    client = browser(world, "reviewer")
    page = client.get(at(action)).content.decode()
    for name, value in (("to", MESSAGE["to"]), ("body", MESSAGE["body"])):
        assert f'name="argument:{name}"' in page
        assert value in page
    answer = client.post(at(action), form(action, reason="A call."))
    assert (answer.status_code, answer["Location"]) == (302, f"/actions/{action.pk}/")
    action.refresh_from_db()
    assert json.loads(action.revisions.get(number=2).arguments) == {**OTHER, "subject": "About your order"}
    shown = client.get(f"/actions/{action.pk}/").content.decode()
    assert "What reviewer changed" in shown
    assert MESSAGE["body"] in shown
    assert OTHER["body"] in shown


def test_t18_the_decide_form_takes_an_edit_as_json(world: World) -> None:
    action = world.staged()
    answer = decide(browser(world, "reviewer"), action, "edit", arguments=json.dumps(OTHER), reason="A call.")
    assert answer.status_code == 302
    assert action.revisions.count() == 2
    assert not Decision.objects.exists()


def test_t18_an_approval_carries_no_arguments(world: World) -> None:
    action = world.staged()
    client = browser(world, "reviewer")
    assert decide(client, action, arguments=json.dumps(OTHER)).status_code == 400
    assert decide(client, action, "edit").status_code == 400
    assert Revision.objects.count() == 1
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"to": "a", "to": "b", "body": "x"}', '{"to": "a", "body": 1E400}', '{"body": "x"}']
)
def test_t05_arguments_that_two_could_read_differently_are_refused(text: str, world: World) -> None:
    action = world.staged()
    client = browser(world, "reviewer")
    form = {"decision": "edit", "digest": action.digest, "reason": "", "arguments": text}
    answer = client.post(f"/actions/{action.pk}/decide/", form, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "schema_invalid")
    assert answer.json()["problems"][0]["path"].startswith("arguments")
    assert Revision.objects.count() == 1


def test_a_misfit_is_told_at_its_field_and_nothing_that_was_written_is_lost(world: World) -> None:
    action = world.staged()
    answer = browser(world, "reviewer").post(at(action), form(action, reason="Why so", **{"argument:to": "a\u202eb"}))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert OTHER["body"] in page
    assert "Why so" in page
    assert re.search(r'name="argument:to"[^>]*aria-invalid="true"', page)
    assert "U+202E" in said(answer)
    assert Revision.objects.count() == 1


def test_what_somebody_else_changed_meanwhile_is_marked_and_what_was_written_stays(world: World) -> None:
    action = world.staged()
    client = browser(world, "reviewer")
    began = form(action)
    edited(world, world.reviewer2, action, {**MESSAGE, "body": "Written by the other.", "to": "somebody else"})
    answer = client.post(at(action), began)
    text = said(answer)
    assert answer.status_code == 409
    assert "reviewer2 changed it while you wrote" in text
    assert "Written by the other." in text
    assert OTHER["body"] in text
    assert f"When you began: {MESSAGE['body']}" in " ".join(text.split())
    fields = answer.context["fields"]
    assert {f.name: (f.written, f.current) for f in fields if f.moved is not None} == {
        "to": ("somebody else", "somebody else"),
        "body": (OTHER["body"], "Written by the other."),
    }
    again = client.post(at(action), {**began, "digest": answer.context["digest"], "argument:to": "somebody else"})
    assert again.status_code == 302
    assert action.revisions.count() == 3


def test_once_it_is_decided_there_is_nothing_to_edit(world: World) -> None:
    action = world.staged()
    began = form(action)
    yes(world, world.reviewer2, action)
    client = browser(world, "reviewer")
    assert client.get(at(action))["Location"] == f"/actions/{action.pk}/"
    answer = client.post(at(action), began)
    assert answer.status_code == 409
    assert "Somebody was first" in said(answer)


@pytest.mark.parametrize("name", ["operator", "auditor", "administrator"])
def test_whoever_may_not_decide_gets_no_form_and_changes_nothing(name: str, world: World) -> None:
    action = world.staged()
    client = browser(world, name)
    assert client.get(at(action)).status_code == 302
    assert client.post(at(action), form(action)).status_code == 403
    assert Revision.objects.count() == 1


@pytest.mark.parametrize("field", ["argument:bcc", "status", "author", "decision"])
def test_a_field_that_the_edit_form_does_not_have_is_refused(field: str, world: World) -> None:
    action = world.staged()
    assert browser(world, "reviewer").post(at(action), form(action, **{field: "x"})).status_code == 400
    assert browser(world, "reviewer").post(at(action), form(action, digest="sha256:0")).status_code == 400


def test_a_page_that_is_open_says_so_when_somebody_edits_and_offers_no_consent(world: World) -> None:
    action = world.staged()
    client = browser(world, "reviewer")
    seen = client.get(f"/actions/{action.pk}/").context["card"].seen
    edited(world, world.reviewer2, action)
    answer = client.get(f"/actions/{action.pk}/live/", {"seen": seen})
    assert answer.status_code == 286
    assert "reviewer2 changed this while you read" in said(answer)
    assert 'value="approve"' not in answer.content.decode()
    assert action.digest not in answer.content.decode()


def test_t39_the_form_of_what_is_risky_opens_to_whoever_signed_in_a_moment_ago(world: World) -> None:
    risky(world)
    action = world.staged()
    stale = browser(world, "reviewer", ago=600)
    asked = stale.get(at(action))
    assert asked.status_code == 401
    assert f'value="{at(action)}"' in asked.content.decode()
    kept = stale.post(at(action), form(action))
    assert kept.status_code == 401
    assert OTHER["body"] in kept.content.decode()
    assert Revision.objects.count() == 1
    assert browser(world, "reviewer").post(at(action), form(action)).status_code == 302


def schema_form(values: dict[str, Any], **properties: Any) -> list[editing.Field]:
    return [
        editing._field(name, values.get(name, editing._NOTHING), schema, frozenset({"token"}), needed=False)
        for name, schema in properties.items()
    ]


def test_each_kind_of_argument_survives_the_form_unchanged() -> None:
    values: dict[str, Any] = {
        "text": "a\nb", "empty": "", "number": 0.1, "whole": 12, "flag": False, "word": "b", "maybe": None,
        "many": [1, {"a": None}], "either": "480.00",
    }  # fmt: skip
    nullable = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    fields = schema_form(
        values,
        text={"type": "string"},
        empty={"type": "string"},
        number={"type": "number"},
        whole={"type": "integer"},
        flag={"type": "boolean"},
        word={"enum": ["a", "b"]},
        maybe=nullable,
        many={"type": "array"},
        either={"anyOf": [{"type": "number"}, {"type": "string", "pattern": "x"}]},
        absent={"type": "string"},
        token={"type": "string"},
    )
    assert [f.kind for f in fields] == [
        "lines", "text", "number", "number", "choice", "choice", "text", "json", "text", "text", "secret",
    ]  # fmt: skip
    sent = {f.key: f.written.replace("\n", "\r\n") for f in fields}
    arguments, problems = editing.read(editing.written(fields, sent))
    assert not problems
    assert arguments == {**values, "number": "0.1", "whole": "12"}  # numbers as text, which normalising reads
    assert not any(f.edited for f in editing.written(fields, sent))
