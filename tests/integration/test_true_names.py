"""Who can run SQL as an account of the product puts no table of its own in the place of one that the guards ask."""

from typing import Any

import psycopg
import pytest
from django.db import connection

from approvals.models import Action, Decision
from tests.support.forging import decision_by
from tests.support.sql import EVENT, REFUSED, refusal
from tests.support.world import World
from tools.killswitch import engage

ACCOUNTS = pytest.mark.parametrize("account", ["as_web", "as_worker"])


@pytest.mark.django_db
def test_every_function_of_ours_says_where_its_names_are_looked_up() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.oid::regprocedure::text, p.proconfig FROM pg_proc p"
            " WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'"
            " AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"
        )
        found = dict(cursor.fetchall())
    assert "approvals_votes_suffice(uuid,integer,text,text,integer,jsonb)" in found
    wrong = {name for name, config in found.items() if "search_path=public, pg_temp" not in (config or [])}
    assert not wrong


@ACCOUNTS
def test_t22_an_event_in_a_table_of_ones_own_tells_of_nothing(
    account: str, world: World, request: pytest.FixtureRequest
) -> None:
    speaking = request.getfixturevalue(account)
    action = world.staged()
    speaking.execute("CREATE TEMP TABLE traces_event (subject uuid, target text, transaction bigint)")
    speaking.commit()
    speaking.execute(
        "INSERT INTO pg_temp.traces_event VALUES (%s, 'withdrawn', pg_current_xact_id()::text::bigint)", [action.id]
    )
    code, words = refusal(speaking, "UPDATE approvals_action SET status = 'withdrawn' WHERE id = %s", [action.id])
    assert (code, "no event tells of it" in words) == (REFUSED, True)


@ACCOUNTS
def test_t22_votes_in_a_table_of_ones_own_permit_nothing(
    account: str, world: World, request: pytest.FixtureRequest
) -> None:
    speaking = request.getfixturevalue(account)
    action = world.staged()
    speaking.execute("CREATE TEMP TABLE approvals_decision (revision_id uuid, verb text, decider_id uuid)")
    speaking.execute(
        "INSERT INTO pg_temp.approvals_decision SELECT id, 'approve', %s FROM approvals_revision",
        [world.reviewer.pk],
    )
    speaking.execute(EVENT, {"subject": action.id, "target": "permitted"})
    code, words = refusal(speaking, "UPDATE approvals_action SET status = 'permitted' WHERE id = %s", [action.id])
    assert (code, "has not the approvals" in words) == (REFUSED, True)


def test_t22_principals_and_rights_in_tables_of_ones_own_make_nobody_a_decider(
    world: World, as_web: psycopg.Connection[Any]
) -> None:
    action = world.staged()
    as_web.execute("CREATE TEMP TABLE approvals_action AS SELECT * FROM approvals_action")
    as_web.execute("UPDATE pg_temp.approvals_action SET principals = ARRAY[gen_random_uuid()]")
    as_web.execute("CREATE TEMP TABLE tools_right (user_id uuid, tool_id uuid, codename text)")
    as_web.execute(
        "INSERT INTO pg_temp.tools_right SELECT u.id, %s, 'review_tool' FROM accounts_user u", [action.tool_id]
    )
    as_web.commit()
    code, words = refusal(as_web, *decision_by(world.operator, action))
    assert (code, "no_principal_decides" in words) == ("23514", True)
    code, words = refusal(as_web, *decision_by(world.auditor, action))
    assert (code, "may not decide" in words) == (REFUSED, True)
    assert not Decision.objects.exists()
    assert Action.objects.get(id=action.id).status == "in_review"


def lifting(
    speaking: psycopg.Connection[Any], switch: Any, stage: str, sql: str, params: Any = None
) -> tuple[str, str]:
    """What a lifting by plain SQL is answered that brings an event of its own along."""
    told = EVENT.replace("'forged'", f"'stop_{stage}'")
    speaking.execute(told, {"subject": switch.id, "target": ""})
    return refusal(speaking, f"UPDATE tools_killswitch SET {sql}", params)


def test_t110_plain_sql_lifts_no_stop_as_nobody_as_a_stranger_or_in_silence(
    world: World, as_web: psycopg.Connection[Any], as_worker: psycopg.Connection[Any]
) -> None:
    switch = engage(
        actor=world.reviewer, organization=world.organization.id, scope="organization", target=None, reason="A drill."
    )
    code, words = lifting(as_web, switch, "eased", "eased_at = clock_timestamp()")
    assert (code, "kill_eased_by_somebody" in words) == ("23514", True)
    by = "eased_at = clock_timestamp(), eased_by_id = %s"
    for person in (world.operator, world.auditor, world.outsider):
        code, words = lifting(as_web, switch, "eased", by, [person.pk])
        assert (code, "may lift no stop here" in words) == (REFUSED, True), person
    code, words = refusal(as_web, f"UPDATE tools_killswitch SET {by}", [world.reviewer2.pk])
    assert (code, "no event tells of it" in words) == (REFUSED, True)
    assert lifting(as_web, switch, "eased", by, [world.reviewer2.pk]) == ("", "")
    assert refusal(as_worker, f"UPDATE tools_killswitch SET {by}", [world.reviewer2.pk])[0] == "42501"


def test_t109_nobody_writes_down_a_quiet_that_is_not_there(
    world: World, as_web: psycopg.Connection[Any], as_worker: psycopg.Connection[Any]
) -> None:
    engage(
        actor=world.reviewer, organization=world.organization.id, scope="organization", target=None, reason="A drill."
    )
    quiet = "UPDATE tools_killswitch SET quiet_at = clock_timestamp()"
    assert refusal(as_web, quiet)[0] == "42501"
    as_worker.execute(quiet)
    as_worker.commit()
    code, words = refusal(as_worker, quiet)
    assert (code, "written once" in words) == (REFUSED, True)
