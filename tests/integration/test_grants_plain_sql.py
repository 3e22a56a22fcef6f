"""What an account of the product could try on grants past the product's code, and what the database makes of it."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from approvals.models import Grant, GrantUse
from tests.support.granting import allow, may_grant, pay
from tests.support.sql import NO_RIGHT, REFUSED, copied, refusal
from tests.support.world import World
from traces.ids import uuid7

ACCOUNTS = pytest.mark.parametrize("account", ["as_web", "as_worker"])
USE = "SELECT * FROM approvals_use_grant(%s, %s, %s)"
CHECK = "23514"


@pytest.fixture
def grant(world: World) -> Grant:
    may_grant(world)
    return allow(world)


@ACCOUNTS
def test_no_process_writes_a_use_or_edits_a_grant(
    account: str, grant: Grant, world: World, request: pytest.FixtureRequest
) -> None:
    speaking = request.getfixturevalue(account)
    pay(world)
    used = GrantUse.objects.get()
    for sql, params in (
        copied("approvals_grantuse", used.id),
        ("UPDATE approvals_grantuse SET amount = 0", None),
        ("UPDATE approvals_grantuse SET released_at = clock_timestamp()", None),
        ("DELETE FROM approvals_grantuse", None),
        ("UPDATE approvals_grant SET uses = 1000", None),
        ("UPDATE approvals_grant SET expires_at = expires_at + interval '1 day'", None),
        ("DELETE FROM approvals_grant", None),
        ("TRUNCATE approvals_grant CASCADE", None),
    ):
        assert refusal(speaking, sql, params)[0] == NO_RIGHT


def test_a_worker_makes_and_revokes_no_grant(grant: Grant, as_worker: psycopg.Connection) -> None:
    assert refusal(as_worker, *copied("approvals_grant", grant.id))[0] == NO_RIGHT
    assert refusal(as_worker, "UPDATE approvals_grant SET revoked_at = clock_timestamp()")[0] == NO_RIGHT


def test_a_grant_is_looked_over_as_it_is_born(grant: Grant, world: World, as_web: psycopg.Connection) -> None:
    shown = grant.example
    forged: list[tuple[dict[str, Any], str]] = [
        ({"made_by_id": world.reviewer2.pk}, REFUSED),  # may not configure
        ({"made_by_id": world.operator.pk}, REFUSED),  # may neither
        ({"agent_id": uuid7()}, REFUSED),
        ({"tool_id": world.tool("put_odd").id}, REFUSED),
        ({"initiator_id": world.reviewer2.pk}, REFUSED),
        ({"organization_id": world.elsewhere.id}, REFUSED),
        ({"expires_at": (grant.created + timedelta(days=31)).isoformat()}, REFUSED),
        ({"uses": 1001}, CHECK),
        ({"initiator_id": None}, CHECK),
        ({"currency": ""}, CHECK),
        ({"bounds": {}}, REFUSED),
        ({}, REFUSED),  # no event tells of it
    ]
    for changes, code in forged:
        assert refusal(as_web, *copied("approvals_grant", grant.id, **changes))[0] == code, changes
    assert grant.made_by_id not in Grant.objects.get(id=grant.id).principals
    assert Grant.objects.get(id=grant.id).principals == shown.principals


def test_nobody_grants_what_acts_for_them_whatever_is_written(
    grant: Grant, world: World, as_web: psycopg.Connection
) -> None:
    """The principals are the database's own copy, so leaving them out changes nothing."""
    other = pay(world, "500", principals=(world.operator.id, world.reviewer.id))
    revision = other.revisions.get()
    changes = {"example_id": other.id, "revision_id": revision.id, "principals": []}
    assert refusal(as_web, *copied("approvals_grant", grant.id, **changes))[0] == CHECK


def test_a_revocation_is_told_and_stays(grant: Grant, as_web: psycopg.Connection, world: World) -> None:
    revoke = "UPDATE approvals_grant SET revoked_at = clock_timestamp(), revoked_because = 'No.', revoked_by_id = %s"
    code, message = refusal(as_web, revoke, [world.reviewer.pk])
    assert (code, "no event tells" in message) == (REFUSED, True)


@ACCOUNTS
def test_only_what_is_being_proposed_and_is_like_it_uses_a_grant(
    account: str, grant: Grant, world: World, request: pytest.FixtureRequest
) -> None:
    speaking = request.getfixturevalue(account)
    held = pay(world, "500")
    assert speaking.execute(USE, [grant.id, held.id, 1]).fetchall() == []  # people have it
    assert speaking.execute(USE, [uuid7(), uuid7(), 1]).fetchall() == []
    assert speaking.execute(USE, [grant.id, uuid7(), 251]).fetchall() == []  # over the total
    speaking.rollback()
    code, message = refusal(speaking, USE, [grant.id, uuid7(), 1])
    assert (code, "not what the grant is for" in message) == (REFUSED, True)
    for amount in ("NaN", "Infinity", "-1"):
        assert refusal(speaking, USE, [grant.id, uuid7(), amount])[0] == REFUSED
    speaking.execute("SET default_transaction_isolation = 'repeatable read'")
    speaking.commit()
    assert refusal(speaking, USE, [grant.id, uuid7(), 1])[0] == REFUSED
    assert not GrantUse.objects.exists()


def test_another_organization_sees_and_uses_none(grant: Grant, world: World, as_web: psycopg.Connection) -> None:
    as_web.execute("SELECT set_config('lam.organization', %s, false)", [str(world.elsewhere.id)])
    assert as_web.execute("SELECT count(*) FROM approvals_grant").fetchone() == (0,)
    assert as_web.execute(USE, [grant.id, uuid7(), 1]).fetchall() == []
    as_web.rollback()
