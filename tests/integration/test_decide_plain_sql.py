"""Deciding past our own code: what plain SQL is refused by the database, as the web and as the worker."""

import uuid
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection

from approvals.models import Decision, Permit
from approvals.tasks import sign_permits
from tests.support.forging import decision_by
from tests.support.sql import EVENT, NO_RIGHT, REFUSED, copied, refusal, without_guards
from tests.support.voting import approve_as, two_needed
from tests.support.world import World, approved


def test_t22_plain_sql_lets_no_principal_decide_either(world: World, as_web: psycopg.Connection[Any]) -> None:
    action = world.staged(principals=(world.operator.id, world.reviewer2.id))
    for person in (world.operator, world.reviewer2):
        for principals in (action.principals, [], [world.reviewer.pk]):
            for verb in Decision.Verb.values:
                sql, params = decision_by(person, action, principals=principals, verb=verb)
                code, words = refusal(as_web, sql, params)
                assert (code, "no_principal_decides" in words) == ("23514", True)
    assert refusal(as_web, *decision_by(world.reviewer, action)) == ("", "")


def test_a_decision_names_a_revision_of_its_action_in_its_organization(
    world: World, as_web: psycopg.Connection[Any]
) -> None:
    action, other = world.staged(), world.staged()
    for forged in (
        {"revision": other.revisions.get().id},
        {"digest": other.digest},
        {"organization": world.elsewhere.id},
        {"action": uuid.uuid4()},
        {"revision": uuid.uuid4()},
    ):
        code, _ = refusal(as_web, *decision_by(world.reviewer, action, **forged))
        assert code in {REFUSED, "P0002"}, forged


def test_decisions_come_from_the_web_and_permits_from_the_gatekeeper(
    world: World, as_web: psycopg.Connection[Any], as_worker: psycopg.Connection[Any]
) -> None:
    action = world.staged()
    assert refusal(as_worker, *decision_by(world.reviewer, action))[0] == NO_RIGHT
    approved(world, action)
    sign_permits()
    permit = Permit.objects.get()
    assert refusal(as_web, *copied("approvals_permit", permit.id))[0] == NO_RIGHT


def test_the_database_lets_a_permit_name_no_principal_as_its_decider(
    world: World, as_worker: psycopg.Connection[Any]
) -> None:
    action = world.staged()
    approved(world, action)
    sign_permits()
    permit = Permit.objects.get()
    as_worker.execute("UPDATE approvals_permit SET revoked_at = clock_timestamp()")
    forged = copied("approvals_permit", permit.id, deciders=[str(world.operator.pk)], revoked_at=None)
    code, words = refusal(as_worker, *forged)
    assert (code, "no_principal_permits" in words) == ("23514", True)


@pytest.mark.parametrize("account", ["as_web", "as_worker"])
def test_t22_no_account_permits_by_plain_sql_what_nobody_approved(
    account: str, world: World, request: pytest.FixtureRequest
) -> None:
    speaking = request.getfixturevalue(account)
    action = world.staged()
    for status in ("permitted", "scheduled"):
        for more in ("", ", quorum = 1, verdict = 'allow'", ", digest = 'x'", ", revision = 2"):
            speaking.execute(EVENT, {"subject": action.id, "target": status})
            code, words = refusal(
                speaking, f"UPDATE approvals_action SET status = %s {more} WHERE id = %s", [status, action.id]
            )
            assert (code, words) == (REFUSED, f"approvals_action: {action.id} has not the approvals it needs")
    code, words = refusal(speaking, "UPDATE approvals_action SET quorum = 0 WHERE id = %s", [action.id])
    assert (code, "action_quorum_positive" in words) == ("23514", True)


def test_votes_for_an_older_revision_permit_nothing(world: World, as_web: psycopg.Connection[Any]) -> None:
    action = world.staged()
    as_web.execute(*decision_by(world.reviewer, action))
    as_web.execute(EVENT, {"subject": action.id, "target": "permitted"})
    as_web.commit()
    for moved in ("revision = 2", "digest = 'another'"):
        code, words = refusal(as_web, f"UPDATE approvals_action SET status = 'permitted', {moved}")
        assert (code, "has not the approvals" in words) == (REFUSED, True)


@pytest.mark.parametrize("account", ["as_web", "as_worker"])
def test_a_ruling_that_asks_for_review_cannot_be_skipped_on_the_way_out_of_proposed(
    account: str, world: World, request: pytest.FixtureRequest
) -> None:
    speaking = request.getfixturevalue(account)
    action = world.staged()
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET status = 'proposed'")
    for status in ("permitted", "scheduled"):
        code, words = refusal(speaking, "UPDATE approvals_action SET status = %s WHERE id = %s", [status, action.id])
        assert (code, "was ruled review" in words) == (REFUSED, True)


def test_t25_the_database_counts_a_person_once_a_revision(world: World, as_web: psycopg.Connection[Any]) -> None:
    action = two_needed(world)
    approve_as(world, world.reviewer, action)
    code, words = refusal(as_web, *decision_by(world.reviewer, action))
    assert (code, "one_vote_a_person" in words) == ("23505", True)
    with pytest.raises(IntegrityError, match="one_vote_a_person"), connection.cursor() as cursor:
        cursor.execute(*decision_by(world.reviewer, action, verb="reject"))


def test_the_desk_s_guard_wakes_for_the_desk_and_for_nothing_else(as_web: psycopg.Connection) -> None:
    said = as_web.execute(
        "SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t"
        " WHERE t.tgrelid = 'approvals_action'::regclass AND t.tgname = 'approvals_action_desk'"
    ).fetchone()
    asked = as_web.execute(
        "SELECT string_agg(DISTINCT m[1], ',' ORDER BY m[1]) FROM pg_proc p,"
        " regexp_matches(p.prosrc, 'OLD\\.(\\w+)', 'g') AS m WHERE p.proname = 'approvals_action_desk'"
    ).fetchone()
    assert said is not None
    assert asked is not None
    assert " WHEN (" in said[0]
    unseen = [name for name in asked[0].split(",") if f"old.{name}" not in said[0].lower()]
    assert unseen == [], "what the function looks at also wakes it"
