"""Try a call: what would be said of it is told, and nothing of it is kept."""

from __future__ import annotations

import json
from typing import Any

from approvals.models import Action, Trial
from tests.support.policing import RULE, change
from tests.support.walking import rows_of
from tests.support.world import MESSAGE, World


def test_a_call_is_tried_and_no_row_of_any_table_changes(world: World, page: Any) -> None:
    limit = {"id": "few", "per": "tool", "counts": "calls", "most": 1, "seconds": 3_600, "answer": "deny"}
    change(world, {"rules": [{"id": "two", "quorum": 2}], "limits": [limit]})
    world.staged()
    before = rows_of(world.organization.id)
    form = {
        "tool": str(world.tool().pk), "initiator": str(world.operator.pk), "agent": str(world.agent.pk),
        "trial": "", "confidence": "", "pasted": json.dumps(MESSAGE),
    }  # fmt: skip
    client = page()
    before = rows_of(world.organization.id)
    for _ in range(2):
        shown = client.post("/policy/try/", form).content.decode()
        assert "It would be denied" in shown
        assert "1 of 1 calls in the last hour" in shown, "limits are read, and not reserved"
    assert "Rule two holds" in shown
    assert "through team reviewers" in shown
    assert "an agent can never decide" in shown
    assert rows_of(world.organization.id) == before
    assert Action.objects.count() == 1


def test_a_call_is_tried_under_a_policy_that_is_not_in_force(world: World, page: Any) -> None:
    page().post("/policy/new/", {**RULE, "then": "try", "quorum": "3", "answer": "review"})
    tried = Trial.objects.get()
    form = {"tool": str(world.tool().pk), "initiator": str(world.operator.pk), "agent": str(world.agent.pk)}
    fields = {f"argument:{name}": value for name, value in MESSAGE.items()}
    said = {True: "It would wait for 3 people", False: "It would wait for one person"}
    for draft, words in said.items():
        shown = page().post("/policy/try/", {**form, **fields, "trial": str(tried.pk) if draft else ""})
        assert words in shown.content.decode()
    pasted = page().post("/policy/try/", {**form, "pasted": "[1]"})
    assert pasted.status_code == 422
