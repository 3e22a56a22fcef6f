"""Files that come with a goal over the API: Base64 in, told of by digest, and part of what a key stands for."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from lam_app.models import Attachment, Run
from tests.support.api import Api, problem
from tests.support.files import NOTE, TABLE, pdf

GOAL = "Write a note about order 1009: the customer asked for a call back"


def file(data: bytes, name: str = "orders.csv") -> dict[str, str]:
    return {"name": name, "content": base64.b64encode(data).decode()}


def test_a_goal_is_accepted_with_its_files(api: Api) -> None:
    answer = api.operator.post("runs", {"goal": GOAL, "attachments": [file(TABLE), file(pdf(), "why.pdf")]})
    assert answer.status_code == 201
    told = answer.json()["attachments"]
    assert [(one["name"], one["kind"], one["size"]) for one in told] == [
        ("orders.csv", "csv", len(TABLE)),
        ("why.pdf", "pdf", len(pdf())),
    ]
    assert told[0]["sha256"] == hashlib.sha256(TABLE).hexdigest()
    assert told[0]["notes"] == ["A table of 3 columns and 3 rows."]
    assert api.operator.get(f"runs/{answer.json()['id']}").json()["attachments"] == told


def test_the_files_are_part_of_what_a_key_stands_for(api: Api) -> None:
    first = api.operator.post("runs", {"goal": GOAL, "attachments": [file(NOTE)]}, Idempotency_Key="k")
    again = api.operator.post("runs", {"goal": GOAL, "attachments": [file(NOTE)]}, Idempotency_Key="k")
    assert first.json()["id"] == again.json()["id"]
    for others in ([], [file(TABLE)], [file(NOTE, "b.csv")], [file(NOTE), file(TABLE)]):
        body = {"goal": GOAL, "attachments": others}
        problem(api.operator.post("runs", body, Idempotency_Key="k"), 409, "args_mismatch")
    assert (Run.objects.count(), Attachment.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("attachments", "code"),
    [
        ([{"name": "a.txt", "content": "no Base64 at all"}], "schema_invalid"),
        ([{"name": "a.txt", "content": ""}], "schema_invalid"),
        ([{"name": "", "content": "YQ=="}], "schema_invalid"),
        ([{"name": "a.txt", "content": "YQ==", "kind": "pdf"}], "schema_invalid"),
        ([{"name": "a\u202etxt", "content": "YQ=="}], "attachment_refused"),
        ([file(b"\x7fELF")], "attachment_refused"),
        ([file(NOTE)] * 6, "schema_invalid"),
    ],
)
def test_what_cannot_be_attached_gives_no_goal(api: Api, attachments: list[Any], code: str) -> None:
    answer = api.operator.post("runs", {"goal": GOAL, "attachments": attachments})
    problem(answer, 400 if "kind" in attachments[0] else 422, code)
    assert not Run.objects.exists()
