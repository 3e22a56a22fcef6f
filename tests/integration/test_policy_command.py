"""Changing a policy: the next version, whole and with a reason, and what it means for calls that are under way."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, transaction

from approvals.exceptions import NotAdministrator, PolicyInvalid, PolicyMoved
from approvals.facts import current_policy, document_of
from approvals.models import PolicyVersion
from approvals.policy import Policy, PolicyRefused
from approvals.services.policy import change_policy
from tests.support.world import World, approved
from traces.models import Event

RULES = {"rules": [{"id": "every-message", "about": {"tools": ["send_message"]}, "quorum": 2, "reason": "Two look."}]}


def policy(*arguments: str, organization: str = "demo") -> str:
    out = io.StringIO()
    call_command("policy", *arguments, "--organization", organization, stdout=out, stderr=out)
    return out.getvalue()


def change(world: World, settings: Any = RULES, **changes: Any) -> Any:
    asked = {"reason": "Two people look at mail.", "by": world.administrator, "after": 1, **changes}
    return change_policy(world.organization.id, settings, **asked)


@pytest.fixture
def put(tmp_path: Path) -> Any:
    """Set a document from a file; returns what was printed."""

    def put(document: Any, *options: str, by: str = "administrator", reason: str = "Tried.") -> str:
        place = tmp_path / "policy.json"
        place.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
        return policy("set", "--file", str(place), "--reason", reason, "--as", by, *options)

    return put


def test_a_change_is_the_next_version_with_who_and_why(world: World) -> None:
    version = change(world)
    assert (version.number, version.made_by, version.reason) == (2, world.administrator, "Two people look at mail.")
    assert current_policy(world.organization.id) == version
    assert version.settings["rules"][0]["quorum"] == 2
    assert version.settings["most_steps"] == Policy().most_steps, "what was left out is spelled out"
    event = Event.objects.get(verb="policy_changed", subject=version.id)
    assert (event.actor_name, event.source, event.target, event.reason) == (
        "administrator", "1", "2", "Two people look at mail.",
    )  # fmt: skip
    assert current_policy(world.elsewhere.id).number == 1


def test_the_next_call_is_judged_by_it(world: World) -> None:
    change(world)
    action = world.staged()
    assert action.quorum == 2
    assert any(finding["rule"] == "every-message" for finding in ruling_of(action)["findings"] if "rule" in finding)


def ruling_of(action: Any) -> Any:
    return json.loads(action.revisions.get(number=action.revision).ruling)


@pytest.mark.parametrize("who", ["operator", "reviewer", "outsider"])
def test_only_an_administrator_of_that_organization_changes_it(world: World, who: str) -> None:
    with pytest.raises(NotAdministrator):
        change(world, by=world.people[who])
    assert current_policy(world.organization.id).number == 1


def test_somebody_who_left_changes_nothing(world: World) -> None:
    world.administrator.is_active = False
    world.administrator.save()
    with pytest.raises(NotAdministrator):
        change(world)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 2_001])
def test_a_change_without_a_reason_is_refused(world: World, reason: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        change(world, reason=reason)
    assert [path for path, _ in refused.value.problems] == ["reason"]


def test_a_document_that_is_not_understood_changes_nothing(world: World) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        change(world, {"rules": [{"id": "A"}], "trust": "everybody"})
    assert [path for path, _ in refused.value.problems] == ["rules[0].id", "trust"]
    assert refused.value.extra["problems"][0]["path"] == "rules[0].id"
    assert current_policy(world.organization.id).number == 1
    assert not Event.objects.filter(verb="policy_changed").exists()


def test_a_document_written_to_follow_an_older_version_is_refused(world: World) -> None:
    change(world)
    with pytest.raises(PolicyMoved):
        change(world, {}, after=1)
    three = {"rules": [{**RULES["rules"][0], "quorum": 3}]}
    assert change(world, three, after=2).number == 3


def test_of_two_changes_at_once_one_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other read the version before this one was written, so the number is taken when it writes."""
    change(world)
    stale = PolicyVersion.objects.get(organization=world.organization, number=1)
    monkeypatch.setattr("django.db.models.query.QuerySet.latest", lambda *_: stale)
    with pytest.raises(PolicyMoved), transaction.atomic():
        change(world)


