"""The second wall: the web account sees one organization's rows and writes no others, whatever the queries forget."""

from __future__ import annotations

import uuid
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from approvals.models import Action
from approvals.queries import ActionQuerySet
from approvals.tasks import execute_permitted, sign_permits
from tests.support.api import account, make_api
from tests.support.sql import NO_RIGHT, REFUSED, copied, refusal, speaking_as
from tests.support.voting import signed_in
from tests.support.world import World, approved
from tools.killswitch import engage
from tools.models import KillSwitch

OUTSIDE = {
    "accounts_agent": "a token names its agent before anybody knows whose it is",
    "accounts_apitoken": "the organization is known from it",
    "accounts_membership": "the organization is known from it",
    "accounts_team": "who decides is asked across teams, and a team is its organization's only through Django's groups",
}
"""Tables with an organization that row security leaves out, and why."""
NOT_EMPTY = {"approvals_action", "approvals_decision", "lam_app_run", "tools_killswitch", "traces_event"}
ORGANIZATIONS = """
SELECT c.oid::regclass::text, a.attname FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('organization', 'organization_id') AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
"""


def asked(sql: str, params: Any = None) -> list[Any]:
    """What the owner sees."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def columns() -> dict[str, str]:
    """Every table that names an organization, and by which column."""
    return dict(asked(ORGANIZATIONS))


def governed() -> dict[str, str]:
    """Those of them that row security is for."""
    return {table: column for table, column in columns().items() if table not in OUTSIDE}


def readable(right: str) -> list[str]:
    """The governed tables on which the web account has this right."""
    found = asked(
        "SELECT t FROM unnest(%s::text[]) t WHERE has_table_privilege('countersign_web', t, %s)", [[*governed()], right]
    )
    return sorted(row[0] for row in found)


def count(speaking: psycopg.Connection[Any], table: str) -> int:
    """How many rows this account sees."""
    row = speaking.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[arg-type]
    assert row is not None
    return int(row[0])


@pytest.fixture
def busy(world: World) -> World:
    """Organization ``demo`` with a row of nearly every kind, and the other without any."""
    world.run()
    approved(world, world.staged("write_note", {"text": "Call back.", "about": "order 1009"}), by="reviewer")
    sign_permits()
    execute_permitted()
    world.staged()
    engage(
        actor=world.reviewer, organization=world.organization.id, scope="organization", target=None, reason="A drill."
    )
    return world


@pytest.mark.django_db
def test_every_table_that_names_an_organization_shows_the_web_its_own_rows_alone() -> None:
    """A new table is closed by ``traces.guards.own_rows`` in its migration."""
    missing = {}
    for table, column in governed().items():
        policies = asked(
            "SELECT p.polcmd::text, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)"
            " FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid AND c.relrowsecurity"
            " WHERE c.oid = %s::regclass"
            " AND p.polroles && ARRAY[0, (SELECT oid FROM pg_roles WHERE rolname = 'countersign_web')]::oid[]",
            [table],
        )
        setting = "NULLIF(current_setting('lam.organization'::text, true), ''::text)"
        own = f'({column} = ( SELECT ({setting})::uuid AS "nullif"))'
        if [(cmd, own in using, check) for cmd, using, check in policies] != [("*", True, own)]:
            missing[table] = policies
    assert missing == {}


@pytest.mark.django_db
def test_what_stays_outside_is_there() -> None:
    assert set(OUTSIDE) <= set(columns())


@pytest.mark.django_db
def test_no_view_and_no_partition_leads_around() -> None:
    assert (
        asked(
            "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('v', 'm') AND c.relnamespace = 'public'::regnamespace"
            " AND has_table_privilege('countersign_web', c.oid, 'SELECT')"
            " AND NOT coalesce(c.reloptions @> ARRAY['security_invoker=true'], false)"
        )
        == []
    )
    assert (
        asked(
            "SELECT c.relname FROM pg_class c WHERE c.relispartition"
            " AND has_any_column_privilege('countersign_web', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')"
        )
        == []
    )


def test_in_no_organization_nothing_at_all_is_visible(busy: World) -> None:
    tables = readable("SELECT")
    assert {"approvals_action", "traces_event", "lam_app_run", "tools_execution", "tools_killswitch"} <= set(tables)
    with speaking_as("web") as web:
        assert {table: count(web, table) for table in tables} == dict.fromkeys(tables, 0)
        assert count(web, "tools_right") == 0
    with speaking_as("worker") as worker:
        assert count(worker, "approvals_action") == 2


def test_in_another_organization_none_of_these_rows_is_visible(busy: World) -> None:
    columns = governed()
    with speaking_as("web", busy.elsewhere.id) as web, speaking_as("web", busy.organization.id) as own:
        seen = 0
        for table in readable("SELECT"):
            foreign = f"{table} WHERE {columns[table]} <> '{busy.elsewhere.id}'"
            assert count(web, foreign) == 0, table
            assert count(own, table) == count_all(table, busy.organization.id), table
            seen += count(own, table) > 0
        assert seen > 12  # and there was something to be seen


def count_all(table: str, organization: uuid.UUID) -> int:
    """How many rows there are of an organization, by the owner's count."""
    return int(asked(f"SELECT count(*) FROM {table} WHERE {governed()[table]} = %s", [organization])[0][0])


