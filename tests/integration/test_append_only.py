"""What is written once stays: as the web, as the worker, and as the owner of the tables."""

import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest

from approvals.services.comment import comment
from approvals.services.verdict import happened
from approvals.tasks import execute_permitted, sign_permits
from lam_app.models import Report, Run, Step
from tests.support import tools as odd
from tests.support.sealing import seal_in
from tests.support.sql import NO_RIGHT, REFUSED, refusal, speaking_as, without_guards
from tests.support.voting import just_now
from tests.support.world import World, approved
from tools.killswitch import engage
from traces.calls import ModelCall, remember
from traces.ids import uuid7

WRITTEN_ONCE = [
    "traces_event",
    "traces_trace",
    "traces_promptpart",
    "traces_block",
    "approvals_revision",
    "approvals_decision",
    "approvals_remark",
    "approvals_policyversion",
    "tools_toolversion",
    "lam_app_step",
    "lam_app_report",
]
KEPT = {
    "approvals_action": {
        "status", "verdict", "risk", "maturity", "quorum", "teams", "unroutable", "revision", "digest", "summary",
        "due_at", "expires_at", "settled_at", "trace", "voted_at", "tool_id", "tool_name", "scopes",
        "assignee_id", "assigned_until", "held_by_id", "held_at", "held_reason", "asked_at", "escalated_at",
        "extended",
    },
    "approvals_permit": {"revoked_at", "revoked_because"},
    "tools_execution": {
        "status", "attempt", "fence", "claimer_id", "claimed_at", "retry_at", "finished_at", "result", "error_code",
        "error_text", "evidence",
    },
    "tools_killswitch": {"quiet_at", "eased_by_id", "eased_at", "released_by_id", "released_at", "release_reason"},
    "lam_app_run": {
        "status", "step", "planner_id", "planner_until", "question", "problem", "context", "undo_by_id",
        "undo_from", "finished_at",
    },
}  # fmt: skip
"""Tables that change in some columns, and which ones; in every other column they are written once too."""

ACCOUNTS = ["web", "worker", "owner"]

ANOTHER = {
    "uuid": "gen_random_uuid()",
    "character varying": "'x'",
    "text": "'x'",
    "integer": "coalesce({0}, 0) + 1",
    "smallint": "coalesce({0}, 0) + 1",
    "bigint": "coalesce({0}, 0) + 1",
    "double precision": "coalesce({0}, 0) + 0.5",
    "boolean": "NOT {0}",
    "jsonb": "'[1]'::jsonb",
    "bytea": "'\\x00'::bytea",
    "timestamp with time zone": "coalesce({0}, now()) + interval '1 hour'",
}
"""A value of each type that is not the one that is there."""


@pytest.fixture
def lived(world: World, tmp_path: Path) -> World:
    """A world in which every table holds at least one row."""
    odd.reset()
    odd.ORDERS.append("break_after")
    action = world.staged("odd_neither", {"text": "once"})
    approved(world, action)
    sign_permits()
    execute_permitted()
    happened(
        actor=world.reviewer,
        organization=world.organization.id,
        action_id=action.id,
        digest=action.digest,
        reason="I looked.",
        signed_in_at=just_now(),
    )
    comment(actor=world.reviewer, organization=world.organization.id, action_id=action.id, text="I looked.")
    run = world.run()
    remember(
        ModelCall(
            organization=world.organization.id, run=run.id, step=1, attempt=1, model="m", prompt=[("user", "hello")],
            schema_digest="sha256:0", latency_ms=1,
        )
    )  # fmt: skip
    _reported(run, world)
    engage(actor=world.reviewer, organization=world.organization.id, scope="run", target=run.id, reason="to have a row")
    seal_in(tmp_path).passes()
    return world


def _reported(run: Run, world: World) -> None:
    Step(organization=world.organization, run=run, number=1, intent="{}").save(force_insert=True)
    Report(id=uuid7(), organization=world.organization, run=run, lines=[], claim="Done.").save(force_insert=True)


