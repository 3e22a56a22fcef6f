"""The claim: what was true at the signature is asked again by the database at the moment of the claim."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Membership, User
from approvals.models import Action, Permit
from approvals.services import execute
from approvals.services.expire import expire
from approvals.tasks import _claim, execute_permitted, sign_permits
from tests.support.permits import new_policy, new_version, signed, stopped, stopped_and_released, until_it_is
from tests.support.racing import race
from tests.support.sql import copied, speaking_as, without_guards
from tests.support.world import MESSAGE, World, approved
from tools.models import Execution, OutboxMessage
from tools.presence import present
from traces.ids import uuid7
from traces.models import Event


def by_sql(*statements: str) -> Callable[[World], None]:
    """As the tables' owner with its own guards off: what could otherwise not be, and all of it is rolled back."""

    def change(_: World) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")  # nothing may be pending
            for table in ("approvals_permit", "approvals_revision", "approvals_action", "tools_killswitch"):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for statement in statements:
                cursor.execute(statement)

    return change


CHANGES: dict[str, Callable[[World], Any]] = {
    "the action's digest": by_sql("UPDATE approvals_action SET digest = 'another'"),
    "the action's current revision": by_sql("UPDATE approvals_action SET revision = 2"),
    "the action's status": by_sql("UPDATE approvals_action SET status = 'withdrawn'"),
    "the revision's digest": by_sql("UPDATE approvals_revision SET digest = 'another'"),
    "the arguments' digest": by_sql("UPDATE approvals_revision SET arguments_digest = 'another'"),
    "the request's digest": by_sql("UPDATE approvals_revision SET request_digest = 'another'"),
    "the permit is revoked": by_sql("UPDATE approvals_permit SET revoked_at = clock_timestamp()"),
    "the permit's epoch": by_sql("UPDATE approvals_permit SET epoch = epoch + 1"),
    "the permit's deciders": by_sql("UPDATE approvals_permit SET deciders = '{}'"),
    "the permit's action": lambda world: by_sql(
        f"UPDATE approvals_permit SET action_id = '{world.staged().id}'"
    )(world),
    "the permit's policy": by_sql(
        "UPDATE approvals_permit p SET policy_version_id = v.id FROM approvals_policyversion v"
        " WHERE v.organization_id <> p.organization_id"
    ),
    "the revision's tool version": by_sql(
        "UPDATE approvals_revision r SET tool_version_id = v.id FROM tools_toolversion v"
        " WHERE v.id <> r.tool_version_id"
    ),
    "the permit's end has passed": by_sql("UPDATE approvals_permit SET expires_at = clock_timestamp()"),
    "the permit's time has not come": by_sql(
        "UPDATE approvals_permit SET not_before = clock_timestamp() + interval '1 minute',"
        " expires_at = clock_timestamp() + interval '1 hour'"
    ),
    "the tool is switched off": by_sql("UPDATE tools_tool SET enabled = false"),
    "the tool is forbidden": by_sql("UPDATE tools_tool SET forbidden = true"),
    "the tool only recommends": by_sql("UPDATE tools_tool SET recommend_only = true"),
    "the tool has a new version": new_version,
    "the policy has a new version": new_policy,
    "the decider is switched off": lambda world: User.objects.filter(pk=world.reviewer.pk).update(is_active=False),
    "the decider has left the team": lambda world: world.reviewer.groups.clear(),
    "the decider has left the organization": lambda world: Membership.objects.filter(user=world.reviewer).delete(),
    "the decider has become a principal": by_sql("UPDATE approvals_action SET principals = principals || initiator_id"
        " || (SELECT id FROM accounts_user WHERE username = 'reviewer')"),
    "a stop is engaged": stopped,
    "a stop is engaged that the permit's epoch already counts": lambda world: by_sql(
        f"UPDATE tools_killswitch SET epoch = 0 WHERE id = '{stopped(world).id}'"
    )(world),
    "a stop was engaged and released": stopped_and_released,
}  # fmt: skip


def test_whatever_changes_between_signature_and_claim_stops_the_claim(world: World) -> None:
    """T09, T28, T31, T58 and promise 2: each line of the claim's guard, one at a time."""
    action = signed(world)
    waiting = execute.waiting(20)
    assert [w.action.id for w in waiting] == [action.id]
    claimed_anyway = []
    for what, change in CHANGES.items():
        with transaction.atomic():
            change(world)
            if _claim(waiting, present("executor")) or Execution.objects.exists():
                claimed_anyway.append(what)
            transaction.set_rollback(True)
    assert claimed_anyway == []
    assert len(_claim(waiting, present("executor"))) == 1


