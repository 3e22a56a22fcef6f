"""The database walks no edge that the machines do not have, whoever asks and by whatever path."""

import re
import uuid
from typing import Any

import psycopg
import pytest
from django.db import connection

from approvals.models import Action
from approvals.states import ACTION
from approvals.tasks import execute_permitted, sign_permits
from lam_app.models import Run
from lam_app.states import RUN
from tests.support.sql import NO_RIGHT, REFUSED, copied, refusal, without_guards
from tests.support.world import World, approved
from tools.models import Execution
from tools.states import EXECUTION
from traces.states import Machine

TABLES = {"approvals_action": ACTION, "lam_app_run": RUN, "tools_execution": EXECUTION}


@pytest.fixture
def rows(world: World) -> dict[str, uuid.UUID]:
    """One row of each governed table."""
    action = world.staged()
    approved(world, action)
    sign_permits()
    execute_permitted()
    return {
        "approvals_action": action.id,
        "lam_app_run": world.run().id,
        "tools_execution": Execution.objects.get(action=action.id).id,
    }


def put(table: str, row: uuid.UUID, status: str) -> None:
    """Place a row in a status, past all guards."""
    with without_guards() as admin:
        finished = ", finished_at = " + ("NULL" if status == "claimed" else "clock_timestamp()")
        admin.execute(
            f"UPDATE {table} SET status = %s {finished if table == 'tools_execution' else ''} WHERE id = %s",
            [status, row],
        )


@pytest.mark.parametrize("table", TABLES)
def test_the_databases_edges_are_those_of_the_data(table: str, transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef(%s::regproc)", [f"{table}_edges"])
        definition = cursor.fetchone()[0]
    found = re.findall(r"'([a-z_]+)>([a-z_]+)'", definition)
    assert sorted(found) == TABLES[table].pairs()
    assert re.search(r"NEW\.status <> '([a-z_]+)'", definition)[1] == TABLES[table].initial


def missing(machine: Machine) -> list[tuple[str, str]]:
    return [
        (source, target)
        for source in machine.statuses
        for target in [*machine.statuses, "made_up"]
        if source != target and not machine.allows(source, target)
    ]


@pytest.mark.parametrize("table", TABLES)
def test_every_edge_that_is_missing_is_refused_to_web_and_worker(
    table: str, rows: dict[str, uuid.UUID], as_web: psycopg.Connection[Any], as_worker: psycopg.Connection[Any]
) -> None:
    placed = None
    finish = {"tools_execution": ", finished_at = clock_timestamp()"}.get(table, "")
    for source, target in missing(TABLES[table]):
        if placed != source:
            put(table, rows[table], source)
            placed = source
        for account in (as_web, as_worker):
            code, words = refusal(
                account, f"UPDATE {table} SET status = %s {finish} WHERE id = %s", [target, rows[table]]
            )
            assert (code, words) == (REFUSED, f"{table}: no edge from {source} to {target}")


def test_no_row_is_born_on_its_way(
    rows: dict[str, uuid.UUID], as_web: psycopg.Connection[Any], as_worker: psycopg.Connection[Any]
) -> None:
    for table, machine in TABLES.items():
        fresh: dict[str, Any] = {
            "approvals_action": {"run": uuid.uuid4()},
            "lam_app_run": {"client_key": None},
            "tools_execution": {"action": uuid.uuid4(), "permit": uuid.uuid4(), "key": str(uuid.uuid4())},
        }[table]
        for status in machine.statuses:
            if status == machine.initial:
                continue
            came = {
                refusal(account, *copied(table, rows[table], status=status, **fresh))[0]
                for account in (as_web, as_worker)
            }
            assert REFUSED in came
            assert came <= {REFUSED, NO_RIGHT}  # the web writes no ledger, workers submit no runs


def test_who_may_not_write_a_table_at_all_cannot_insert_even_a_proper_row(
    rows: dict[str, uuid.UUID], as_web: psycopg.Connection[Any], as_worker: psycopg.Connection[Any]
) -> None:
    ledger = copied(
        "tools_execution",
        rows["tools_execution"],
        status="claimed",
        finished_at=None,
        action=uuid.uuid4(),
        permit=uuid.uuid4(),
        key="another",
    )
    assert refusal(as_web, *ledger)[0] == NO_RIGHT
    assert refusal(as_worker, *copied("lam_app_run", rows["lam_app_run"], client_key=None))[0] == NO_RIGHT


def test_a_status_may_be_written_as_it_is(rows: dict[str, uuid.UUID], as_worker: psycopg.Connection[Any]) -> None:
    assert refusal(as_worker, "UPDATE lam_app_run SET status = status WHERE id = %s", [rows["lam_app_run"]]) == ("", "")


@pytest.mark.parametrize("account", ["as_web", "as_worker"])
def test_no_session_can_switch_the_guards_off(
    account: str, rows: dict[str, uuid.UUID], request: pytest.FixtureRequest
) -> None:
    speaking = request.getfixturevalue(account)
    for table in [*TABLES, "traces_event"]:
        for attempt in (
            f"ALTER TABLE {table} DISABLE TRIGGER ALL",
            f"DROP TRIGGER {table}_edges ON {table}",
            f"CREATE OR REPLACE FUNCTION {table}_edges() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
            f"DROP TABLE {table} CASCADE",
            "SET session_replication_role = replica",
            f"CREATE RULE quiet AS ON UPDATE TO {table} DO INSTEAD NOTHING",
            "SET ROLE countersign_owner",
        ):
            code, words = refusal(speaking, attempt)
            assert code == NO_RIGHT or (code == "42704" and "traces_event_edges" in words), attempt


def test_the_models_offer_exactly_the_statuses_of_their_machines() -> None:
    for model in (Action, Run, Execution):
        assert set(dict(model._meta.get_field("status").choices)) == set(model.machine.statuses)
