"""edit: a reviewer's other arguments are another revision, judged anew, with votes that begin anew."""

import json
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import User
from accounts.rows import within
from approvals import binding
from approvals.exceptions import (
    AlreadyDecided,
    DigestMoved,
    EditorMayNotApprove,
    NothingChanged,
    NotPermitted,
    PrincipalMayNotDecide,
    SignInAgain,
)
from approvals.models import Action, Decision, Revision
from approvals.policy import Facts, Origin, Source
from approvals.services.edit import edit
from approvals.services.reserve import reserve
from approvals.tasks import execute_permitted, sign_permits
from tests.support.forging import decision_by
from tests.support.racing import acting_as
from tests.support.sql import EVENT, REFUSED
from tests.support.voting import just_now, long_ago, needing, policy, risky, status, yes
from tests.support.world import MESSAGE, World
from tools.arguments import ArgumentsRefused
from tools.models import OutboxMessage
from traces.exceptions import DomainError
from traces.models import Event, EventDetail

OTHER = {**MESSAGE, "body": "Your order 1009 arrives on Monday."}


def edited(world: World, person: User, action: Action, arguments: Any = OTHER, **more: Any) -> Revision:
    """This person's other arguments for the action as it is now, written right after signing in."""
    action.refresh_from_db()
    asked = {"organization": world.organization.id, "action_id": action.id, "digest": action.digest, **more}
    revision = edit(actor=person, arguments=arguments, **{"signed_in_at": just_now(), **asked})
    action.refresh_from_db()
    return revision


def test_t18_what_was_edited_is_what_runs_and_both_versions_are_kept(world: World) -> None:
    action = world.staged()
    first = action.revisions.get()
    second = edited(world, world.reviewer, action, reason="The carrier called.")
    assert (action.revision, action.digest, action.status) == (2, second.digest, "in_review")
    assert (second.author, first.author) == (world.reviewer, None)
    told = Event.objects.get(subject=action.id, verb="edited")
    detail = json.loads(EventDetail.objects.get(event=told.pk).detail)
    assert (told.actor, told.reason) == (world.reviewer.pk, "The carrier called.")
    assert (detail["before"], detail["digest"], detail["changed"]) == (first.digest, second.digest, ["body"])
    assert OTHER["body"] not in json.dumps(detail)
    yes(world, world.reviewer2, action)
    sign_permits()
    execute_permitted()
    assert [message.body for message in OutboxMessage.objects.all()] == [OTHER["body"]]
    assert binding.parsed(first.arguments)["body"] == MESSAGE["body"]


def test_t18_below_high_risk_the_editor_may_approve_alone_but_not_in_the_same_breath(world: World) -> None:
    action = world.staged()
    assert action.risk == "medium"
    edited(world, world.reviewer, action)
    assert status(action) == "in_review"
    yes(world, world.reviewer, action)
    assert status(action) == "permitted"


def test_t18_on_high_risk_somebody_else_approves_what_an_editor_wrote(world: World) -> None:
    risky(world)
    action = world.staged()
    edited(world, world.reviewer, action)
    with pytest.raises(EditorMayNotApprove) as refused:
        yes(world, world.reviewer, action)
    assert (refused.value.http_status, status(action)) == (403, "in_review")
    assert Event.objects.filter(subject=action.id, verb="refused", actor=world.reviewer.pk).exists()
    yes(world, world.reviewer2, action)
    assert status(action) == "permitted"
    assert sign_permits() == 1


def test_t18_the_database_counts_no_editor_on_high_risk_either(world: World) -> None:
    risky(world)
    action = world.staged()
    edited(world, world.reviewer, action)
    with connection.cursor() as cursor:
        cursor.execute(*decision_by(world.reviewer, action))
    assert permitted_by_sql(action) == REFUSED
    with connection.cursor() as cursor:
        cursor.execute(*decision_by(world.reviewer2, action))
    assert permitted_by_sql(action) == ""