def test_no_row_is_written_for_another_organization(busy: World) -> None:
    """A policy's no has the code of a missing right; where a table's own trigger comes first, it is the trigger's."""
    seen = set(readable("SELECT"))
    tables = [table for table in readable("INSERT") if table in seen]  # what is written blindly has tests of its own
    assert set(tables) >= NOT_EMPTY
    refused = set()
    with speaking_as("web", busy.organization.id) as web:
        for table in tables:
            column = governed()[table]
            key = "event" if table == "traces_eventdetail" else "id"
            sql = (
                f"INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, to_jsonb(t) || jsonb_build_object("
                f"'{key}', gen_random_uuid(), '{column}', %s::text))).* FROM {table} t LIMIT 1"
            )
            assert count(web, table) or table not in NOT_EMPTY, table
            if count(web, table):
                code, words = refusal(web, sql, [busy.elsewhere.id])
                assert code in {NO_RIGHT, REFUSED}, (table, words)
                if code == NO_RIGHT:
                    assert words == f'new row violates row-level security policy for table "{table}"'
                    refused.add(table)
            web.rollback()
    assert {"traces_event", "traces_eventdetail"} <= refused


def test_no_row_is_changed_for_another_organization(busy: World) -> None:
    with speaking_as("web", busy.elsewhere.id) as web:
        for table in readable("UPDATE"):
            column = governed()[table]
            sql = f"UPDATE {table} SET {column} = {column}"
            assert web.execute(sql).rowcount == 0, table  # type: ignore[arg-type]


def test_a_stop_of_everything_is_shown_to_all_and_engaged_by_none(world: World) -> None:
    stop = KillSwitch.objects.create(
        scope="everything", scope_key="everything", epoch=1, reason="A drill.", engaged_by=world.reviewer
    )
    for organization in (world.organization, world.elsewhere):
        with speaking_as("web", organization.id) as web:
            assert count(web, "tools_killswitch") == 1
            code, words = refusal(web, *copied("tools_killswitch", stop.id, epoch=2))
            assert (code, "row-level security" in words) == (NO_RIGHT, True)
    with speaking_as("web") as web:
        assert count(web, "tools_killswitch") == 0


def test_t57_a_forgotten_filter_shows_nothing_of_another_organization(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wall by itself: the query's own filter is taken away, and the owner account shows what that would mean."""
    action = world.staged()
    monkeypatch.setattr(ActionQuerySet, "within", lambda rows, _organization: rows.all())
    monkeypatch.setattr("approvals.access.Membership.has", lambda *_: True)
    page = f"/actions/{action.id}/"
    outsider, own = signed_in(world, "outsider"), signed_in(world, "auditor")
    assert outsider.get(page).status_code == 200
    with account("web"):
        assert outsider.get(page).status_code == 404
        assert own.get(page).status_code == 200


def test_a_token_shows_its_own_organization_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    api = make_api(world)
    action = api.staged()
    monkeypatch.setattr("approvals.api.visible", lambda _identity: Action.objects.all())
    assert api.auditor.get(f"actions/{action['id']}").status_code == 200
    assert api.outsider.get(f"actions/{action['id']}").status_code == 404
    assert api.outsider.get("actions").json()["items"] == []


def test_a_stranger_is_in_no_organization(world: World) -> None:
    world.staged()
    with account("web"):
        Client().get("/accounts/login/")
        assert Action.objects.count() == 0
