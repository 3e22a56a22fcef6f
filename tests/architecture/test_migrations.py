"""The migrations say what the models say, and the database holds what the models cannot: edges, memory, permanence.

The suite's own database was made by these migrations from nothing, so that they apply needs no test here.
"""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.models import Model

from tests.architecture.source import APPS
from traces.models import Moving
from traces.states import Machine

MOVING = [model for model in apps.get_models() if issubclass(model, Moving)]

NOT_OF_ONE_ORGANIZATION = {
    "accounts_user": "a person may belong to several",
    "accounts_user_groups": "of Django: through the team's group",
    "accounts_user_user_permissions": "of Django, and nothing in the product asks it",
    "accounts_organization": "it is one",
    "tools_agenttool": "through its agent and its tool",
    "tools_tooluserobjectpermission": "through its tool",
    "tools_toolgroupobjectpermission": "through its tool",
    "approvals_hitscounted": "one row: how far the counting for all of them has come",
    "tools_worker": "a process works for all",
    "traces_outlet": "one row: how far the checkpoints of all of them have been told outside",
    "tools_killswitch": "a stop of everything stands over all; every other names its organization",
}
"""Tables without an organization of their own that is never null, and why."""

APPEND_ONLY = {
    "lam_app_attachment", "lam_app_content", "lam_app_delivery", "lam_app_firing",
    "accounts_standingchange", "approvals_decision", "approvals_policyversion", "approvals_revision", "lam_app_report",
    "lam_app_step", "tools_toolversion", "tools_dialchange", "tools_rightchange", "tools_agentchange", "traces_event",
    "approvals_webhookkey", "traces_retention", "traces_forgetting",
}  # fmt: skip
KEPT = {
    "accounts_signin",
    "approvals_action",
    "approvals_delivery",
    "approvals_grant",
    "approvals_grantuse",
    "approvals_notice",
    "approvals_noticeaddress",
    "approvals_noticeroute",
    "approvals_occasion",
    "approvals_permit",
    "approvals_policyproposal",
    "approvals_preview",
    "approvals_trial",
    "lam_app_erasure",
    "lam_app_hook",
    "lam_app_run",
    "lam_app_schedule",
    "tools_dialproposal",
    "tools_execution",
    "tools_killswitch",
    "traces_hold",
}
"""Rows that change in some columns and never go."""

TOLD = {"approvals_action", "lam_app_run"}
"""Rows whose change of status cannot commit without its event."""


def ours() -> list[type[Model]]:
    """Every model of the product, those between two others included."""
    return [model for app in APPS for model in apps.get_app_config(app).get_models(include_auto_created=True)]


def triggers(table: str) -> dict[str, str]:
    """The enabled triggers of a table by name, each with its function's text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.tgname, pg_get_functiondef(t.tgfoid) FROM pg_trigger t"
            " WHERE t.tgrelid = %s::regclass AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')",
            [table],
        )
        return dict(cursor.fetchall())


def edges(table: str) -> tuple[str, list[tuple[str, str]]]:
    """Where the database lets rows of this table begin and go, read from its trigger."""
    text = triggers(table)[f"{table}_edges"]
    begins = re.search(r"a row begins as (\w+)", text)
    assert begins is not None
    return begins.group(1), sorted((a, b) for a, b in re.findall(r"'(\w+)>(\w+)'", text))


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_there_are_machines() -> None:
    assert {model.machine.name for model in MOVING} == {"run", "action", "execution"}


@pytest.mark.django_db
@pytest.mark.parametrize("model", MOVING, ids=lambda model: model.__name__)
def test_the_database_knows_the_same_edges_as_the_data(model: type[Moving]) -> None:
    machine: Machine = model.machine
    assert edges(model._meta.db_table) == (machine.initial, machine.pairs())


@pytest.mark.parametrize("model", MOVING, ids=lambda model: model.__name__)
def test_a_status_column_holds_the_machine_s_words(model: type[Moving]) -> None:
    field = model._meta.get_field("status")
    assert {value for value, _ in field.flatchoices} == set(model.machine.statuses)
    assert field.default == model.machine.initial


@pytest.mark.django_db
@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
def test_rows_written_once_are_guarded(table: str) -> None:
    assert {f"{table}_append_only", f"{table}_append_only_truncate"} <= set(triggers(table))


@pytest.mark.django_db
@pytest.mark.parametrize("table", sorted(KEPT))
def test_rows_that_stay_are_guarded(table: str) -> None:
    assert {f"{table}_kept", f"{table}_kept_truncate"} <= set(triggers(table))


@pytest.mark.django_db
@pytest.mark.parametrize("table", sorted(TOLD))
def test_changes_of_status_are_told(table: str) -> None:
    assert {f"{table}_told", f"{table}_told_insert"} <= set(triggers(table))


@pytest.mark.django_db
def test_every_governed_row_names_its_organization() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND column_name IN ('organization', 'organization_id') AND is_nullable = 'NO'"
        )
        named = {row[0] for row in cursor.fetchall()}
    tables = {model._meta.db_table for model in ours()}
    assert tables - named - {"accounts_organization"} == set(NOT_OF_ONE_ORGANIZATION) - {"accounts_organization"}


@pytest.mark.django_db
def test_the_processes_accounts_own_nothing_and_are_bound_by_every_trigger() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'countersign_%%' AND rolname NOT LIKE '%%admin'"
            " AND (rolsuper OR rolcreaterole OR rolreplication OR rolbypassrls)"
        )
        assert cursor.fetchall() == []
        cursor.execute(
            "SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner) IN ('countersign_web', 'countersign_worker')"
        )
        assert cursor.fetchall() == []
        cursor.execute(
            "SELECT grantee, table_name, privilege_type FROM information_schema.role_table_grants"
            " WHERE grantee IN ('countersign_web', 'countersign_worker')"
            " AND privilege_type IN ('TRUNCATE', 'TRIGGER', 'REFERENCES')"
        )
        assert cursor.fetchall() == []


@pytest.mark.django_db
def test_processes_may_delete_no_governed_row() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT grantee, table_name FROM information_schema.role_table_grants"
            " WHERE grantee IN ('countersign_web', 'countersign_worker') AND privilege_type = 'DELETE'"
        )
        allowed = set(cursor.fetchall())
    tables = {model._meta.db_table for model in ours()}
    assert {table for _, table in allowed} & tables == set()