def permitted_by_sql(action: Action) -> str:
    """The SQLSTATE of a plain UPDATE to permitted, taken back."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(EVENT, {"subject": action.id, "target": "permitted"})
            cursor.execute("UPDATE approvals_action SET status = 'permitted' WHERE id = %s", [action.id])
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            transaction.set_rollback(True)
    except DatabaseError as error:
        return str(getattr(error.__cause__, "sqlstate", "?"))
    return ""


def test_t18_what_an_editor_wrote_stays_theirs_when_a_permit_becomes_void(world: World) -> None:
    risky(world)
    action = world.staged()
    edited(world, world.reviewer, action)
    yes(world, world.reviewer2, action)
    policy(world)
    assert sign_permits() == 0
    action.refresh_from_db()
    assert (action.status, action.revision) == ("in_review", 3)
    with pytest.raises(EditorMayNotApprove):
        yes(world, world.reviewer, action)


def test_votes_begin_anew_with_an_edit(world: World) -> None:
    needing(world, quorum=2)
    action = world.staged()
    before = action.digest
    yes(world, world.reviewer2, action)
    edited(world, world.reviewer, action)
    with pytest.raises(DigestMoved):
        yes(world, world.reviewer2, action, digest=before)
    yes(world, world.reviewer2, action)
    assert status(action) == "in_review"
    assert Decision.objects.count() == 2


def test_every_check_repeats_and_the_policy_may_deny_what_comes_of_it(world: World) -> None:
    press = [{"argument": "to", "compares": "=", "value": "the press"}]
    policy(world, rules=[{"id": "no-press", "when": press, "answer": "deny"}])
    action = world.staged()
    assert action.status == "in_review"
    revision = edited(world, world.reviewer, action, {**MESSAGE, "to": "the press"})
    assert (action.status, action.verdict, action.revision) == ("denied", "deny", 2)
    assert action.settled_at is not None
    assert any(f["rule"] == "no-press" for f in json.loads(revision.ruling)["findings"] if "rule" in f)
    with pytest.raises(AlreadyDecided):
        yes(world, world.reviewer2, action)


def test_an_edit_that_needs_more_people_asks_for_them(world: World) -> None:
    press = {"id": "press", "when": [{"argument": "to", "compares": "=", "value": "the press"}], "quorum": 2}
    policy(world, rules=[press])
    action = world.staged()
    assert action.quorum == 1
    edited(world, world.reviewer, action, {**MESSAGE, "to": "the press"})
    assert (action.quorum, action.summary) == (2, "Send a message to the press")


def test_changed_places_come_from_a_person_and_the_others_from_where_they_came(world: World) -> None:
    told = tuple(Origin(path, Source.OUTSIDE, "step 1") for path in ("to", "body"))
    action = world.staged(provenance=told)
    revision = edited(world, world.reviewer, action)
    found = {o.path: (o.source, o.told) for o in Facts.from_json(binding.parsed(revision.facts)).provenance}
    assert found == {"to": (Source.OUTSIDE, "step 1"), "body": (Source.PERSON, "edited by reviewer")}


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"to": "", "body": "x"}, "arguments.to"),
        ({"body": "x"}, "arguments.to"),
        ({**MESSAGE, "bcc": "me"}, "arguments.bcc"),
        ({**MESSAGE, "body": "\u0000"}, "arguments.body"),
        ({**MESSAGE, "to": "a\u202eb"}, "arguments.to"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_with_their_path(arguments: Any, path: str, world: World) -> None:
    action = world.staged()
    with pytest.raises(ArgumentsRefused) as refused:
        edited(world, world.reviewer, action, arguments)
    assert [problem.path for problem in refused.value.problems] == [path]
    assert Revision.objects.count() == 1


def test_the_same_arguments_are_no_edit(world: World) -> None:
    action = world.staged()
    with pytest.raises(NothingChanged):
        edited(world, world.reviewer, action, {"body": MESSAGE["body"], "to": MESSAGE["to"]})
    assert Revision.objects.count() == 1


def refused(world: World, person: User, action: Action, error: type[DomainError], **more: Any) -> None:
    """The edit is refused with this error, changes nothing and is remembered."""
    with pytest.raises(error):
        edited(world, person, action, **more)
    assert Revision.objects.filter(action=action).count() == 1
    assert Event.objects.filter(subject=action.id, verb="refused", actor=person.pk).exists()


def test_whoever_may_not_approve_may_not_edit(world: World) -> None:
    world.operator.groups.add(*world.reviewer.groups.all())
    action = world.staged()
    refused(world, world.operator, action, PrincipalMayNotDecide)
    refused(world, world.auditor, action, NotPermitted)


def test_t02_an_edit_of_what_is_not_there_any_more_is_a_conflict(world: World) -> None:
    action = world.staged()
    refused(world, world.reviewer, action, DigestMoved, digest="sha256:" + "0" * 64)
    yes(world, world.reviewer2, action)
    refused(world, world.reviewer, action, AlreadyDecided)


def test_t39_on_high_risk_an_edit_needs_a_fresh_sign_in_too(world: World) -> None:
    risky(world)
    action = world.staged()
    for stale in (None, long_ago()):
        refused(world, world.reviewer, action, SignInAgain, signed_in_at=stale)


def test_limits_are_counted_anew_for_what_was_edited(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[Any] = []
    action = world.staged()

    def counting(pk: Any, gathered: Any) -> Any:
        counted.append((pk, gathered.arguments["body"]))
        return reserve(pk, gathered)

    monkeypatch.setattr("approvals.services.edit.reserve", counting)
    edited(world, world.reviewer, action)
    assert counted == [(action.id, OTHER["body"])]


def test_the_web_account_can_do_all_of_it(world: World) -> None:
    action = world.staged()
    with acting_as("web"), within(world.organization.id):
        edited(world, world.reviewer, action)
        yes(world, world.reviewer2, action)
    assert status(action) == "permitted"
