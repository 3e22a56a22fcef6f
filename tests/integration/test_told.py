"""Promise 8: a change of status and the event that tells of it are one transaction."""

import hashlib
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from approvals.models import Action
from approvals.tasks import execute_permitted, sign_permits
from lam_app.models import Run
from tests.support.sql import EVENT, REFUSED, copied, refusal, without_guards
from tests.support.world import World, approved
from tools.models import Execution
from traces.ids import uuid7
from traces.models import Event, EventDetail
from traces.services import Actor, Entry, record, refused


@pytest.mark.parametrize("account", ["as_web", "as_worker"])
def test_a_change_of_status_that_no_event_tells_of_cannot_be_committed(
    account: str, world: World, request: pytest.FixtureRequest
) -> None:
    speaking = request.getfixturevalue(account)
    action, run = world.staged(), world.run()
    for table, row, target in (("approvals_action", action.id, "rejected"), ("lam_app_run", run.id, "planning")):
        code, words = refusal(speaking, f"UPDATE {table} SET status = %s WHERE id = %s", [target, row])
        assert code == REFUSED
        assert "no event tells of it" in words


def test_it_is_at_the_commit_that_it_is_refused_and_nothing_is_kept(
    world: World, as_worker: psycopg.Connection[Any]
) -> None:
    run = world.run()
    as_worker.execute("UPDATE lam_app_run SET status = 'planning' WHERE id = %s", [run.id])
    with pytest.raises(psycopg.Error) as caught:
        as_worker.commit()
    assert caught.value.sqlstate == REFUSED
    run.refresh_from_db()
    assert run.status == "submitted"


@pytest.mark.parametrize("table", ["approvals_action", "lam_app_run"])
def test_a_row_cannot_be_born_untold(table: str, world: World, as_web: psycopg.Connection[Any]) -> None:
    action, run, new = world.staged(), world.run(), uuid7()
    reach = [*(scope for scope in run.scopes if not scope.startswith("run:")), f"run:{new}"]
    sql, params = (
        copied(table, action.id, status="proposed", step=99)
        if table == "approvals_action"
        else copied(table, run.id, id=new, client_key=None, scopes=reach)
    )
    code, words = refusal(as_web, sql, params)
    assert (code, "no event tells of it" in words) == (REFUSED, True)


def test_an_event_of_another_transaction_another_row_or_another_status_does_not_count(
    world: World, as_worker: psycopg.Connection[Any]
) -> None:
    run, other = world.run(), world.run()
    as_worker.execute(EVENT, {"subject": run.id, "target": "planning"})
    as_worker.commit()
    for subject, target in ((other.id, "planning"), (run.id, "cancelled")):
        as_worker.execute(EVENT, {"subject": subject, "target": target})
        code, _ = refusal(as_worker, "UPDATE lam_app_run SET status = 'planning' WHERE id = %s", [run.id])
        assert code == REFUSED
    as_worker.execute(EVENT, {"subject": run.id, "target": "planning"})
    assert refusal(as_worker, "UPDATE lam_app_run SET status = 'planning' WHERE id = %s", [run.id]) == ("", "")


def test_a_ledger_row_cannot_be_settled_untold(world: World, as_worker: psycopg.Connection[Any]) -> None:
    action = world.staged()
    approved(world, action)
    sign_permits()
    with without_guards() as admin:
        execute_permitted()
        admin.execute("UPDATE tools_execution SET status = 'claimed', finished_at = NULL")
    settle = "UPDATE tools_execution SET status = 'failed', finished_at = clock_timestamp()"
    assert refusal(as_worker, settle)[0] == REFUSED


def test_our_own_code_cannot_forget_either(world: World) -> None:
    run, action = world.run(), world.staged()
    for model, row, target in ((Run, run.id, "planning"), (Action, action.id, "rejected")):
        with pytest.raises(DatabaseError, match="no event tells of it"), transaction.atomic():
            model.objects.filter(id=row).update(status=target)


def test_every_status_that_a_row_ever_had_is_in_the_record_in_order(world: World) -> None:
    action = world.staged()
    approved(world, action)
    sign_permits()
    execute_permitted()
    moves = list(
        Event.objects.about(world.organization.id, action.id).exclude(target="").values_list("source", "target")
    )
    assert moves[0] == ("", "proposed")
    assert [source for source, _ in moves[1:]] == [target for _, target in moves[:-1]]
    assert moves[-1][1] == Action.objects.get(id=action.id).status == "done"
    ledger = Execution.objects.get(action=action.id)
    assert [(e.source, e.target) for e in Event.objects.about(world.organization.id, ledger.id)] == [
        ("claimed", "done")
    ]


def test_an_event_says_who_what_on_which_row_and_why_and_seals_its_detail(world: World) -> None:
    action = world.staged()
    approved(world, action)
    event = Event.objects.about(world.organization.id, action.id).get(verb="approve")
    assert (event.actor_kind, event.actor, event.actor_name) == ("person", world.reviewer.id, "reviewer")
    assert (event.subject_kind, event.organization, event.run) == ("action", world.organization.id, action.run)
    kept = EventDetail.objects.get(event=event.id)
    assert hashlib.sha256(bytes(kept.salt) + kept.detail.encode()).digest() == bytes(event.digest)
    assert action.digest in kept.detail


def test_events_of_one_transaction_share_its_number(world: World) -> None:
    with transaction.atomic():
        action = world.staged()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()::text::bigint")
            mine = cursor.fetchone()[0]
    told = Event.objects.about(world.organization.id, action.id)
    assert {event.transaction for event in told} == {mine}
    assert [event.target for event in told] == ["proposed", "in_review"]


def test_what_fails_takes_its_events_with_it_and_a_refused_attempt_keeps_its_own(world: World) -> None:
    entry = Entry(
        organization=world.organization.id,
        actor=Actor.system("tests"),
        verb="tried",
        subject_kind="organization",
        subject=world.organization.id,
    )
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record(entry)
        raise ZeroDivisionError
    assert not Event.objects.filter(verb="tried").exists()
    refused(entry)
    assert Event.objects.filter(verb="tried").count() == 1


def test_an_event_cannot_be_written_ahead_for_a_later_transaction(
    world: World, as_worker: psycopg.Connection[Any]
) -> None:
    run = world.run()
    ahead = EVENT.replace("pg_current_xact_id()::text::bigint", "pg_current_xact_id()::text::bigint + 1")
    as_worker.execute(ahead, {"subject": run.id, "target": "planning"})
    as_worker.commit()
    written = Event.objects.get(subject=run.id, target="planning")
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::bigint < pg_current_xact_id()::text::bigint", [written.transaction])
        assert cursor.fetchone() == (True,)
    for _ in range(3):  # whichever number had been guessed, the change is still untold
        assert refusal(as_worker, "UPDATE lam_app_run SET status = 'planning' WHERE id = %s", [run.id])[0] == REFUSED
