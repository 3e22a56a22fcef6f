"""notify: who is told of what, written with the event itself; each thing once, and nobody of their own doing."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from approvals.models import Action, Notice, Occasion
from approvals.services import notify as telling
from approvals.services.assign import escalate, reassign
from approvals.services.expire import expire
from approvals.services.notify import notify, running_out
from approvals.services.propose import propose
from approvals.services.reject import reject
from approvals.services.veto import veto
from approvals.tasks import execute_permitted, sign_permits
from lam_app.models import Run, Schedule
from lam_app.runs import cancel
from lam_app.schedules import fire_due, schedule_goal
from tests.support.desking import does, leaving, on
from tests.support.signing import GOAL, delivered, hook_of
from tests.support.sql import without_guards
from tests.support.telling import heard, kinds, pass_on
from tests.support.world import World, approved
from tools.killswitch import engage
from tools.models import Tool
from traces.clock import now
from traces.services import Actor, move

PLANNER = Actor.system("planner")


def test_whoever_may_decide_is_told_of_what_waits_and_whoever_asked_is_not(world: World) -> None:
    action = world.staged()
    pass_on()
    told = heard(world, "reviewer")
    assert [(one.kind, one.risk, one.path) for one in told] == [("waits", action.risk, f"/actions/{action.pk}/")]
    assert told[0].title == "Send message waits for a decision, for operator"
    assert kinds(world, "reviewer2") == ["waits"]
    for name in ("operator", "auditor", "developer", "administrator", "outsider"):
        assert kinds(world, name) == []


def test_a_notice_says_nothing_of_the_arguments(world: World) -> None:
    action = world.staged("send_message", {"to": "a-secret-recipient", "body": "a secret body", "subject": "whisper"})
    pass_on()
    does(world, escalate, "reviewer", action, reason="a secret reason")
    pass_on()
    does(world, reject, "reviewer", action, digest=action.digest, reason="a secret no", code="wrong_value")
    pass_on()
    said = " ".join(f"{one.title} {one.path}" for one in Notice.objects.all())
    assert Notice.objects.count() >= 4
    assert "secret" not in said
    assert "whisper" not in said


def test_the_occasion_stands_or_falls_with_what_it_tells_of(world: World) -> None:
    class Undone(Exception):
        pass

    with pytest.raises(Undone), transaction.atomic():
        action = propose(world.proposal())
        assert Occasion.objects.filter(subject=action.pk).exists()
        raise Undone
    assert not Occasion.objects.filter(subject=action.pk).exists()
    assert notify() == 0


def test_each_occasion_is_told_once_however_often_somebody_looks(world: World) -> None:
    world.staged()
    assert notify() > 0
    assert notify() == 0
    Occasion.objects.update(routed_at=None)  # as after a commit whose answer was lost
    notify()
    assert kinds(world, "reviewer") == ["waits"]


def test_the_initiator_hears_that_it_was_approved_and_done(world: World) -> None:
    action = world.staged()
    pass_on()
    approved(world, action)
    sign_permits()
    execute_permitted()
    pass_on()
    assert [one.title for one in heard(world, "operator")] == ["Send message was approved by reviewer and is done"]
    assert kinds(world, "reviewer") == ["waits"]


def test_the_initiator_hears_of_a_no_with_its_reason_in_words(world: World) -> None:
    action = world.staged()
    on(world, reject, "reviewer", action, reason="Not them.", code="wrong_target")
    pass_on()
    assert [one.title for one in heard(world, "operator")] == ["Send message was rejected by reviewer: wrong target"]


def test_the_initiator_hears_of_a_no_in_somebodys_own_words_only_that_there_are_some(world: World) -> None:
    action = world.staged()
    on(world, reject, "reviewer", action, reason="the customer is Ann Lee")
    pass_on()
    assert [one.title for one in heard(world, "operator")] == ["Send message was rejected by reviewer: see why"]


def test_the_initiator_hears_that_nobody_decided_in_time(world: World, settings: Any) -> None:
    settings.LAM_REVIEW_SECONDS = 0
    world.staged()
    expire()
    pass_on()
    assert [one.title for one in heard(world, "operator")] == ["Send message expired: nobody decided in time"]


def test_an_unknown_outcome_is_told_to_whoever_asked_and_to_whoever_can_find_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tools.models import Note

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the answer was lost")

    monkeypatch.setattr(Note.objects, "create", broken)
    action = world.staged("write_note", {"text": "a note"})
    pass_on()
    approved(world, action)
    sign_permits()
    execute_permitted()
    pass_on()
    assert kinds(world, "operator") == ["uncertain"]
    assert kinds(world, "reviewer") == ["waits", "unknown"]


def test_what_leaves_by_itself_is_told_to_whoever_may_object_and_the_objection_to_whoever_asked(world: World) -> None:
    action = leaving(world)
    pass_on()
    assert kinds(world, "reviewer") == ["leaving"]
    does(world, veto, "reviewer", action, digest=action.digest, reason="No.", code="not_needed")
    pass_on()
    assert kinds(world, "operator") == ["rejected"]
    assert not Notice.objects.of(world.reviewer.pk, world.organization.pk).unread().exists()


def test_nobody_is_told_of_what_ran_without_being_asked_about(world: World) -> None:
    Tool.objects.filter(organization=world.organization, name="put_odd").update(maturity="audit_only")
    action = propose(world.proposal("put_odd", {"thing": "cup"}))
    if action.status == "permitted":
        sign_permits()
        execute_permitted()
        assert Action.objects.get(pk=action.pk).status == "done"
        assert not Occasion.objects.filter(subject=action.pk).exists()
    else:  # the policy asks people: then it is no call of this kind
        pytest.fail(f"it was {action.status}")


def test_an_escalation_goes_to_those_who_administer(world: World) -> None:
    action = world.staged()
    does(world, escalate, "reviewer", action, reason="Please look.")
    pass_on()
    assert [one.title for one in heard(world, "administrator")] == ["Send message is escalated by reviewer"]
    assert kinds(world, "reviewer") == ["waits"]


def test_who_is_handed_an_action_is_told_by_whom(world: World) -> None:
    action = world.staged()
    does(world, reassign, "reviewer", action, to="reviewer2")
    pass_on()
    assert [one.title for one in heard(world, "reviewer2")][-1] == "Reviewer handed Send message to you"
    assert "handed" not in kinds(world, "reviewer")


def test_a_stop_is_told_to_whoever_may_stop_but_not_to_whoever_engaged_it(world: World) -> None:
    engage(actor=world.reviewer, organization=world.organization.pk, scope="organization", target=None, reason="secret")
    pass_on()
    assert [one.title for one in heard(world, "administrator")] == ["The whole organization is stopped, by reviewer"]
    assert kinds(world, "reviewer2") == ["stopped"]
    assert kinds(world, "reviewer") == []
    assert kinds(world, "operator") == []


def test_a_run_that_was_cancelled_by_somebody_else_is_told_to_whoever_started_it(world: World) -> None:
    mine, theirs = world.run(), world.run()
    cancel(actor=world.operator, organization=world.organization.pk, run_id=mine.pk)
    cancel(actor=world.administrator, organization=world.organization.pk, run_id=theirs.pk)
    pass_on()
    assert [(one.title, one.path) for one in heard(world, "operator")] == [
        ("Your run was cancelled by administrator", f"/runs/{theirs.pk}/")
    ]


def test_what_is_about_to_run_out_is_told_once_for_each_limit(world: World, settings: Any) -> None:
    world.staged()
    assert running_out() == 0
    settings.LAM_REVIEW_SECONDS = 300
    world.staged()  # it never had longer than that: a warning would come with the request itself
    assert running_out() == 0
    action = world.staged()
    with without_guards() as admin:
        earlier = action.created - timedelta(hours=1)
        admin.execute("UPDATE approvals_action SET created = %s WHERE id = %s", [earlier, action.pk])
    assert running_out() == 1
    assert running_out() == 0
    pass_on()
    assert kinds(world, "reviewer").count("expiring") == 1


def test_what_nobody_has_to_do_any_more_is_not_counted(world: World) -> None:
    action = world.staged()
    pass_on()
    unread = Notice.objects.of(world.reviewer2.pk, world.organization.pk).unread
    assert unread().count() == 1
    on(world, reject, "reviewer", action, reason="No.")
    pass_on()
    assert unread().count() == 0
    assert kinds(world, "reviewer2") == ["waits"]  # it stays in the list


def test_a_person_who_was_switched_off_hears_nothing(world: World) -> None:
    world.reviewer2.is_active = False
    world.reviewer2.save()
    world.staged()
    pass_on()
    assert kinds(world, "reviewer2") == []
    assert kinds(world, "reviewer") == ["waits"]


def test_one_notice_that_cannot_be_made_holds_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = world.staged()
    world.staged()
    real = telling.concerned.of

    def of(occasion: Occasion) -> Any:
        if occasion.subject == first.pk:
            raise ValueError("a mistake of ours")
        return real(occasion)

    monkeypatch.setattr(telling.concerned, "of", of)
    pass_on()
    assert kinds(world, "reviewer") == ["waits"]
    assert not Occasion.objects.open().exists()


def test_the_organizations_hear_only_of_their_own(world: World) -> None:
    world.staged()
    engage(actor=world.outsider, organization=world.elsewhere.pk, scope="organization", target=None, reason="x")
    pass_on()
    assert not Notice.objects.filter(organization=world.elsewhere).exclude(person=world.outsider).exists()
    assert not Notice.objects.filter(organization=world.organization, person=world.outsider).exists()


def test_whoever_has_goals_given_without_them_is_told_what_becomes_of_one_that_did_nothing_yet(world: World) -> None:
    """A schedule's and a message's run may ask before it has proposed anything, and nobody is at a page then."""
    hook, secret = hook_of(world)
    assert delivered(hook, secret).status_code == 202
    row = schedule_goal(actor=world.operator, organization=world.organization.id, goal=GOAL, cron="0 * * * *")
    Schedule.objects.filter(pk=row.pk).update(next_at=now() - timedelta(minutes=1))
    assert [one.became for one in fire_due()] == ["fired"]
    for run in Run.objects.all():
        with transaction.atomic():
            move(Run, [run.pk], "submitted", "planning", actor=PLANNER, verb="taken")
            move(Run, [run.pk], "planning", "needs_input", actor=PLANNER, verb="asked", changes={"question": "Which?"})
    pass_on()
    assert kinds(world, "operator") == ["run_needs_input", "run_needs_input"]
