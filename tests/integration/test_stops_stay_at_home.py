"""A stop covers its own organization: what is foreign looks missing, in the verb and in the database."""

import psycopg
import pytest

from tests.support.world import World
from tools.exceptions import StopNotFound
from tools.killswitch import engage, settle_quiet
from tools.models import KillSwitch
from traces.models import Event


@pytest.mark.parametrize("scope", ["tool", "agent", "initiator", "run"])
def test_somebody_elses_tool_agent_person_or_run_cannot_be_stopped(world: World, scope: str) -> None:
    action = world.staged()
    targets = {"tool": action.tool_id, "agent": action.agent_id, "initiator": action.initiator_id, "run": action.run}
    with pytest.raises(StopNotFound):
        engage(
            actor=world.outsider,
            organization=world.elsewhere.id,
            scope=scope,
            target=targets[scope],
            reason="A stop from outside.",
        )
    assert not KillSwitch.objects.exists()


def test_plain_sql_cannot_stop_what_is_foreign_either(world: World, as_web: psycopg.Connection) -> None:
    tool = world.tool()
    with pytest.raises(psycopg.Error, match="no such tool in this organization"):
        as_web.execute(
            "INSERT INTO tools_killswitch (id, organization_id, scope, target, scope_key, epoch, reason, engaged_by_id,"
            " release_reason) VALUES (gen_random_uuid(), %s, 'tool', %s, 'tool:' || %s::text, 999, 'x', %s, '')",
            [world.elsewhere.id, tool.id, str(tool.id), world.outsider.id],
        )


def test_a_stop_over_nothing_in_flight_becomes_quiet_and_says_so(world: World) -> None:
    switch = engage(
        actor=world.reviewer, organization=world.organization.id, scope="organization", target=None, reason="A drill."
    )
    settle_quiet()
    switch.refresh_from_db()
    assert switch.quiet_at is not None
    assert switch.quiet_at >= switch.armed_at
    assert list(Event.objects.about(world.organization.id, switch.id).values_list("verb", flat=True)) == [
        "stop_engaged",
        "stop_quiet",
    ]
