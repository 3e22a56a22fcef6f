"""The database's clock is an hour off, and then right again (F26): times shift by as much, and nothing else gives way.

Every statement of this session asks another clock: functions of the same names stand in front of PostgreSQL's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from approvals.models import Permit
from approvals.services.expire import expire
from approvals.tasks import execute_permitted
from tests.support.permits import signed
from tests.support.sql import speaking_as
from tests.support.world import World
from tools.killswitch import engage, settle_quiet
from tools.models import Execution, KillSwitch, OutboxMessage
from traces.clock import now
from traces.models import Event

CLOCKS = ("clock_timestamp", "statement_timestamp", "transaction_timestamp", "now")


@contextmanager
def clock_off_by(hours: int) -> Iterator[None]:
    """This session's clock goes wrong, and is right again behind the block."""
    right = now()
    with speaking_as("admin") as admin:
        admin.execute("CREATE SCHEMA wrong_clock")
        for name in CLOCKS:
            admin.execute(
                f"CREATE FUNCTION wrong_clock.{name}() RETURNS timestamptz LANGUAGE sql VOLATILE AS"
                f" 'SELECT pg_catalog.{name}() + interval ''{hours} hours'''"
            )
        admin.execute("GRANT USAGE ON SCHEMA wrong_clock TO PUBLIC")
        admin.commit()
    with connection.cursor() as cursor:
        cursor.execute("SET search_path = wrong_clock, public, pg_catalog")
    try:
        assert abs((now() - right).total_seconds() - hours * 3600) < 600, "the clock did not go wrong"
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET search_path")
        with speaking_as("admin") as admin:
            admin.execute("DROP SCHEMA wrong_clock CASCADE")
            admin.commit()


@pytest.mark.parametrize("hours", [1, -1])
def test_f26_a_permit_is_used_within_its_time_by_the_databases_clock_whichever_way_it_jumps(
    hours: int, world: World
) -> None:
    """Too late by the clock, or too early: nothing leaves. Right again, the same permit is used, and once."""
    action = signed(world)
    with clock_off_by(hours):
        execute_permitted()
        assert (Execution.objects.count(), OutboxMessage.objects.count()) == (0, 0)
    assert Permit.objects.get(action=action.id).revoked_at is None
    assert execute_permitted() == 1
    assert execute_permitted() == 0
    assert (Execution.objects.count(), OutboxMessage.objects.count()) == (1, 1)


def test_f26_a_clock_that_jumped_ahead_expires_what_waits_which_is_a_no(world: World) -> None:
    """By design the time to review shifts with the clock: early, it is lost, and never a yes."""
    waiting = world.staged()
    with clock_off_by(24):
        assert expire() == 1
    waiting.refresh_from_db()
    assert waiting.status == "expired"
    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize("hours", [1, -1])
def test_f26_a_stop_that_is_engaged_while_the_clock_is_wrong_stops_all_the_same(hours: int, world: World) -> None:
    """Stops are ordered by a counter and a lock, not by times; so is the record."""
    before, after = signed(world), signed(world)
    with clock_off_by(hours):
        engage(
            actor=world.reviewer, organization=world.organization.id, scope="run", target=before.run, reason="Stop it."
        )
    assert execute_permitted() == 1
    assert list(Execution.objects.values_list("action", flat=True)) == [after.id]
    settle_quiet()
    assert KillSwitch.objects.get().quiet_at is not None
    told = Event.objects.filter(subject=KillSwitch.objects.get().id).order_by("id").values_list("verb", flat=True)
    assert list(told) == ["stop_engaged", "stop_quiet"]