def test_t07_a_permit_is_used_once_however_many_executors_use_it(world: World) -> None:
    signed(world)
    came = race(*[execute_permitted] * 50)
    assert sorted(came) == [0] * 49 + [1]
    assert OutboxMessage.objects.count() == Execution.objects.count() == 1
    assert execute_permitted() == 0


def test_t07_the_database_counts_a_permit_an_action_and_a_key_once(world: World) -> None:
    action = signed(world)
    execute_permitted()
    ledger = Execution.objects.get(action=action.id)
    fresh = {"action": uuid7(), "permit": uuid7(), "key": "another", "status": "claimed", "finished_at": None}
    with speaking_as("worker") as worker:
        for name in ("action", "permit", "key"):
            sql, params = copied("tools_execution", ledger.id, **{k: v for k, v in fresh.items() if k != name})
            with pytest.raises(Exception, match=f"tools_execution_{name}_key"):
                worker.execute(sql, params)
            worker.rollback()


def test_one_gatekeeper_or_two_sign_one_permit(world: World) -> None:
    action = world.staged()
    approved(world, action)
    assert sum(race(*[sign_permits] * 4)) == 1
    assert Permit.objects.filter(action=action).count() == 1
    assert Event.objects.filter(verb="permit_signed").count() == 1


def test_t09_a_permit_that_nobody_used_in_time_is_never_used_and_expires(world: World, settings: Any) -> None:
    settings.LAM_PERMIT_SECONDS = 1
    action = signed(world)
    until_it_is(action.permits.get().expires_at)
    assert execute_permitted() == 0
    assert Action.objects.get(id=action.id).status == "permitted"
    assert expire() == 1
    action.refresh_from_db()
    assert (action.status, action.settled_at is not None) == ("expired", True)
    assert sign_permits() == execute_permitted() == 0
    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize("clock", [0.0, 4e9])
def test_t10_no_workers_own_clock_decides_anything(
    clock: float, world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = signed(world)
    settings.LAM_PERMIT_SECONDS = 1
    stale = signed(world)
    until_it_is(stale.permits.get().expires_at)
    monkeypatch.setattr("time.time", lambda: clock)
    assert execute_permitted() == 1
    monkeypatch.undo()
    assert [Action.objects.get(id=a.id).status for a in (fresh, stale)] == ["done", "permitted"]


def test_t08_a_permit_of_another_action_is_refused_and_said(world: World) -> None:
    genuine = signed(world)
    other = world.staged()
    approved(world, other)
    with without_guards() as admin:  # not even the guards' absence helps: the token names its action
        admin.execute(
            *copied(
                "approvals_permit",
                genuine.permits.get().id,
                action_id=other.id,
                revision_id=other.revisions.get().id,
                run=other.run,
            )
        )
    assert execute_permitted() == 1
    assert OutboxMessage.objects.count() == 1
    assert Action.objects.get(id=genuine.id).status == "done"
    other.refresh_from_db()
    assert (other.status, other.revision) == ("in_review", 2)
    event = Event.objects.get(subject=other.id, verb="permit_refused")
    assert "permit" in event.reason
    assert "action" in event.reason


def test_t08_a_permit_swapped_in_place_is_refused(world: World) -> None:
    first, second = signed(world), signed(world, arguments={**MESSAGE, "body": "Another word."})
    with without_guards() as admin:
        admin.execute(
            "UPDATE approvals_permit SET token = %s WHERE action_id = %s", [first.permits.get().token, second.id]
        )
    assert execute_permitted() == 1
    assert OutboxMessage.objects.get().body == MESSAGE["body"]
    assert Action.objects.get(id=second.id).status == "in_review"


def test_t04_stored_bytes_that_are_not_those_of_the_permit_are_never_sent(world: World) -> None:
    action = signed(world)
    with without_guards() as admin:
        admin.execute("UPDATE approvals_revision SET arguments = replace(arguments, '1009', '1008')")
    assert execute_permitted() == 0
    assert not OutboxMessage.objects.exists()
    assert "arguments" in Event.objects.get(subject=action.id, verb="permit_refused").reason


def test_t16_a_yes_to_one_of_two_identical_steps_is_no_yes_to_the_other(world: World) -> None:
    run = uuid7()
    first, second = world.staged(run=run, step=1), world.staged(run=run, step=2)
    assert first.digest != second.digest
    approved(world, first)
    sign_permits()
    assert execute_permitted() == 1
    assert OutboxMessage.objects.count() == 1
    assert Action.objects.get(id=second.id).status == "in_review"


def test_t90_a_forged_message_finds_nothing_to_do(world: World) -> None:
    world.staged()
    for _ in range(3):
        assert sign_permits() == execute_permitted() == 0
    for task in (sign_permits, execute_permitted):
        with pytest.raises(TypeError):
            task("0" * 32)  # a message carries nothing, so nothing can be smuggled in with it
    assert not OutboxMessage.objects.exists()