def columns(speaking: psycopg.Connection[Any], table: str) -> dict[str, str]:
    rows = speaking.execute(
        "SELECT column_name, CASE data_type WHEN 'ARRAY' THEN udt_name ELSE data_type END"
        " FROM information_schema.columns WHERE table_name = %s",
        [table],
    ).fetchall()
    return dict(rows)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_what_is_written_once_is_neither_changed_nor_deleted_nor_emptied(account: str, lived: World) -> None:
    with speaking_as("owner") as owner:
        described = {table: columns(owner, table) for table in WRITTEN_ONCE}
    with speaking_as(account, lived.organization.id) as speaking:
        for table in WRITTEN_ONCE:
            count = speaking.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            assert count, f"{table} has no row to try it on"
            for attempt in (
                *(f"UPDATE {table} SET {column} = {column}" for column in described[table]),
                f"DELETE FROM {table}",
                f"TRUNCATE {table} CASCADE",
                f"INSERT INTO {table} SELECT * FROM {table} LIMIT 1 ON CONFLICT (id) DO UPDATE SET id = {table}.id",
                f"MERGE INTO {table} t USING (SELECT 1) o ON true WHEN MATCHED THEN DELETE",
            ):
                code, words = refusal(speaking, attempt)
                assert code == (REFUSED if account == "owner" else NO_RIGHT), (attempt, code, words)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_what_moves_changes_in_the_listed_columns_only_and_is_never_deleted(account: str, lived: World) -> None:
    with speaking_as("owner") as owner:
        described = {table: columns(owner, table) for table in KEPT}
    with speaking_as(account, lived.organization.id) as speaking:
        for table, free in KEPT.items():
            assert free <= set(described[table])
            for column, kind in described[table].items():
                if column in free:
                    continue
                value = ANOTHER[kind].format(column) if kind in ANOTHER else f"ARRAY['{uuid.uuid4()}']::{kind[1:]}[]"
                code, words = refusal(speaking, f"UPDATE {table} SET {column} = {value}")
                assert code in ({REFUSED} if account == "owner" else {REFUSED, NO_RIGHT}), (table, column, code, words)
            for attempt in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
                code, words = refusal(speaking, attempt)
                assert code == (REFUSED if account == "owner" else NO_RIGHT), (attempt, code, words)


def test_every_partition_of_the_record_refuses_as_its_parent_does(lived: World) -> None:
    with speaking_as("owner") as owner:
        parts = owner.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'traces_event'::regclass"
        ).fetchall()
        assert len(parts) >= 5  # this month, three ahead, and the one for the rest
        held = [part for (part,) in parts if owner.execute(f"SELECT 1 FROM {part}").fetchone()]
        assert held
        for part in held:
            assert refusal(owner, f"UPDATE {part} SET reason = 'x'")[0] == REFUSED
            assert refusal(owner, f"DELETE FROM {part}")[0] == REFUSED


def test_a_detail_is_changed_by_nobody_and_leaves_by_forgetting_alone(lived: World) -> None:
    for account in ACCOUNTS:
        with speaking_as(account, lived.organization.id) as speaking:
            code, _ = refusal(speaking, "UPDATE traces_eventdetail SET detail = '{}'")
            assert code == (REFUSED if account == "owner" else NO_RIGHT)
            code, _ = refusal(speaking, "DELETE FROM traces_eventdetail")
            assert code == (REFUSED if account == "owner" else NO_RIGHT)


def test_t33_the_product_refuses_to_delete_an_approval_and_what_hangs_on_it(lived: World) -> None:
    with speaking_as("owner") as owner:
        for table in ("approvals_action", "approvals_decision", "approvals_permit", "tools_execution", "lam_app_run"):
            assert refusal(owner, f"DELETE FROM {table}")[0] == REFUSED


def test_a_used_permit_cannot_be_put_under_another_action(lived: World) -> None:
    other = lived.staged()
    for account in ACCOUNTS:
        with speaking_as(account, lived.organization.id) as speaking:
            code, _ = refusal(speaking, "UPDATE approvals_permit SET action_id = %s", [other.id])
            assert code in {REFUSED, NO_RIGHT}


def test_the_guards_stand_on_every_table_that_holds_a_promise(lived: World) -> None:
    with without_guards() as admin:
        guarded = {
            row[0]
            for row in admin.execute(
                "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'"
                " AND (tgname LIKE '%append_only' OR tgname LIKE '%kept')"
            ).fetchall()
        }
    assert {*WRITTEN_ONCE, *KEPT} <= guarded
