"""hold: nobody says yes to what stands aside, and nothing stands aside for ever; what was leaving comes back."""

from typing import Any

import psycopg
import pytest

from approvals.exceptions import (
    AlreadyDecided,
    DigestMoved,
    NotPermitted,
    PrincipalMayNotDecide,
    ReasonMissing,
    SetAside,
    TooLate,
)
from approvals.models import Decision, Permit
from approvals.services.edit import edit
from approvals.services.expire import expire
from approvals.services.hold import hold, resume
from approvals.services.leave import leave
from approvals.services.reject import reject
from approvals.tasks import execute_permitted, sign_permits
from tests.support.desking import leaving, on, overdue, refusals, told
from tests.support.forging import decision_by
from tests.support.sql import EVENT, REFUSED, refusal, without_guards
from tests.support.voting import browser, decide, status, yes
from tests.support.world import MESSAGE, World
from tools.models import Note, OutboxMessage


def test_nobody_says_yes_to_what_stands_aside_until_somebody_takes_it_up(world: World) -> None:
    action = world.staged()
    on(world, hold, "reviewer", action, "The customer calls back today.")
    action.refresh_from_db()
    assert (action.status, action.held_by_id, action.held_reason) == (
        "in_review", world.reviewer.pk, "The customer calls back today.",
    )  # fmt: skip
    for person in (world.reviewer, world.reviewer2):
        with pytest.raises(SetAside) as caught:
            yes(world, person, action)
        assert (caught.value.http_status, caught.value.code) == (409, "set_aside")
    with pytest.raises(SetAside):
        on(world, edit, "reviewer", action, arguments={**MESSAGE, "body": "Other."})
    on(world, resume, "reviewer2", action)
    yes(world, world.reviewer2, action)
    assert status(action) == "permitted"
    assert told(world, action)[-4:] == ["set_aside", "taken_up", "approve", "permitted"]
    assert [name for name, _ in refusals(action)] == ["reviewer", "reviewer2", "reviewer"]


def test_a_no_needs_nobody_to_take_it_up(world: World) -> None:
    action = world.staged()
    on(world, hold, "reviewer", action)
    on(world, reject, "reviewer2", action)
    assert status(action) == "rejected"


def test_the_time_of_what_stands_aside_runs_on(world: World) -> None:
    action = world.staged()
    before = action.expires_at
    on(world, hold, "reviewer", action)
    action.refresh_from_db()
    assert action.expires_at == before
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET expires_at = now()")
    assert expire() == 1
    assert status(action) == "expired"


def test_it_is_set_aside_once_and_taken_up_once_with_a_reason_by_who_may_decide(world: World) -> None:
    action = world.staged()
    with pytest.raises(ReasonMissing):
        on(world, hold, "reviewer", action, " ")
    with pytest.raises(AlreadyDecided):
        on(world, resume, "reviewer", action)
    with pytest.raises(DigestMoved):
        on(world, hold, "reviewer", action, digest="sha256:0")
    for name, refused in (("operator", PrincipalMayNotDecide), ("auditor", NotPermitted)):
        for verb in (hold, resume):
            with pytest.raises(refused):
                on(world, verb, name, action)
    on(world, hold, "reviewer", action)
    with pytest.raises(AlreadyDecided):
        on(world, hold, "reviewer2", action)
    assert told(world, action).count("set_aside") == 1


def test_t10_holding_what_is_scheduled_keeps_it_from_leaving_and_wants_votes(world: World) -> None:
    action = leaving(world)
    on(world, hold, "reviewer", action)
    action.refresh_from_db()
    assert (action.status, action.revision, action.due_at, action.verdict) == ("in_review", 2, None, "review")
    assert action.held_by_id == world.reviewer.pk
    overdue(action)
    assert (leave(), sign_permits(), execute_permitted()) == (0, 0, 0)
    on(world, resume, "reviewer", action)
    yes(world, world.reviewer, action)
    sign_permits()
    execute_permitted()
    assert status(action) == "done"
    assert Note.objects.count() == 1
    assert Permit.objects.get().deciders == [world.reviewer.pk]


@pytest.mark.parametrize("signed", [False, True])
def test_t13_holding_what_is_permitted_voids_the_permit_and_every_vote(signed: bool, world: World) -> None:
    action = world.staged()
    yes(world, world.reviewer, action)
    if signed:
        sign_permits()
    on(world, hold, "reviewer2", action, "Wait.")
    action.refresh_from_db()
    assert (action.status, action.revision, action.held_by_id) == ("in_review", 2, world.reviewer2.pk)
    assert Permit.objects.filter(revoked_at=None).count() == 0
    assert Permit.objects.filter(revoked_because="Wait.").count() == int(signed)
    assert (sign_permits(), execute_permitted()) == (0, 0)
    on(world, resume, "reviewer2", action)
    assert status(action) == "in_review"
    yes(world, world.reviewer, action)  # the same person may vote: it is another revision
    sign_permits()
    execute_permitted()
    assert OutboxMessage.objects.count() == 1


def test_what_has_left_cannot_be_held(world: World) -> None:
    action = world.staged()
    yes(world, world.reviewer, action)
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET status = 'executing'")
    with pytest.raises(TooLate):
        on(world, hold, "reviewer", action)
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET status = 'done'")
    with pytest.raises(AlreadyDecided):
        on(world, hold, "reviewer", action)


def test_t22_the_database_lets_no_yes_pass_what_stands_aside(world: World, as_web: psycopg.Connection[Any]) -> None:
    action = world.staged()
    as_web.execute(*decision_by(world.reviewer, action))
    as_web.execute(
        "UPDATE approvals_action SET held_by_id = %s, held_at = now(), held_reason = 'x'", [world.reviewer.pk]
    )
    as_web.commit()
    assert refusal(as_web, *decision_by(world.reviewer2, action)) == (
        REFUSED, "approvals_decision: the action stands aside",
    )  # fmt: skip
    for target in ("permitted", "scheduled"):
        as_web.execute(EVENT, {"subject": action.id, "target": target})
        code, words = refusal(as_web, "UPDATE approvals_action SET status = %s", [target])
        assert (code, "stands aside" in words) == (REFUSED, True)
    assert Decision.objects.count() == 1


def test_t22_only_who_may_decide_sets_aside_by_plain_sql_and_never_a_worker(
    world: World, as_web: psycopg.Connection[Any], as_worker: psycopg.Connection[Any]
) -> None:
    world.staged()
    aside = "UPDATE approvals_action SET held_by_id = %s, held_at = now(), held_reason = 'x'"
    for person in (world.operator, world.auditor, world.outsider):
        code, words = refusal(as_web, aside, [person.pk])
        assert (code, "may decide on it" in words) == (REFUSED, True)
    assert refusal(as_worker, aside, [world.reviewer.pk])[0] == REFUSED
    assert refusal(as_web, aside, [world.reviewer.pk]) == ("", "")
    code, words = refusal(as_web, "UPDATE approvals_action SET held_at = now()")
    assert (code, "action_set_aside_by_somebody" in words) == ("23514", True)


def test_the_form_sets_aside_and_takes_up(world: World) -> None:
    action = world.staged()
    client = browser(world, "reviewer")
    assert decide(client, action, "hold").status_code == 422
    assert decide(client, action, "hold", reason="Later.").status_code == 302
    answer = decide(client, action)
    assert (answer.status_code, b"set aside" in answer.content) == (409, True)
    assert decide(browser(world, "reviewer2"), action, "resume").status_code == 302
    assert decide(client, action).status_code == 302
    assert status(action) == "permitted"