def test_a_version_is_never_changed(world: World) -> None:
    version = change(world)
    with pytest.raises(DatabaseError, match="written once"), transaction.atomic():
        PolicyVersion.objects.filter(pk=version.pk).update(settings={})


def test_a_version_is_read_once_and_each_version_for_itself(world: World, django_assert_num_queries: Any) -> None:
    first, second = current_policy(world.organization.id), change(world)
    assert document_of(first) == Policy()
    assert document_of(second).rules[0].id == "every-message"
    with django_assert_num_queries(1):
        assert document_of(current_policy(world.organization.id)) is document_of(second)


def test_a_version_that_cannot_be_read_lets_nothing_through(world: World) -> None:
    PolicyVersion.objects.create(organization=world.organization, number=2, settings={"trust": "everybody"})
    with pytest.raises(PolicyRefused):
        world.staged()
    assert change(world, {}, after=2).number == 3, "and can be followed by one that can"
    assert world.staged().status == "in_review"


def test_t14_a_permit_of_the_older_policy_is_judged_anew(world: World) -> None:
    from approvals.tasks import sign_permits

    action = world.staged()
    approved(world, action)
    change(world)
    assert sign_permits() == 0
    action.refresh_from_db()
    assert (action.status, action.revision, action.quorum) == ("in_review", 2, 2)


def test_the_shell_shows_a_document_that_it_takes(world: World, put: Any) -> None:
    assert put(RULES) == "demo: policy 2 is in force; changed: rules.every-message\n"
    shown = json.loads(policy("show"))
    assert shown["rules"][0]["id"] == "every-message"
    assert put({**shown, "exposure": {"EUR": "500"}}).endswith("policy 3 is in force; changed: exposure.EUR\n")
    assert json.loads(policy("show", "--number", "1")) == Policy().to_json()
    assert json.loads(policy("show", organization="elsewhere"))["rules"] == []


def test_the_shell_tells_every_problem_and_what_means_nothing_here(world: World, put: Any) -> None:
    with pytest.raises(CommandError, match=r"rules\[0\].id: must be(.|\n)*confidence: must be"):
        put({"rules": [{"id": "A"}], "confidence": 2})
    with pytest.raises(CommandError, match="this key is there twice"):
        put('{"confidence": 1, "confidence": 0}')
    with pytest.raises(CommandError, match="must be an object"):
        put([])
    about = {"tools": ["send_mesage"], "agents": ["planner"], "initiators": ["nobody"]}
    said = put({"rules": [{"id": "typo", "about": about, "teams": {"finance": 1, "reviewers": 1}}]})
    assert "rules.typo.tools: there is nothing called send_mesage here" in said
    assert "rules.typo.initiators: there is nothing called nobody here" in said
    assert "rules.typo.teams: there is nothing called finance here" in said
    assert "planner" not in said
    assert "called reviewers" not in said


def test_the_shell_needs_somebody_who_answers_for_it(world: World, put: Any) -> None:
    with pytest.raises(CommandError, match="no active person called nobody"):
        put({}, by="nobody")
    with pytest.raises(CommandError, match="Only an administrator"):
        put({}, by="reviewer")
    with pytest.raises(CommandError, match="say why"):
        put({}, reason=" ")
    put({}, "--after", "1")
    with pytest.raises(CommandError, match="Somebody changed the policy"):
        put({}, "--after", "1")
    with pytest.raises(CommandError, match="none called nowhere"):
        policy("show", organization="nowhere")
    with pytest.raises(CommandError, match="no version 9"):
        policy("show", "--number", "9")
    with pytest.raises(CommandError, match="--file"):
        policy("set", "--file", "/nowhere", "--reason", "x", "--as", "administrator")


def test_the_shell_lists_every_version(world: World, put: Any) -> None:
    put(RULES, reason="Two people\nlook.")
    first, second = policy("history").splitlines()
    assert first.endswith("setup  The first policy: deny by default.  (nothing)")
    assert "administrator  Two people ⏎ look.  (rules.every-message)" in second
